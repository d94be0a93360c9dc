// The first exchange on a FUSE connection, FUSE_INIT, done without libfuse: it knows fewer of the
// kernel's flags than we want, and later processes must be able to adopt a connection that has
// long been initialised. The request is kept for them. Not thread-safe; used once.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace cvfs {

struct HandshakeSettings {
  bool passthrough = true;
  // The kernel knows ACLs; it then checks access itself, too (owner=caller wants neither).
  bool posix_acl = true;
  // 1: the backing is an ordinary filesystem; 2: a stacked one (overlayfs), which then forbids
  // stacking anything on the view.
  unsigned stack_depth = 1;
  bool locks = true;  // come to us; else they are the kernel's own
};

struct Handshake {
  std::uint64_t flags = 0;  // FUSE_* of FUSE_INIT: what both sides agreed on
  std::uint32_t minor = 0;  // of the protocol
  // The kernel's FUSE_INIT with its flags reduced to `flags`: what libfuse is told.
  std::vector<char> request;

  bool passthrough() const;
  bool resends() const;  // Linux 6.9 and later
  bool locks() const;
};

// The most bytes of one WRITE.
inline constexpr std::uint32_t kMaxWrite = 1 << 20;

// Waits for the kernel's FUSE_INIT (it sends it at mount) and answers it.
// EPROTO: something else came, or the kernel's protocol is older than 7.31 (Linux 5.2).
Result<Handshake> answer_init(int device_fd, const HandshakeSettings& settings);

}  // namespace cvfs
