#include "daemon/process_record.h"

#include <csignal>

namespace cvfs {

namespace {

// The kernel writes there (clone3(2)).
std::int32_t* address_of(std::atomic<std::int32_t>& number) {
  static_assert(sizeof number == sizeof(std::int32_t) &&
                std::atomic<std::int32_t>::is_always_lock_free);
  return reinterpret_cast<std::int32_t*>(&number);
}

}  // namespace

Result<bool> start_process(ProcessRecord& record) {
  forget_process(record);
  const auto pid = sys::fork_sharing_descriptors(address_of(record.pid), address_of(record.pidfd));
  if (pid) return *pid == 0;
  record.pid = 0;
  record.pidfd = 0;
  return fail(pid.error());
}

std::optional<sys::ProcessEnd> await_end(const ProcessRecord& record, int timeout_ms) {
  return sys::await_end(record.pidfd, timeout_ms);
}

UniqueFd take_pidfd(ProcessRecord& record) {
  // The numbers before the descriptor is closed: one that nobody knows of is closed by the next
  // worker, a number without its descriptor would soon be somebody else's.
  const int pid = record.pid.exchange(0);
  const int pidfd = record.pidfd.exchange(0);
  return pid != 0 && pidfd > 0 ? UniqueFd(pidfd) : UniqueFd();
}

void forget_process(ProcessRecord& record) {
  (void)take_pidfd(record);
}

void end_process(ProcessRecord& record) {
  if (!is_recorded(record)) return;
  (void)sys::send_signal(record.pidfd, SIGKILL);
  (void)await_end(record, -1);
  forget_process(record);
}

}  // namespace cvfs
