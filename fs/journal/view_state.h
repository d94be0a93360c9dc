// ViewState: what all processes of a view know of it as a whole (state memory, section kView):
// which they are, what they are at, how often one has died. Plain data that outlives each of them.
// Written by the supervisor, but for what says otherwise. Two builds use it at once while one takes
// over from the other, so from version 2 on fields are only ever added at the end, where zeros are.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cvfs {

// One of a view's processes, written by clone3(2) itself so that nobody can die between the making
// and the noting. The descriptor is in the table that the processes share.
struct ProcessRecord {
  std::atomic<std::int32_t> pid;    // for people; 0: there is none
  std::atomic<std::int32_t> pidfd;  // 0: there is none
};

enum class ViewEventKind : std::uint32_t {
  kWorkerDied = 1,
  kSupervisorDied = 2,
  kStandbyDied = 3,
  kUpgraded = 4,
  kUpgradeFailed = 5,
  kWorkerHung = 6,
};

// Something that `cvfs status` tells.
struct ViewEvent {
  std::int64_t at;  // CLOCK_REALTIME, seconds
  ViewEventKind kind;
  std::uint32_t pause_us;  // how long containers waited; 0: not at all
  char why[80];            // "Killed", "exit code 4"; NUL-terminated
};

// What a worker died of, as far as requests may be to blame for it.
enum class WorkerEnd : std::uint32_t {
  kKilled = 0,     // a SIGKILL
  kFaulted = 1,    // anything else, and perhaps any of its requests
  kFaultedAt = 2,  // the same, and the one that ViewState::faulty_request names, or none
};

inline constexpr std::uint32_t kViewStateVersion = 2;
inline constexpr std::size_t kViewStateBytes = 8192;

struct ViewState {
  std::atomic<std::uint32_t> serving;           // by the worker: one has come to serve
  std::atomic<std::uint32_t> told;              // by the worker: whoever mounts has heard of it
  std::atomic<WorkerEnd> worker_end;            // of the last one that died
  std::atomic<std::uint32_t> restarts;          // workers that took over from one that died
  std::atomic<std::uint64_t> resent;            // requests that the kernel sent again
  std::atomic<std::uint64_t> died_at_us;        // CLOCK_MONOTONIC: since when nobody serves; or 0
  std::atomic<std::uint64_t> longest_pause_us;  // from a worker's death to the next one serving
  // By the worker, when the connection ended: 0 unless something has been lost on the way.
  std::atomic<std::uint64_t> known_inodes;
  std::atomic<std::uint64_t> open_files;
  // Version 1 ended here.

  ProcessRecord supervisor;
  ProcessRecord standby;
  ProcessRecord worker;
  std::atomic<std::uint32_t> worker_is_ready;  // by the worker: it serves
  std::atomic<std::uint32_t> draining;         // the worker is to answer what it has, and end
  // Which build owns the state, and whether another is about to (daemon/handover.h).
  std::atomic<std::uint64_t> handover;
  // While that goes on: whose generation plus one began it; 0: nobody's. And who waits for the
  // answer: a descriptor, or 0.
  std::atomic<std::uint32_t> upgrade_by;
  std::atomic<std::int32_t> upgrade_client;

  std::atomic<std::uint32_t> supervisor_deaths;
  std::atomic<std::uint32_t> standby_deaths;
  std::atomic<std::uint32_t> upgrades;
  std::atomic<std::uint32_t> hangs;
  std::atomic<std::uint64_t> last_pause_us;  // by the worker
  static constexpr std::size_t kEvents = 16;
  std::atomic<std::uint64_t> event_count;  // the last kEvents of these are there, in a ring
  ViewEvent events[kEvents];

  std::atomic<std::uint64_t> faulty_request;  // its number on the connection; 0: no request

  // What `cvfs set` has changed since the mount (daemon/live_settings.h); 0: it is as mounted.
  struct Settings {
    std::atomic<std::uint32_t> log;    // a LogLevel, plus one
    std::atomic<std::uint32_t> debug;  // a DebugOption, plus one
    std::atomic<std::uint32_t> hang;   // seconds, plus one
    std::atomic<std::uint32_t> cache;  // 1: ttl_us holds
    std::atomic<std::uint64_t> ttl_us;
  };
  Settings settings;
};
static_assert(sizeof(ViewState) <= kViewStateBytes);

}  // namespace cvfs
