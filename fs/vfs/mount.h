// Mount: everything one view consists of, passed to every operation; there are no globals. The
// parts are thread-safe each by itself; Mount does not change while it serves.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "idmap/identity.h"
#include "journal/journal.h"
#include "journal/state_memory.h"
#include "store/store.h"
#include "vfs/asked_again.h"
#include "vfs/attributes.h"
#include "vfs/caller.h"
#include "vfs/file_cache.h"
#include "vfs/file_locks.h"
#include "vfs/handle_table.h"
#include "vfs/inode_table.h"
#include "vfs/known_names.h"
#include "vfs/ownership.h"
#include "vfs/passthrough.h"

namespace cvfs {

// How many descriptors may be open files': one for each inode that is open, and one for each handle
// through which data goes that the kernel does not pass through, or a directory's entries.
struct HandleLimits {
  std::size_t most = 0;
  std::size_t for_directories = 0;  // more, so that a tree can still be looked at

  std::size_t allowed(bool is_directory) const {
    return most + (is_directory ? for_directories : 0);
  }
};

struct MountSettings {
  double ttl_seconds = 1.0;  // how long the kernel may believe what nobody watches
  HandleLimits handles;
  std::size_t most_kept = 0;  // inodes that are kept open, as they cannot be opened again
  std::string pid_namespace;  // of this process: what /proc/self/ns/pid says
  std::uint64_t root_device = 0;
  int device_fd = -1;               // the connection, borrowed
  std::uint64_t watched_mount = 0;  // where all that others change is told; 0: nowhere
  bool makes_devices = false;       // for the host's root: the view is mounted with `dev`
};

struct Mount {
  std::shared_ptr<StateMemory> state;  // holds the tables and the journal
  std::unique_ptr<Store> store;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<Ownership> owners;
  std::unique_ptr<FileCache> files;
  std::unique_ptr<Passthrough> passthrough;
  InodeTable inodes;
  HandleTable handles;
  std::unique_ptr<Journal> journal;
  MountSettings settings;
  std::unique_ptr<FileLocks> locks;  // null: the kernel's own (locks=local), or none (locks=off)
  // Calls its argument, perhaps on another thread, when the kernel knows of all that others have
  // changed up to now. Empty: nobody watches them.
  std::function<void(std::function<void()>)> after_changes = nullptr;
  // Moves on before each change by others is looked up in `inodes` (fuse/notifier.h).
  std::atomic<std::uint64_t> changes = 0;
  // Until then (sys::monotonic_us()) the kernel may hold names for true that nobody could tell it
  // of (docs/caching.md, More than is kept).
  std::atomic<std::uint64_t> in_doubt_until_us = 0;
  // What `cvfs set VIEW cache` has put in the place of settings.ttl_seconds; less than 0: nothing.
  std::atomic<double> set_ttl_seconds = -1;
  std::atomic<bool> traces_requests = false;  // debug=ops
  KnownNames names = {};                      // of what is watched
  std::unique_ptr<AskedAgain> asked_again = nullptr;

  // A file's reference by its number. ESTALE: it is gone.
  Result<PinnedFile> pin(NodeId node) { return files->pin(node, TRY(inodes.find(node))->id); }
};

// Host root or container root: by its id; whether it has a root's capabilities only the kernel
// knows.
bool is_root(const Mount& mount, const Caller& caller);

// What make_mount() starts from.
struct MountParts {
  std::shared_ptr<StateMemory> state;
  bool adopt = false;  // `state` is what an earlier process left
  std::unique_ptr<Store> store;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<Ownership> owners;
  std::unique_ptr<Passthrough> passthrough;
  int device_fd = -1;  // the connection, borrowed; -1: none (tests)
  double ttl_seconds = 1.0;
  bool shares_locks = false;   // locks=shared
  bool is_watched = false;     // others' changes will be told
  bool makes_devices = false;  // mounted with `dev`
};

// Makes the tables and gives the root its number, or goes on with what an earlier process left.
// Errors: those of opening the root.
Result<std::unique_ptr<Mount>> make_mount(MountParts parts);

// The descriptors that the tables own: those of open files, of files that have no id, of locks.
std::vector<int> descriptors_in_use(Mount& mount);

// Takes `count` lookups of an inode back; with the last, what belongs to it is released.
void forget(Mount& mount, NodeId node, std::uint64_t count);

// Takes back what an earlier process counted and opened for a reply that the kernel never had.
void take_back(Mount& mount, Intent& intent);

// One lookup that the kernel will own once it has our reply. Until commit() it is taken back when
// this goes out of scope. Move-only.
class LookupRef {
 public:
  LookupRef() = default;
  LookupRef(Mount& mount, Intent& intent, NodeId node)
      : mount_(&mount), intent_(&intent), node_(node) {}
  LookupRef(LookupRef&& other) noexcept
      : mount_(std::exchange(other.mount_, nullptr)), intent_(other.intent_), node_(other.node_) {}
  LookupRef& operator=(LookupRef&& other) noexcept;
  ~LookupRef() { take_back(); }

  NodeId node() const { return node_; }
  void commit() { mount_ = nullptr; }

 private:
  void take_back();

  Mount* mount_ = nullptr;
  Intent* intent_ = nullptr;  // of the request, which outlives this
  NodeId node_ = 0;
};

// The same for an open file: closed again unless the kernel has taken our reply.
class HandleRef {
 public:
  HandleRef(Mount& mount, HandleId id) : mount_(&mount), id_(id) {}
  HandleRef(HandleRef&& other) noexcept
      : mount_(std::exchange(other.mount_, nullptr)), id_(other.id_) {}
  HandleRef& operator=(HandleRef&&) = delete;
  ~HandleRef();

  HandleId id() const { return id_; }
  void commit() { mount_ = nullptr; }

 private:
  Mount* mount_;
  HandleId id_;
};

// What a reply that introduces an inode consists of.
struct Entry {
  LookupRef lookup;
  std::uint32_t generation = 0;
  Attributes attributes;
};

// Counts a lookup of `file` for the request and describes it. Consumes the reference (it goes to
// the cache).
Result<Entry> introduce(Mount& mount, Intent& intent, File file);

// The same of a file that was found or made in `parent` by this name.
Result<Entry> introduce(Mount& mount, Intent& intent, File file, NodeId parent, const char* name);
void note_name(Mount& mount, const Entry& entry, NodeId parent, const char* name);

// The attributes as callers are shown them.
Result<Attributes> describe(Mount& mount, NodeId node, const File& file);

// The kernel does not see by itself that the request at hand changes the attributes of its inode.
void ask_again(const Mount& mount, NodeId node);

// A directory that has been removed, which the kernel may not know and could not be told. ESTALE:
// it looks up again what led there (retry_estale() of Linux).
Result<void> check_not_removed(Mount& mount, NodeId node, const FileStatus& status);

// How long what nobody could tell may be believed: the longest of them.
inline constexpr unsigned kWatchedSeconds = 300;

// What nobody watches, or what `cvfs set` says of everything.
double ttl_seconds(const Mount& mount);
bool believes_long(const Mount& mount);  // what it was told lasts until it is told otherwise

// How long the kernel may believe, in seconds: these attributes; a name that leads to them; that
// there is no such name in a directory.
double attribute_timeout(const Mount& mount, const Attributes& attributes);
double entry_timeout(const Mount& mount, const Attributes& attributes);
double missing_timeout(Mount& mount, NodeId directory);

}  // namespace cvfs
