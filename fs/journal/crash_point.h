// Crash points: the named places of a request at which a test has the worker kill itself, or hang.
// Only programs of the tests have them (CVFS_CRASH_POINTS); elsewhere they are nothing. Any thread.
//
//   CVFS_CRASH=DEED:ONE_IN_N[:OPCODE]   once in N requests on average, of any opcode or of one
//   CVFS_CRASH_FILE=PATH                the same from a file, which each new worker reads
//
//   received, intent, executed, done, replied   kills itself at that point
//   fault, hang, spin    faults, waits for ever, runs in circles at the intent
//   poison, stuck        faults, waits for ever at every intent, also of a request that is sent
//                        again (N does not count)
#pragma once

#include <cstdint>

namespace cvfs {

enum class CrashPoint { kReceived, kIntent, kExecuted, kDone, kReplied };

#ifdef CVFS_CRASH_POINTS
// What this thread works on from here on. A request that is sent again is left in peace but by
// `poison` and `stuck`: the load is to get on.
void begin_crash_points(std::uint32_t opcode, bool resent);
void crash_point(CrashPoint point);
#else
inline void begin_crash_points(std::uint32_t, bool) {}
inline void crash_point(CrashPoint) {}
#endif

}  // namespace cvfs
