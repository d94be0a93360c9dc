// Claim: a directory that the host's root (the container engine) makes through the view is a fresh
// volume root: unclaimed. Any container's process may write there, and the first that creates an
// entry becomes its owner, so that `docker run -u 1000 -v …` works without knowing the uid
// beforehand. The marker on disk is an xattr; docs/identity.md has the whole rule. Any thread.
#pragma once

#include <optional>

#include "base/ids.h"
#include "base/result.h"
#include "vfs/attributes.h"
#include "vfs/caller.h"

namespace cvfs {

struct Mount;
class PinnedFile;

// What container engines give to a bind source that they make (moby: MkdirAllAndChown).
inline constexpr mode_t kEnginesMode = 0755;

// Is this the marker's name?
bool is_claim_xattr(const char* xattr);

// Is the caller the host's root and not a container's, even where both have the same id? Looks at
// the caller's pid namespace and root directory in /proc.
bool is_hosts_root(const Mount& mount, const Caller& caller);

// Is the directory marked? Notes the answer in its inode record.
bool is_unclaimed(Mount& mount, NodeId directory, const File& file, const Attributes& attributes);

// The mode of what is unclaimed: everybody's, but for the host's root, which is shown what it asked
// for at mkdir. Each caller is told by a request of its own, as nothing of it is cached; still the
// kernel keeps one mode, so that a container's process that comes in the very microsecond in which
// the host's root asks may be refused.
void show_unclaimed(const Mount& mount, const Caller& caller, Attributes& attributes);

// Around the making of an entry in `directory`: begin() refuses who came too late, settle() makes
// the caller the owner, once nothing can fail any more. Without settle() (the making failed, or
// what was made could not be handed out) the directory stays as it was.
class Claim {
 public:
  // Costs nothing for a directory that is not unclaimed. EOVERFLOW: the caller has no container
  // ids. EACCES: somebody else has claimed it meanwhile, and the caller may not write there. EBUSY:
  // somebody on the host holds a lock on the directory.
  static Result<Claim> begin(Mount& mount, const Caller& caller, NodeId directory,
                             const PinnedFile& file);

  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&&) = delete;

  void settle();

 private:
  Claim() = default;

  Mount* mount_ = nullptr;  // null: there is nothing to claim
  Caller caller_;
  NodeId node_ = 0;
  const File* file_ = nullptr;
  UniqueFd lock_;
};

// After the host's root made the directory `file`, with the mode 0755 that engines give: marks it.
void mark_unclaimed(Mount& mount, NodeId node, const File& file);

// Somebody gave it an owner or a mode on purpose.
void end_unclaimed(Mount& mount, NodeId node, const File& file);

}  // namespace cvfs
