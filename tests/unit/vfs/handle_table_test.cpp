#include "vfs/handle_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>

namespace cvfs {
namespace {

HandleTable table(std::uint32_t capacity) {
  return std::move(*HandleTable::create(capacity));
}

UniqueFd some_descriptor() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(HandleTable, NeverUsesANumberTwice) {
  HandleTable handles = table(4);
  std::set<HandleId> seen;
  for (int i = 0; i < 100; ++i) {
    const HandleId id = *handles.add(1, {}, O_RDONLY);
    EXPECT_TRUE(seen.insert(id).second);
    ASSERT_TRUE(handles.remove(id));
  }
}

TEST(HandleTable, ClosesTheDescriptorOnceAndOnlyItsOwn) {
  HandleTable handles = table(4);
  UniqueFd fd = some_descriptor();
  const int number = fd.get();
  const HandleId first = *handles.add(9, std::move(fd), O_RDONLY);
  EXPECT_EQ(*handles.remove(first), 9U);
  EXPECT_FALSE(is_open(number));

  const HandleId second = *handles.add(10, some_descriptor(), O_RDONLY);
  EXPECT_EQ(handles.remove(first).error().value, EBADF) << "a RELEASE that came twice";
  EXPECT_TRUE(handles.find(second));
  EXPECT_EQ(*handles.remove(second), 10U);
}

TEST(HandleTable, KeepsTheFirstDescriptorThatItIsGiven) {
  HandleTable handles = table(4);
  HandleRecord& record = **handles.find(*handles.add(1, {}, O_RDWR));
  UniqueFd first = some_descriptor();
  const int number = first.get();
  EXPECT_EQ(HandleTable::set_io(record, std::move(first)), number);
  UniqueFd second = some_descriptor();
  const int loser = second.get();
  EXPECT_EQ(HandleTable::set_io(record, std::move(second)), number);
  EXPECT_FALSE(is_open(loser));
}

TEST(HandleTable, SaysEnfileWhenItIsFull) {
  HandleTable handles = table(1);
  const HandleId id = *handles.add(1, {}, O_RDONLY);
  EXPECT_EQ(handles.add(1, {}, O_RDONLY).error().value, ENFILE);
  ASSERT_TRUE(handles.remove(id));
  EXPECT_TRUE(handles.add(1, {}, O_RDONLY));
}

TEST(HandleTable, RefusesNumbersThatItDidNotGive) {
  HandleTable handles = table(4);
  EXPECT_EQ(handles.find(0).error().value, EBADF);
  EXPECT_EQ(handles.find(3).error().value, EBADF);
  EXPECT_EQ(handles.find(~HandleId{0}).error().value, EBADF);
}

TEST(HandleTable, ClosesWhatIsLeftWhenItGoes) {
  int number = -1;
  {
    HandleTable handles = table(4);
    UniqueFd fd = some_descriptor();
    number = fd.get();
    ASSERT_TRUE(handles.add(1, std::move(fd), O_RDONLY));
  }
  EXPECT_FALSE(is_open(number));
}

}  // namespace
}  // namespace cvfs
