// What the dispatch functions share: who asks on which mount, and how results become replies. A
// reply is the commit point of what it hands to the kernel: if the kernel no longer wants it (the
// request was interrupted: -ENOENT), lookups and handles roll back. On the serving thread only.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "fuse/libfuse.h"
#include "journal/measurements.h"
#include "journal/statistics.h"
#include "vfs/caller.h"
#include "vfs/mount.h"
#include "vfs/op_open.h"

namespace cvfs {

// Where a serving thread counts: its own places in the state memory.
struct Tally {
  RequestCounters& counters;
  RequestMeasures& measures;
  // When it had answered its last request (sys::monotonic_us()); 0: none yet.
  std::uint64_t answered_us = 0;
};

// Around libfuse's handling of one request on this thread: keeps what libfuse does not hand on, and
// the request's place in the journal, and counts and times it once it is answered: by two looks at
// the clock, which the journal and the CpuFollower need as well.
class RequestScope {
 public:
  // Takes back what an earlier process did for the reply, if it died over the request.
  RequestScope(Mount& mount, JournalSlot& slot, Tally& tally, const fuse_buf& buffer);
  ~RequestScope();
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

  bool has_reply() const { return slot_ != nullptr; }
  bool is_resent() const { return resent_; }
  // Too many processes died while they worked on it.
  bool is_hopeless() const;
  // Answers it with EIO, and logs all that is known of it.
  void refuse(int device_fd) const;

 private:
  Mount& mount_;
  Tally& tally_;
  std::uint64_t begun_ns_;
  JournalSlot* slot_ = nullptr;  // null: a message without a reply (FORGET, INTERRUPT)
  std::uint64_t unique_ = 0;
  const fuse_buf& buffer_;
  bool resent_ = false;
};

// The request at hand has come to a dispatch function.
void note_dispatch();
// It is answered with an error by other means than reply().
void note_refusal(int error);

// Of the request at hand.
Intent& intent_of(fuse_req_t request);

// The request at hand comes from somebody without CAP_FSETID: what it writes, truncates or sets an
// ACL on loses its setid bits (FUSE_HANDLE_KILLPRIV_V2, FUSE_SETXATTR_EXT).
bool request_kills_setid();

Mount& mount_of(fuse_req_t request);
Caller caller_of(fuse_req_t request);

void reply(fuse_req_t request, Errno error);
void reply(fuse_req_t request, const Result<void>& result);
void reply_entry(fuse_req_t request, Result<Entry> result);
void reply_attributes(fuse_req_t request, const Result<Attributes>& result);
void reply_open(fuse_req_t request, Result<OpenedFile> result, fuse_file_info* info);
void reply_create(fuse_req_t request, Entry entry, OpenedFile opened, fuse_file_info* info);

// --- conversion
// The attributes as the caller of the request sees them.
Attributes shown_to_caller(fuse_req_t request, Attributes attributes);
struct stat to_stat(const Attributes& attributes);
// As the caller of the request sees it.
fuse_entry_param to_entry(fuse_req_t request, const Entry& entry);
void fill_open(const Mount& mount, const OpenedFile& opened, fuse_file_info* info);

}  // namespace cvfs
