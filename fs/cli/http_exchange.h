// One request of HTTP and its answer, over descriptors that somebody else has connected: systemd's
// Accept=yes, inetd. Nothing listens here, and nothing is kept. One thread.
#pragma once

#include <functional>
#include <string>

namespace cvfs {

// The answer to what a client said up to its first empty line. `body` is asked for GET and HEAD of
// `path` alone; everything else is refused with the status that HTTP has for it.
std::string http_answer(const std::string& head, const std::string& path,
                        const std::function<std::string()>& body);

// Reads the request's head from `in` and writes the answer to `out`. False: it was not whole in
// time (5 s), or the client is gone.
bool exchange_http(int in, int out, const std::string& path,
                   const std::function<std::string()>& body);

}  // namespace cvfs
