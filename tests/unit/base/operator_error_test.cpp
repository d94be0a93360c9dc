#include "base/operator_error.h"

#include <gtest/gtest.h>

namespace cvfs {
namespace {

TEST(OperatorError, SaysWhatIsWrongWithWhatAndWhatToDo) {
  EXPECT_EQ((OperatorError{ExitCode::kUsage, "a", "is wrong", "b"}).message(),
            "a: is wrong\n  try: b");
  EXPECT_EQ((OperatorError{ExitCode::kUsage, "", "is wrong", ""}).message(), "is wrong");
}

// Found by fuzz_id_maps: what was typed is quoted in it.
TEST(OperatorError, NothingThatWasTypedIsObeyedByATerminalOrBeginsALineOfALog) {
  const OperatorError error{ExitCode::kUsage, "uidmap=\n1", "\"\033[2J\" is no number",
                            std::string("\0x\x7f", 3)};
  EXPECT_EQ(error.message(), "uidmap=?1: \"?[2J\" is no number\n  try: ?x?");
}

}  // namespace
}  // namespace cvfs
