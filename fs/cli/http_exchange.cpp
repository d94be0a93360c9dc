#include "cli/http_exchange.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string_view>

#include "sys/process.h"

namespace cvfs {
namespace {

constexpr std::size_t kMostHead = 8192;
constexpr std::uint64_t kTimeoutUs = 5'000'000;
constexpr const char* kText = "text/plain; charset=utf-8";
// Of Prometheus' text format.
constexpr const char* kMetrics = "text/plain; version=0.0.4; charset=utf-8";

std::string answer(const std::string& status, const char* type, const std::string& body,
                   bool is_head = false) {
  std::string text = "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
                     "\r\nContent-Length: " + std::to_string(body.size()) +
                     "\r\nConnection: close\r\n";
  if (status.starts_with("405")) text += "Allow: GET, HEAD\r\n";
  return text + "\r\n" + (is_head ? "" : body);
}

bool wait_for(int fd, short events, std::uint64_t deadline_us) {
  for (;;) {
    const int left_ms = sys::ms_until(deadline_us);
    if (left_ms == 0) return false;
    pollfd awaited{fd, events, 0};
    const int ready = ::poll(&awaited, 1, left_ms);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// None: the client is gone, or takes too long.
std::optional<std::string> read_head(int fd) {
  const std::uint64_t deadline_us = sys::monotonic_us() + kTimeoutUs;
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos && head.find("\n\n") == std::string::npos) {
    std::array<char, 1024> buffer;
    if (head.size() > kMostHead) return head;
    if (!wait_for(fd, POLLIN, deadline_us)) return std::nullopt;
    const ssize_t length = ::read(fd, buffer.data(), buffer.size());
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return std::nullopt;
    head.append(buffer.data(), static_cast<std::size_t>(length));
  }
  return head;
}

bool write_all(int fd, std::string_view text) {
  const std::uint64_t deadline_us = sys::monotonic_us() + kTimeoutUs;
  while (!text.empty()) {
    if (!wait_for(fd, POLLOUT, deadline_us)) return false;
    const ssize_t length = ::write(fd, text.data(), text.size());
    if (length < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (length > 0) text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

}  // namespace

std::string http_answer(const std::string& head, const std::string& path,
                        const std::function<std::string()>& body) {
  if (head.size() > kMostHead) return answer("431 Request Header Fields Too Large", kText, "");
  std::istringstream line(head.substr(0, head.find('\n')));
  std::string method;
  std::string target;
  std::string version;
  line >> method >> target >> version;
  if (!version.starts_with("HTTP/1.")) return answer("400 Bad Request", kText, "no HTTP\n");
  if (method != "GET" && method != "HEAD") {
    return answer("405 Method Not Allowed", kText, "GET " + path + "\n");
  }
  const bool is_head = method == "HEAD";
  if (target.substr(0, target.find('?')) != path) {
    return answer("404 Not Found", kText, "the metrics are at " + path + "\n", is_head);
  }
  return answer("200 OK", kMetrics, body(), is_head);
}

bool exchange_http(int in, int out, const std::string& path,
                   const std::function<std::string()>& body) {
  // A client that goes is no reason to die.
  (void)::signal(SIGPIPE, SIG_IGN);
  const auto head = read_head(in);
  return head && write_all(out, http_answer(*head, path, body));
}

}  // namespace cvfs
