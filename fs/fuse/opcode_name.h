// What FUSE requests are called. Constant; any thread.
#pragma once

#include <cstdint>

namespace cvfs {

// "LOOKUP" for FUSE_LOOKUP; "?" for a number without a name.
const char* opcode_name(std::uint32_t opcode);

}  // namespace cvfs
