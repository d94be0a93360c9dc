#include "fuse/request_text.h"

#include <gmock/gmock.h>
#include <linux/fuse.h>

#include <cstring>
#include <vector>

#include "sys/fuse_device.h"

namespace cvfs {
namespace {

using testing::HasSubstr;
using testing::Not;

template <class Arguments>
std::vector<std::byte> message(std::uint32_t opcode, const Arguments& arguments,
                               const std::string& rest) {
  std::vector<std::byte> bytes(sizeof(fuse_in_header) + sizeof arguments + rest.size());
  fuse_in_header header{};
  header.len = static_cast<std::uint32_t>(bytes.size());
  header.opcode = opcode;
  header.unique = 30 | sys::kFuseUniqueResend;
  header.nodeid = 2;
  header.uid = 101000;
  header.gid = 102000;
  header.pid = 712;
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &arguments, sizeof arguments);
  std::memcpy(bytes.data() + sizeof header + sizeof arguments, rest.data(), rest.size());
  return bytes;
}

TEST(RequestText, SaysWhatIsAskedByWhomAndWithWhichBytes) {
  const auto bytes = message(FUSE_MKDIR, fuse_mkdir_in{}, std::string("a\n name") + '\0');
  const std::string text = describe_request(bytes);
  EXPECT_THAT(text, testing::StartsWith("MKDIR of node 2 (request 30), asked by process 712 as "
                                        "101000:102000, 56 bytes: 3800000009000000"));
  EXPECT_THAT(text, testing::EndsWith("610a206e616d6500 |" + text.substr(text.find('|') + 1)));
  EXPECT_THAT(text, HasSubstr("a. name.|"));
}

TEST(RequestText, ShowsNoMoreThanTheBeginningAndNothingThatIsWritten) {
  const auto long_name = message(FUSE_LOOKUP, char{'x'}, std::string(255, 'y'));
  EXPECT_THAT(describe_request(long_name), Not(HasSubstr(std::string(100, 'y'))));
  const auto write = message(FUSE_WRITE, fuse_write_in{}, "secret");
  EXPECT_THAT(describe_request(write), Not(HasSubstr("secret")));
}

TEST(RequestText, OfTooFewBytesSaysThese) {
  EXPECT_THAT(describe_request(std::vector<std::byte>(3)), HasSubstr("3 bytes: 000000 |...|"));
}

}  // namespace
}  // namespace cvfs
