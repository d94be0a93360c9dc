// HangWatch: finds requests that the worker does not get done, says where its threads are, and
// whether another worker would help. Costs nothing while all is well but a look at the journal now
// and then. For the supervisor; one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "journal/fault_record.h"
#include "journal/journal.h"
#include "journal/state_memory.h"

namespace cvfs {

struct HangReport {
  std::vector<std::string> lines;  // for the log
  // SIGKILL would help: a thread hangs by our own fault. Its request has been counted as a fault in
  // the journal already; those of the other threads have not.
  bool replace = false;
};

class HangWatch {
 public:
  // `limit`: how long a request may take; 0: for ever. `state` is borrowed.
  HangWatch(const StateMemory& state, std::chrono::milliseconds limit);

  // From now on.
  void set_limit(std::chrono::milliseconds limit) { limit_ = limit; }

  // How long at most until the next check(); -1: for ever.
  int timeout_ms() const;

  // Looks at the requests of this process. Nothing: all is well, or has been reported before; each
  // hang is reported once, and once more if what seemed to go on turns out to hang.
  // Takes no time if all is well, up to 300 ms otherwise.
  std::optional<HangReport> check(pid_t worker);

  // Somebody has stopped all of the worker, perhaps with nothing at hand (SIGSTOP, a debugger),
  // when this was called the last time, and now: a line for the log, once. Opens /proc.
  std::optional<std::string> find_stopped(pid_t worker);

 private:
  enum class Verdict { kGone, kGoesOn, kHangs };
  // A request at one of the worker's threads, as the journal had it at one moment.
  struct Work {
    IntentRecord* record;
    std::uint64_t unique;
    std::uint64_t begun_us;
    std::uint64_t node;
    std::uint32_t opcode;
    pid_t tid;
  };
  struct Hang {
    Work work;
    Verdict verdict = Verdict::kGone;
    std::string why;  // the verdict, in words
  };

  std::optional<Work> work_at(IntentRecord& record) const;
  std::vector<Hang> find(pid_t worker) const;
  static void judge(pid_t worker, std::vector<Hang>& hangs);
  bool is_new(const Hang& hang) const;
  std::vector<const ThreadStack*> ask(pid_t worker, const std::vector<pid_t>& threads);
  std::vector<pid_t> worth_asking(pid_t worker, const std::vector<Hang>& hangs) const;
  std::string describe(const Hang& hang, pid_t worker) const;
  std::string describe_thread(pid_t tid) const;

  FaultArea& area_;
  std::span<IntentRecord> records_;
  std::chrono::milliseconds limit_;
  std::uint32_t question_ = 0;
  int times_stopped_ = 0;  // found so one after the other
  // By number and beginning: a request that is carried out again is another matter.
  std::map<std::pair<std::uint64_t, std::uint64_t>, Verdict> reported_;
};

}  // namespace cvfs
