#include "process.h"

#include <sys/stat.h>

#include <cstdio>
#include <ctime>

#include "check.h"
#include "held.h"
#include "tree.h"

namespace {

constexpr int kMaxErrors = 20;  // then it gives up
constexpr time_t kLongestLoss = 60;

}  // namespace

// What it does in a directory of its own, and in one that all share.
class Process::Work {
 public:
  Work(const std::string& root, const std::string& name, std::mt19937& random)
      : random_(random),
        name_(name),
        tree_(made(root + "/" + name), random, "f"),
        shared_(root + "/shared", random, name + "-"),
        held_(tree_.directory(), random) {}

  void step() {
    (random_() % 4 == 0 ? shared_ : tree_).step();
    if (random_() % 4 == 0) held_.step();
  }

  void verify(const std::string& root, bool is_view) const {
    tree_.verify(root + "/" + name_, is_view);
    shared_.verify(root + "/shared", is_view);
    held_.verify(root + "/" + name_);
  }

 private:
  static const std::string& made(const std::string& directory) {
    operation = "begin";
    must(::mkdir(directory.c_str(), 0755), directory, "mkdir");
    return directory;
  }

  std::mt19937& random_;
  std::string name_;
  Tree tree_;
  Tree shared_;
  Held held_;
};

int Process::run() {
  const time_t end = ::time(nullptr) + static_cast<time_t>(task_.seconds);
  do {
    try {
      begin_anew(end);
    } catch (const Unexpected& unexpected) {
      ++errors_;
      std::printf("UNEXPECTED: process %u: %s\n", index_, unexpected.what.c_str());
    }
  } while (::time(nullptr) < end && errors_ < kMaxErrors);
  std::printf("process %u: %lu steps, %u losses, %d errors\n", index_, steps_, losses_, errors_);
  return errors_ == 0 ? 0 : 1;
}

// After an error or a loss we no longer know what there is: each try has directories of its own.
void Process::begin_anew(time_t end) {
  const std::string name = "p" + std::to_string(::geteuid()) + "-" + std::to_string(index_) + "-" +
                           std::to_string(++tries_);
  try {
    Work work(task_.root, name, random_);
    work_until(end, work);
    verify(work);
  } catch (const Lost& loss) {
    if (!task_.survives_losses) throw;
    note_loss(loss.what);
  }
}

void Process::work_until(time_t end, Work& work) {
  try {
    for (; ::time(nullptr) < end; ++steps_) work.step();
  } catch (const Lost& loss) {
    if (!task_.survives_losses) throw;
    note_loss(loss.what);
  }
}

void Process::verify(const Work& work) {
  for (bool is_verified = false; !is_verified;) {
    try {
      work.verify(task_.root, true);
      is_verified = true;
    } catch (const Lost& loss) {
      if (!task_.survives_losses) throw;
      note_loss(loss.what);
    }
  }
  if (task_.backing.empty()) return;
  const uid_t own = ::geteuid();
  must(::seteuid(0), task_.backing, "seteuid");
  work.verify(task_.backing, false);
  must(::seteuid(own), task_.backing, "seteuid");
}

void Process::note_loss(const std::string& what) {
  ++losses_;
  std::printf("LOST: process %u: %s\n", index_, what.c_str());
  std::fflush(stdout);
  await_view();
}

void Process::await_view() const {
  const std::string shared = task_.root + "/shared";
  const time_t end = ::time(nullptr) + kLongestLoss;
  constexpr timespec kPause{0, 20'000'000};
  // Not by lstat(2), which the kernel may answer from what it remembers.
  while (Fd(::open(shared.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)).get() < 0) {
    expect(::time(nullptr) < end, shared, "does not come back");
    ::nanosleep(&kPause, nullptr);
  }
}
