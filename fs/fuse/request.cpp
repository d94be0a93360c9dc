#include "fuse/request.h"

#include <linux/fuse.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "fuse/request_text.h"
#include "fuse/request_trace.h"
#include "sys/fuse_device.h"
#include "sys/process.h"
#include "vfs/claim.h"

namespace cvfs {

namespace {

constexpr std::uint64_t kNsInUs = 1000;
constexpr std::uint32_t kSetattrKillSetid = 1 << 11;  // FATTR_KILL_SUIDGID

// Of the request at hand.
struct RequestFacts {
  std::uint32_t opcode = 0;
  std::uint64_t node = 0;
  bool kills_setid = false;
  // libfuse itself refuses what it hands to none of our functions.
  bool is_refused = true;
  int error = ENOSYS;
  std::uint32_t caller = 0;
  Intent intent;
};
// libfuse hands no context through; a thread works on one request at a time.
thread_local RequestFacts facts;

// Errors that say something about us or the backing, not about what the caller asked for.
bool is_unexpected(int error) {
  return error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM || error == EBADF ||
         error == EUCLEAN;
}

// Each kind of failure once: a broken disk answers every request alike.
void log_unexpected(int error) {
  static std::array<std::atomic<std::uint64_t>, 64> logged;  // by opcode: a bit for each errno
  if (!is_unexpected(error)) return;
  const std::uint64_t bit = 1ULL << (error % 64);
  if ((logged[facts.opcode % logged.size()].fetch_or(bit) & bit) != 0) return;
  spdlog::warn("FUSE request {} on inode {} failed: {} (said once)", facts.opcode, facts.node,
               std::strerror(error));
}

template <class Arguments>
Arguments arguments_of(const fuse_buf& buffer) {
  Arguments arguments{};
  if (buffer.size >= sizeof(fuse_in_header) + sizeof arguments) {
    std::memcpy(&arguments, static_cast<const char*>(buffer.mem) + sizeof(fuse_in_header),
                sizeof arguments);
  }
  return arguments;
}

// Each kind of request has its own flag for it, and libfuse hands on only some of them.
bool kills_setid(std::uint32_t opcode, const fuse_buf& buffer) {
  switch (opcode) {
    case FUSE_SETATTR:
      return (arguments_of<fuse_setattr_in>(buffer).valid & kSetattrKillSetid) != 0;
    case FUSE_OPEN:
      return (arguments_of<fuse_open_in>(buffer).open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
    case FUSE_CREATE:
      return (arguments_of<fuse_create_in>(buffer).open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
    case FUSE_WRITE:
      return (arguments_of<fuse_write_in>(buffer).write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
    case FUSE_SETXATTR:
      return (arguments_of<fuse_setxattr_in>(buffer).setxattr_flags &
              FUSE_SETXATTR_ACL_KILL_SGID) != 0;
    default:
      return false;
  }
}

bool has_no_reply(std::uint32_t opcode) {
  return opcode == FUSE_INTERRUPT;  // FORGETs do not come here (forget.h)
}

}  // namespace

RequestScope::RequestScope(Mount& mount, JournalSlot& slot, Tally& tally, const fuse_buf& buffer)
    : mount_(mount), tally_(tally), begun_ns_(sys::monotonic_ns()), buffer_(buffer) {
  facts = {};
  fuse_in_header header{};
  if (buffer.size < sizeof header) return;
  std::memcpy(&header, buffer.mem, sizeof header);
  unique_ = header.unique;
  resent_ = (header.unique & sys::kFuseUniqueResend) != 0;
  facts.opcode = header.opcode;
  facts.node = header.nodeid;
  facts.caller = header.pid;
  facts.kills_setid = kills_setid(header.opcode, buffer);
  if (has_no_reply(header.opcode)) return;
  slot_ = &slot;
  facts.intent = slot.begin(header.unique & ~sys::kFuseUniqueResend, header.opcode, header.nodeid,
                            resent_, begun_ns_ / kNsInUs);
  if (facts.intent.resumed()) take_back(mount, facts.intent);
}

bool RequestScope::is_hopeless() const {
  return slot_ != nullptr && facts.intent.is_hopeless();
}

void RequestScope::refuse(int device_fd) const {
  facts.error = EIO;
  spdlog::error("a request gets EIO that was at hand at {} deaths, {} of them faults or hangs: {}",
                facts.intent.deaths(), facts.intent.faults(),
                describe_request({static_cast<const std::byte*>(buffer_.mem), buffer_.size}));
  fuse_out_header reply{};
  reply.len = sizeof reply;
  reply.error = -EIO;
  reply.unique = unique_;
  // ENOENT: nobody waits for it any more.
  (void)!::write(device_fd, &reply, sizeof reply);
}

RequestScope::~RequestScope() {
  tally_.counters.count(facts.opcode, has_reply() && facts.is_refused);
  if (slot_ != nullptr) slot_->end();
  const std::uint64_t now_ns = sys::monotonic_ns();
  tally_.answered_us = now_ns / kNsInUs;
  RequestMeasures& measures = tally_.measures;
  measures.note_latency(facts.opcode, now_ns - begun_ns_);
  measures.note_caller(facts.caller);
  const int error = has_reply() && facts.is_refused ? facts.error : 0;
  if (error != 0) measures.note_error(facts.opcode, error);
  if (mount_.traces_requests.load(std::memory_order_relaxed)) {
    trace_request({static_cast<const std::byte*>(buffer_.mem), buffer_.size}, *mount_.identity,
                  error, now_ns - begun_ns_);
  }
}

void note_dispatch() {
  facts.is_refused = false;
}

void note_refusal(int error) {
  facts.is_refused = true;
  facts.error = error;
  log_unexpected(error);
}

Intent& intent_of(fuse_req_t) {
  return facts.intent;
}

bool request_kills_setid() {
  return facts.kills_setid;
}

Mount& mount_of(fuse_req_t request) {
  return *static_cast<Mount*>(fuse_req_userdata(request));
}

Caller caller_of(fuse_req_t request) {
  const fuse_ctx* context = fuse_req_ctx(request);
  return {HostUid{context->uid}, HostGid{context->gid}, context->pid, context->umask};
}

struct stat to_stat(const Attributes& attributes) {
  const FileStatus& status = attributes.status;
  struct stat attr {};
  attr.st_ino = status.inode;
  attr.st_mode = status.mode;
  attr.st_nlink = status.link_count;
  attr.st_uid = attributes.uid.value;
  attr.st_gid = attributes.gid.value;
  attr.st_rdev = makedev(status.device_major, status.device_minor);
  attr.st_size = static_cast<off_t>(status.size);
  attr.st_blksize = status.block_size;
  attr.st_blocks = static_cast<blkcnt_t>(status.blocks);
  attr.st_atim = status.accessed;
  attr.st_mtim = status.modified;
  attr.st_ctim = status.changed;
  return attr;
}

Attributes shown_to_caller(fuse_req_t request, Attributes attributes) {
  const Mount& mount = mount_of(request);
  mount.owners->show_to(caller_of(request), attributes);
  show_unclaimed(mount, caller_of(request), attributes);
  return attributes;
}

fuse_entry_param to_entry(fuse_req_t request, const Entry& entry) {
  const Mount& mount = mount_of(request);
  fuse_entry_param param{};
  param.ino = entry.lookup.node();
  param.generation = entry.generation;
  param.attr = to_stat(shown_to_caller(request, entry.attributes));
  param.attr_timeout = attribute_timeout(mount, entry.attributes);
  param.entry_timeout = entry_timeout(mount, entry.attributes);
  return param;
}

void fill_open(const Mount& mount, const OpenedFile& opened, fuse_file_info* info) {
  info->fh = opened.handle.id();
  info->direct_io = opened.direct ? 1 : 0;
  if (opened.backing > 0) {
    info->backing_id = opened.backing;
    // Nothing of ours is written at close, but locks go by it (docs/locks.md).
    info->noflush = mount.locks ? 0 : 1;
  }
}

void reply(fuse_req_t request, Errno error) {
  note_refusal(error.value);
  fuse_reply_err(request, error.value);
}

void reply(fuse_req_t request, const Result<void>& result) {
  if (!result) return reply(request, result.error());
  fuse_reply_err(request, 0);
}

void reply_entry(fuse_req_t request, Result<Entry> result) {
  if (!result) return reply(request, result.error());
  const fuse_entry_param param = to_entry(request, *result);
  intent_of(request).replying();
  if (fuse_reply_entry(request, &param) == 0) result->lookup.commit();
}

void reply_attributes(fuse_req_t request, const Result<Attributes>& result) {
  if (!result) return reply(request, result.error());
  const struct stat attr = to_stat(shown_to_caller(request, *result));
  fuse_reply_attr(request, &attr, attribute_timeout(mount_of(request), *result));
}

void reply_open(fuse_req_t request, Result<OpenedFile> result, fuse_file_info* info) {
  if (!result) return reply(request, result.error());
  fill_open(mount_of(request), *result, info);
  intent_of(request).replying();
  if (fuse_reply_open(request, info) == 0) result->handle.commit();
}

void reply_create(fuse_req_t request, Entry entry, OpenedFile opened, fuse_file_info* info) {
  const fuse_entry_param param = to_entry(request, entry);
  fill_open(mount_of(request), opened, info);
  intent_of(request).replying();
  if (fuse_reply_create(request, &param, info) != 0) return;
  opened.handle.commit();
  entry.lookup.commit();
}

}  // namespace cvfs
