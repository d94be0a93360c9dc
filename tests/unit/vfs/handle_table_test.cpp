#include "vfs/handle_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>
#include <span>

#include "table_memory.h"

namespace cvfs {
namespace {

UniqueFd some_descriptor() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(HandleTable, NeverUsesANumberTwice) {
  const TableMemory<HandleTable> memory(4);
  HandleTable handles(memory.bytes, 4);
  std::set<HandleId> seen;
  for (int i = 0; i < 100; ++i) {
    const HandleId id = *handles.add(1, {}, O_RDONLY);
    EXPECT_TRUE(seen.insert(id).second);
    ASSERT_TRUE(handles.remove(id));
  }
}

TEST(HandleTable, ClosesTheDescriptorOnceAndOnlyItsOwn) {
  const TableMemory<HandleTable> memory(4);
  HandleTable handles(memory.bytes, 4);
  UniqueFd fd = some_descriptor();
  const int number = fd.get();
  const HandleId first = *handles.add(9, std::move(fd), O_RDONLY);
  EXPECT_EQ(handles.remove(first)->node, 9U);
  EXPECT_FALSE(is_open(number));

  const HandleId second = *handles.add(10, some_descriptor(), O_RDONLY);
  EXPECT_EQ(handles.remove(first).error().value, EBADF) << "a RELEASE that came twice";
  EXPECT_TRUE(handles.find(second));
  EXPECT_EQ(handles.remove(second)->node, 10U);
}

TEST(HandleTable, KeepsTheFirstDescriptorThatItIsGiven) {
  const TableMemory<HandleTable> memory(4);
  HandleTable handles(memory.bytes, 4);
  HandleRecord& record = **handles.find(*handles.add(1, {}, O_RDWR));
  UniqueFd first = some_descriptor();
  const int number = first.get();
  EXPECT_EQ(handles.set_io(record, std::move(first)), number);
  UniqueFd second = some_descriptor();
  const int loser = second.get();
  EXPECT_EQ(handles.set_io(record, std::move(second)), number);
  EXPECT_EQ(handles.ios(), 1U);
  EXPECT_FALSE(is_open(loser));
}

TEST(HandleTable, SaysEnfileWhenItIsFull) {
  const TableMemory<HandleTable> memory(1);
  HandleTable handles(memory.bytes, 1);
  const HandleId id = *handles.add(1, {}, O_RDONLY);
  EXPECT_EQ(handles.add(1, {}, O_RDONLY).error().value, ENFILE);
  ASSERT_TRUE(handles.remove(id));
  EXPECT_TRUE(handles.add(1, {}, O_RDONLY));
}

TEST(HandleTable, RefusesNumbersThatItDidNotGive) {
  const TableMemory<HandleTable> memory(4);
  HandleTable handles(memory.bytes, 4);
  EXPECT_EQ(handles.find(0).error().value, EBADF);
  EXPECT_EQ(handles.find(3).error().value, EBADF);
  EXPECT_EQ(handles.find(~HandleId{0}).error().value, EBADF);
}

TEST(HandleTable, GoesOnWithWhatAnEarlierProcessLeft) {
  const TableMemory<HandleTable> memory(4);
  HandleId open = 0;
  HandleId closed = 0;
  {
    HandleTable handles(memory.bytes, 4);
    open = *handles.add(9, some_descriptor(), O_RDWR);
    closed = *handles.add(10, some_descriptor(), O_RDONLY);
    ASSERT_TRUE(handles.remove(closed));
  }
  HandleTable handles = HandleTable::adopt(memory.bytes, 4);
  EXPECT_EQ(handles.open(), 1U);
  ASSERT_TRUE(handles.find(open));
  EXPECT_TRUE(is_open((*handles.find(open))->io));
  EXPECT_NE(*handles.add(11, {}, O_RDONLY), closed) << "its record, but never its number";
  EXPECT_EQ(handles.remove(open)->node, 9U);
}

}  // namespace
}  // namespace cvfs
