// What a stack's addresses are called in this image: that of the worker, too, which is a fork of
// it. For the supervisor; one thread.
#pragma once

#include <string>
#include <vector>

#include "journal/fault_record.h"

namespace cvfs {

// One line a frame: "#3 cvfs::op_rename(...)+0x1f (cvfsd+0x2a1f0)". addr2line(1) reads the part in
// brackets; functions that nobody exports have nothing else.
std::vector<std::string> describe_stack(const StackFrames& stack);

}  // namespace cvfs
