// Numbers of system calls that are younger than the headers and libraries that we build with; they
// are the same on every architecture. Older kernels answer ENOSYS.
#pragma once

namespace cvfs::sys {

inline constexpr int kFchmodat2 = 452;   // Linux 6.6
inline constexpr int kGetxattrat = 464;  // Linux 6.13

}  // namespace cvfs::sys
