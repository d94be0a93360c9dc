// Crash points: the named places of a request at which a test has the worker kill itself, or hang.
// Only programs of the tests have them (CVFS_CRASH_POINTS); elsewhere they are nothing. Any thread.
//
//   CVFS_CRASH=DEED:ONE_IN_N[:OPCODE[:TIME]]   once in N requests on average, of any opcode or of
//                                   one (0: any); only when it comes to that point the TIMEth time
//   CVFS_CRASH_FILE=PATH            the same from a file, which each new worker reads
//
//   received, intent, executed, done, replied   kills itself at that point
//   fault, hang, spin    faults, waits for ever, runs in circles at the intent
//   poison, stuck        faults, waits for ever at every intent, also of a request that is sent
//                        again (N does not count)
//   hold                 a worker that begins waits for as long as the file says so
#pragma once

#include <cstdint>

namespace cvfs {

enum class CrashPoint { kReceived, kIntent, kExecuted, kDone, kReplied };

#ifdef CVFS_CRASH_POINTS
// What this thread works on from here on. A request that is sent again is left in peace but by
// `poison` and `stuck`: the load is to get on.
void begin_crash_points(std::uint32_t opcode, bool resent);
void crash_point(CrashPoint point);
// A worker begins.
void hold_at_start();
#else
inline void begin_crash_points(std::uint32_t, bool) {}
inline void crash_point(CrashPoint) {}
inline void hold_at_start() {}
#endif

}  // namespace cvfs
