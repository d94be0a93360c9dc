// RequestTrace: a line of the log for a request, while debug=ops: what was asked, by whom, as which
// ids before and after translation, what came of it and how long it took. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "idmap/identity.h"

namespace cvfs {

// "MKDIR of node 1 (request 30) "data" by process 712: host 101000:100000, container 1000:0, disk
// 200999:1500: ENOENT, 12 us". A disk id is `-` where the view stores none of its own.
std::string trace_text(std::span<const std::byte> message, const Identity& identity, int error,
                       std::uint64_t ns);

// Logs it, unless some hundred have been in this second: how many were not is said in the next.
void trace_request(std::span<const std::byte> message, const Identity& identity, int error,
                   std::uint64_t ns);

}  // namespace cvfs
