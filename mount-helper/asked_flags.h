// mount(8) tells its helper neither `suid` nor `dev`, the defaults of other filesystems. Views are
// nosuid,nodev by default, so here they mean something: whether somebody said them is found again
// in the command line of mount(8) and in fstab. Not thread-safe (mount_command.h); used once.
#pragma once

#include <string>

namespace cvfs {

// `options` as mount(8) handed them on, and those of `suid` and `dev` that it was told and left
// out. Unchanged if it was not mount(8) that called.
std::string with_asked_flags(std::string options, const std::string& target);

}  // namespace cvfs
