// The names of FUSE's requests, for what people read. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace cvfs::sys {

// "MKDIR"; "opcode 77" for one that is newer than this list (Linux 6.18).
std::string fuse_opcode_name(std::uint32_t opcode);

// "MKDIR of node 5 (request 1234)"; node 0: none.
std::string fuse_request_text(std::uint32_t opcode, std::uint64_t node, std::uint64_t unique);

}  // namespace cvfs::sys
