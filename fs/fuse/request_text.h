// A request in words, for the log: what is asked of which node, by whom, and the beginning of its
// bytes. Any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cvfs {

// "MKDIR of node 2 (request 30), asked by process 712 as 101000:101000, 46 bytes: 2e00…
// |….stuck.|". Names are among the bytes; what is written to files is not.
std::string describe_request(std::span<const std::byte> message);

}  // namespace cvfs
