// The table against the kernel: the same random requests of several owners, on a file of the
// machine by locks of open file descriptions, and on the table. Every answer has to be the same.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <random>
#include <string>

#include "base/unique_fd.h"
#include "locks/lock_table.h"

namespace cvfs {
namespace {

constexpr std::size_t kOwners = 5;
constexpr NodeId kNode = 7;

short to_kernel(LockType type) {
  switch (type) {
    case LockType::kRead:
      return F_RDLCK;
    case LockType::kWrite:
      return F_WRLCK;
    case LockType::kNone:
      return F_UNLCK;
  }
  return F_UNLCK;
}

struct flock to_kernel(const LockRange& range, LockType type) {
  struct flock lock {};
  lock.l_type = to_kernel(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(range.first);
  lock.l_len = range.last == LockRange::kEnd ? 0 : static_cast<off_t>(range.last - range.first + 1);
  return lock;
}

class TableAndKernel : public testing::TestWithParam<unsigned> {
 protected:
  TableAndKernel()
      : memory_(
            static_cast<std::byte*>(::mmap(nullptr, LockSection::bytes(), PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
            LockSection::bytes()),
        table_(std::make_unique<LockTable>(memory_)),
        random_(GetParam()) {
    std::string path = testing::TempDir() + "cvfs-locks-XXXXXX";
    UniqueFd(::mkstemp(path.data()));
    for (UniqueFd& fd : owners_) fd.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ::unlink(path.c_str());
  }
  ~TableAndKernel() override {
    table_.reset();
    ::munmap(memory_.data(), memory_.size());
  }

  std::uint64_t below(std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_);
  }
  // Small numbers, so that ranges meet; now and then up to the end of all files.
  LockRange some_range() {
    constexpr std::uint64_t kSpan = 24;
    const std::uint64_t base = below(6) == 0 ? LockRange::kEnd - kSpan : 0;
    const std::uint64_t first = base + below(kSpan + 1);
    if (below(8) == 0) return {first, LockRange::kEnd};
    return {first, std::min<std::uint64_t>(first + below(10), LockRange::kEnd)};
  }
  LockType some_type() {
    constexpr LockType kTypes[] = {LockType::kRead, LockType::kRead, LockType::kWrite,
                                   LockType::kNone};
    return kTypes[below(4)];
  }
  LockOwnerRecord& record_of(const LockOwner& owner) {
    LockOwnerRecord* found = table_->find(owner);
    if (found == nullptr) found = table_->add(owner);
    found->fd = owners_[owner.id].get();
    return *found;
  }

  void change(std::size_t owner, const LockRange& range, LockType type) {
    struct flock lock = to_kernel(range, type);
    const bool granted = ::fcntl(owners_[owner].get(), F_OFD_SETLK, &lock) == 0;
    const LockWish wish{{kNode, owner, LockKind::kRange}, range, type};
    ASSERT_EQ(granted, !table_->conflict(wish).has_value());
    if (!granted) return;
    ASSERT_TRUE(table_->set(record_of(wish.owner), range, type));
  }

  void ask(std::size_t owner, const LockRange& range, LockType type) {
    if (type == LockType::kNone) return;
    struct flock lock = to_kernel(range, type);
    ASSERT_EQ(::fcntl(owners_[owner].get(), F_OFD_GETLK, &lock), 0);
    const auto conflict = table_->conflict({{kNode, owner, LockKind::kRange}, range, type});
    ASSERT_EQ(lock.l_type != F_UNLCK, conflict.has_value());
    if (!conflict) return;
    const struct flock expected = to_kernel(conflict->range, conflict->type);
    EXPECT_EQ(lock.l_type, expected.l_type);
    EXPECT_EQ(lock.l_start, expected.l_start);
    EXPECT_EQ(lock.l_len, expected.l_len);
  }

  // flock(2) takes the old lock away before it looks for conflicts.
  void change_whole(std::size_t owner, LockType type) {
    const int operation = type == LockType::kNone    ? LOCK_UN
                          : type == LockType::kWrite ? LOCK_EX
                                                     : LOCK_SH;
    const bool granted = ::flock(owners_[owner].get(), operation | LOCK_NB) == 0;
    const LockWish wish{{kNode, owner, LockKind::kWhole}, {}, type};
    ASSERT_EQ(granted, !table_->conflict(wish).has_value());
    ASSERT_TRUE(table_->set(record_of(wish.owner), {}, granted ? type : LockType::kNone));
  }

  std::span<std::byte> memory_;
  std::unique_ptr<LockTable> table_;
  std::minstd_rand random_;
  UniqueFd owners_[kOwners];
};

TEST_P(TableAndKernel, AnswerTheSame) {
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) {
    const std::size_t owner = below(kOwners);
    switch (below(8)) {
      case 0:
        change_whole(owner, some_type());
        break;
      case 1:
      case 2:
        ask(owner, some_range(), some_type());
        break;
      case 3:
        if (below(100) == 0) table_ = std::make_unique<LockTable>(memory_);  // as after a death
        break;
      default:
        change(owner, some_range(), some_type());
    }
    if (HasFailure()) ADD_FAILURE() << "at request " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TableAndKernel, testing::Range(1U, 11U));

}  // namespace
}  // namespace cvfs
