// SocketAddress: a path as unix(7) takes it. A value; any thread.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <string>

namespace cvfs {

class SocketAddress {
 public:
  // None: longer than an address can be.
  static std::optional<SocketAddress> of(const std::string& path) {
    SocketAddress address;
    if (path.size() >= sizeof address.address_.sun_path) return {};
    address.address_.sun_family = AF_UNIX;
    std::memcpy(address.address_.sun_path, path.c_str(), path.size() + 1);
    return address;
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static constexpr socklen_t size() { return sizeof(sockaddr_un); }

 private:
  SocketAddress() = default;

  sockaddr_un address_{};
};

}  // namespace cvfs
