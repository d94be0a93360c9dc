// A child process that stands for a worker: it has a view's journal and fault area, and dies or
// hangs for good over a request. Ended and reaped with the object.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>

#include "daemon/fault_handler.h"
#include "journal/fault_record.h"
#include "journal/journal.h"
#include "journal/state_memory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CVFS_TEST_SANITIZED 1
#endif

namespace cvfs {

constexpr std::uint64_t kUnique = 1234;
constexpr std::uint32_t kRename = 12;
constexpr std::uint64_t kNode = 5;

inline StateMemory make_test_state() {
  const std::array sections = {
      SectionSpec{Section::kJournal, Journal::kLayoutVersion, Journal::bytes()},
      SectionSpec{Section::kView, kViewStateVersion, sizeof(ViewState)},
      SectionSpec{Section::kFaults, FaultArea::kLayoutVersion, sizeof(FaultArea)}};
  return std::move(*StateMemory::create(sections));
}

class WorkerProcess {
 public:
  // `work` gets the journal, in the child.
  WorkerProcess(const StateMemory& state, const std::function<void(Journal&)>& work)
      : pid_(::fork()) {
    if (pid_ != 0) return;
    install_fault_handlers(state);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    Journal journal(state.section(Section::kJournal));
    work(journal);
    ::_exit(0);
  }
  ~WorkerProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)await_end();
  }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  pid_t pid() const { return pid_; }
  // What waitpid(2) says.
  int await_end() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

}  // namespace cvfs
