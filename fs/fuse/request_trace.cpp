#include "fuse/request_trace.h"

#include <linux/fuse.h>

#include <atomic>
#include <cstring>
#include <string_view>

#include "base/log.h"
#include "fuse/message.h"
#include "sys/fuse_device.h"
#include "sys/fuse_opcode.h"
#include "sys/process.h"

namespace cvfs {

namespace {

constexpr std::uint64_t kMostLines = 200;  // a second, of all threads
constexpr std::uint64_t kNsInSecond = 1'000'000'000;

// Where the name stands behind the header; SIZE_MAX: there is none.
std::size_t name_offset(std::uint32_t opcode) {
  switch (opcode) {
    case FUSE_LOOKUP:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_SYMLINK:
    case FUSE_REMOVEXATTR:
      return 0;
    case FUSE_MKNOD:
      return sizeof(fuse_mknod_in);
    case FUSE_MKDIR:
      return sizeof(fuse_mkdir_in);
    case FUSE_CREATE:
      return sizeof(fuse_create_in);
    case FUSE_LINK:
      return sizeof(fuse_link_in);
    case FUSE_RENAME:
      return sizeof(fuse_rename_in);
    case FUSE_RENAME2:
      return sizeof(fuse_rename2_in);
    case FUSE_GETXATTR:
      return sizeof(fuse_getxattr_in);
    case FUSE_SETXATTR:
      return sizeof(fuse_setxattr_in);
    default:
      return SIZE_MAX;
  }
}

// Whatever a container sends: no line of the log begins in it, and no quote ends.
std::string quoted(std::string_view name) {
  std::string text = " \"";
  for (const char c : name) text += c >= ' ' && c <= '~' && c != '"' ? c : '?';
  return text + '"';
}

std::string name_in(std::span<const std::byte> message, std::uint32_t opcode) {
  const std::size_t offset = name_offset(opcode);
  if (offset == SIZE_MAX || sizeof(fuse_in_header) + offset >= message.size()) return "";
  const auto rest = message.subspan(sizeof(fuse_in_header) + offset);
  const auto* text = reinterpret_cast<const char*>(rest.data());
  return quoted({text, ::strnlen(text, rest.size())});
}

template <class Id>
std::string text_of(const Result<Id>& id) {
  return id ? std::to_string(id->value) : "-";
}

std::string ids_text(const Identity& identity, HostUid uid, HostGid gid) {
  return fmt::format("host {}:{}, container {}:{}, disk {}:{}", uid.value, gid.value,
                     text_of(identity.container(uid)), text_of(identity.container(gid)),
                     text_of(identity.stored(uid)), text_of(identity.stored(gid)));
}

std::string outcome_text(int error) {
  if (error == 0) return "ok";
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : "error " + std::to_string(error);
}

// One more line in this second? `dropped`: how many there were none for in the last one.
bool may_log(std::uint64_t& dropped) {
  static std::atomic<std::uint64_t> second = 0;
  static std::atomic<std::uint64_t> lines = 0;
  const std::uint64_t now = sys::monotonic_ns() / kNsInSecond;
  if (second.exchange(now) != now) {
    const std::uint64_t before = lines.exchange(0);
    dropped = before > kMostLines ? before - kMostLines : 0;
  }
  return ++lines <= kMostLines;
}

}  // namespace

std::string trace_text(std::span<const std::byte> message, const Identity& identity, int error,
                       std::uint64_t ns) {
  const auto header = part_at<fuse_in_header>(message, 0);
  const std::string what =
      sys::fuse_request_text(header.opcode, header.nodeid, header.unique & ~sys::kFuseUniqueResend);
  return fmt::format("{}{} by process {}: {}: {}, {} us", what, name_in(message, header.opcode),
                     header.pid, ids_text(identity, HostUid{header.uid}, HostGid{header.gid}),
                     outcome_text(error), ns / 1000);
}

void trace_request(std::span<const std::byte> message, const Identity& identity, int error,
                   std::uint64_t ns) {
  std::uint64_t dropped = 0;
  const bool is_logged = may_log(dropped);
  if (dropped != 0) spdlog::info("ops: {} requests were not logged in the second before", dropped);
  if (is_logged) spdlog::info("ops: {}", trace_text(message, identity, error, ns));
}

}  // namespace cvfs
