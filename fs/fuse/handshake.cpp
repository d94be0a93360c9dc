#include "fuse/handshake.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "sys/fuse_device.h"

namespace cvfs {

namespace {

constexpr std::uint32_t kOldestMinor = 31;
constexpr std::uint32_t kNewestMinor = 45;  // what this code was written against

// struct fuse_init_out of protocol 7.40; Linux 6.1's header has the last fields as `unused`.
struct InitReply {
  fuse_out_header header;
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t max_readahead;
  std::uint32_t flags;
  std::uint16_t max_background;
  std::uint16_t congestion_threshold;
  std::uint32_t max_write;
  std::uint32_t time_gran;
  std::uint16_t max_pages;
  std::uint16_t map_alignment;
  std::uint32_t flags2;
  std::uint32_t max_stack_depth;
  std::uint32_t unused[6];
};
static_assert(sizeof(InitReply) == sizeof(fuse_out_header) + sizeof(fuse_init_out));

std::uint64_t wanted_flags(const HandshakeSettings& settings) {
  std::uint64_t wanted =
      FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_PARALLEL_DIROPS |
      FUSE_HAS_IOCTL_DIR | FUSE_MAX_PAGES | FUSE_INIT_EXT | FUSE_ASYNC_DIO | FUSE_CACHE_SYMLINKS |
      // What the host writes shows in the page cache of files that are not passed through.
      FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
      // The backing applies the umask, because only it knows of default ACLs.
      FUSE_DONT_MASK |
      // Without it every write asks for security.capability; 10 to 25 times slower.
      FUSE_HANDLE_KILLPRIV_V2 |
      // Tells whether an ACL that is set clears the setgid bit.
      FUSE_SETXATTR_EXT;
  // No file handles on the view: the kernel would ask for inodes by any number that a process makes
  // up (test: AForgedFileHandleLeadsNowhere).
  wanted |= sys::kFuseInitNoExport;
  // That it sends again what a process had read that died (docs/crash.md).
  wanted |= sys::kFuseInitHasResend;
  if (settings.posix_acl) wanted |= FUSE_POSIX_ACL;
  if (settings.passthrough) wanted |= sys::kFuseInitPassthrough;
  if (settings.locks) wanted |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
  return wanted;
}

}  // namespace

bool Handshake::passthrough() const {
  return (flags & sys::kFuseInitPassthrough) != 0;
}

bool Handshake::resends() const {
  return (flags & sys::kFuseInitHasResend) != 0;
}

bool Handshake::locks() const {
  return (flags & FUSE_POSIX_LOCKS) != 0;
}

Result<Handshake> answer_init(int device_fd, const HandshakeSettings& settings) {
  Handshake handshake;
  handshake.request.resize(FUSE_MIN_READ_BUFFER);
  const ssize_t size = ::read(device_fd, handshake.request.data(), handshake.request.size());
  if (size < 0) return last_error();
  handshake.request.resize(static_cast<std::size_t>(size));

  fuse_in_header header{};
  fuse_init_in init{};
  if (handshake.request.size() < sizeof header + sizeof init) return fail(EPROTO);
  std::memcpy(&header, handshake.request.data(), sizeof header);
  std::memcpy(&init, handshake.request.data() + sizeof header, sizeof init);
  if (header.opcode != FUSE_INIT || init.major != FUSE_KERNEL_VERSION) return fail(EPROTO);
  if (init.minor < kOldestMinor) return fail(EPROTO);

  const std::uint64_t offered = init.flags | std::uint64_t{init.flags2} << 32;
  handshake.flags = offered & wanted_flags(settings);
  handshake.minor = std::min(init.minor, kNewestMinor);

  InitReply reply{};
  reply.header.len = sizeof reply;
  reply.header.unique = header.unique;
  reply.major = FUSE_KERNEL_VERSION;
  reply.minor = handshake.minor;
  reply.max_readahead = init.max_readahead;
  reply.flags = static_cast<std::uint32_t>(handshake.flags);
  reply.flags2 = static_cast<std::uint32_t>(handshake.flags >> 32);
  reply.max_background = 64;
  reply.congestion_threshold = 48;
  reply.max_write = kMaxWrite;
  reply.time_gran = 1;
  reply.max_pages = kMaxWrite / 4096;
  if (handshake.passthrough()) reply.max_stack_depth = settings.stack_depth;
  if (::write(device_fd, &reply, sizeof reply) < 0) return last_error();

  init.flags = reply.flags;
  init.flags2 = reply.flags2;
  std::memcpy(handshake.request.data() + sizeof header, &init, sizeof init);
  return handshake;
}

}  // namespace cvfs
