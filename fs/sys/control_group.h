// In which control group a process is, and which container that is. Reads /proc; nothing is kept.
// Any thread.
#pragma once

#include <string>

namespace cvfs::sys {

// "/system.slice/docker-0123abcd….scope"; "": there is no such process or thread (any more).
std::string control_group_of(int pid);

// An engine's number of the container: the last 64 hexadecimal digits of
// "/system.slice/docker-0123abcd….scope", "/docker/0123abcd…",
// "/machine.slice/libpod-0123abcd….scope"; "": none.
std::string container_in(const std::string& control_group);

}  // namespace cvfs::sys
