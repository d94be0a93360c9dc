#include <dirent.h>

#include <vector>

#include "fuse/operations.h"
#include "fuse/request.h"
#include "vfs/op_io.h"
#include "vfs/op_lookup.h"

namespace cvfs {

namespace {

// The reply under construction: packed entries, never more than the kernel asked for.
class Listing {
 public:
  Listing(fuse_req_t request, std::size_t size) : request_(request), buffer_(size) {}

  // False: it does not fit.
  bool add(const DirectoryEntry& entry) {
    struct stat attr {};
    attr.st_ino = entry.inode;
    attr.st_mode = static_cast<mode_t>(DTTOIF(entry.type));
    const std::size_t room = buffer_.size() - used_;
    const std::size_t size =
        fuse_add_direntry(request_, buffer_.data() + used_, room, entry.name, &attr, entry.next);
    if (size > room) return false;
    used_ += size;
    return true;
  }

  bool has_room_for_plus(const DirectoryEntry& entry) const {
    return fuse_add_direntry_plus(request_, nullptr, 0, entry.name, nullptr, 0) <=
           buffer_.size() - used_;
  }

  void add_plus(const DirectoryEntry& entry, const fuse_entry_param& param) {
    used_ += fuse_add_direntry_plus(request_, buffer_.data() + used_, buffer_.size() - used_,
                                    entry.name, &param, entry.next);
  }

  bool empty() const { return used_ == 0; }

  int send() { return fuse_reply_buf(request_, buffer_.data(), used_); }

 private:
  fuse_req_t request_;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
};

// An entry that brings no inode with it: the kernel looks it up when it is used.
fuse_entry_param without_inode(const DirectoryEntry& entry) {
  fuse_entry_param param{};
  param.attr.st_ino = entry.inode;
  param.attr.st_mode = static_cast<mode_t>(DTTOIF(entry.type));
  return param;
}

}  // namespace

void dispatch_readdir(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset,
                      fuse_file_info* info) {
  Listing listing(request, size);
  const auto read = op_readdir(mount_of(request), info->fh, offset, size,
                               [&](const DirectoryEntry& entry) { return listing.add(entry); });
  if (!read) return reply(request, read.error());
  listing.send();
}

void dispatch_readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                          fuse_file_info* info) {
  Mount& mount = mount_of(request);
  Listing listing(request, size);
  std::vector<LookupRef> lookups;
  // An entry is packed with its attributes and takes several times the room of a raw one.
  constexpr std::size_t kPackedPerRaw = 4;
  const auto read =
      op_readdir(mount, info->fh, offset, size / kPackedPerRaw, [&](const DirectoryEntry& entry) {
        if (!listing.has_room_for_plus(entry)) return false;
        if (!intent_of(request).has_room_for_lookups()) return false;
        // The kernel does not count lookups of these two.
        if (entry.is_dot()) {
          listing.add_plus(entry, without_inode(entry));
          return true;
        }
        Result<Entry> found = op_lookup(mount, intent_of(request), node, entry.name);
        if (!found) {
          // Gone since, or nothing that we may tell of: the name alone.
          listing.add_plus(entry, without_inode(entry));
          return true;
        }
        listing.add_plus(entry, to_entry(request, *found));
        lookups.push_back(std::move(found->lookup));
        return true;
      });
  if (!read) return reply(request, read.error());
  intent_of(request).replying();
  if (listing.send() != 0) return;
  for (LookupRef& lookup : lookups) lookup.commit();
}

}  // namespace cvfs
