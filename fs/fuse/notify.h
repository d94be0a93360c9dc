// What the kernel is told without being asked. Each is one write(2) to the connection; any thread.
#pragma once

#include "base/ids.h"

namespace cvfs {

// Whoever asks for the inode's attributes next asks us; its data and its names stay as they are.
// Takes none of the kernel's locks that a request of ours may wait for: also within one.
void forget_attributes(int device_fd, NodeId node);

}  // namespace cvfs
