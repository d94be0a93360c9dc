// Crash points: the named places of a request at which a test has the worker kill itself, or hang.
// Only programs of the tests have them (CVFS_CRASH_POINTS); elsewhere they are nothing. Any thread.
//
//   CVFS_CRASH=POINT:ONE_IN_N[:OPCODE]   once in N requests on average, of any opcode or of one
//   CVFS_CRASH=fault:ONE_IN_N[:OPCODE]  at the intent, by a fault
//   CVFS_CRASH=poison:1:OPCODE   the same, each time that it is sent again, too
//   CVFS_CRASH=hang:ONE_IN_N[:OPCODE]   waits for ever at the intent
//   CVFS_CRASH=spin:ONE_IN_N[:OPCODE]   runs in circles there
//   CVFS_CRASH=stuck:1:OPCODE    waits for ever, each time that it is sent again, too
//   CVFS_CRASH_FILE=PATH         the same from a file, which each new worker reads
#pragma once

#include <cstdint>

namespace cvfs {

enum class CrashPoint { kReceived, kIntent, kExecuted, kDone, kReplied };

#ifdef CVFS_CRASH_POINTS
// What this thread works on from here on. A request that is sent again is left in peace: the load
// is to get on.
void begin_crash_points(std::uint32_t opcode, bool resent);
void crash_point(CrashPoint point);
#else
inline void begin_crash_points(std::uint32_t, bool) {}
inline void crash_point(CrashPoint) {}
#endif

}  // namespace cvfs
