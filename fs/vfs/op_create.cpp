#include "vfs/op_create.h"

#include "vfs/claim.h"
#include "vfs/op_lookup.h"

namespace cvfs {

namespace {

// The common frame of everything that makes an entry: translate the caller, take part in a claim,
// let `make(directory, wanted)` make it, settle the claim.
template <class Make>
auto make_entry(Mount& mount, const Caller& caller, NodeId parent, mode_t mode, Make make)
    -> decltype(make(std::declval<const File&>(), std::declval<const NewFile&>())) {
  const PinnedFile directory = TRY(mount.pin(parent));
  const NewFile wanted = TRY(mount.owners->new_file(caller, *directory, mode));
  Claim claim = TRY(Claim::begin(mount, caller, parent, directory));
  auto made = make(*directory, wanted);
  if (made) claim.settle();
  return made;
}

// A file that was made open: its inode's entry, and a handle that goes on using the descriptor.
Result<CreatedEntry> introduce_open(Mount& mount, CreatedFile created, int flags) {
  Entry entry = TRY(introduce(mount, std::move(created.file)));
  OpenedFile opened = TRY(open_with(mount, entry.lookup.node(), std::move(created.io), flags));
  return CreatedEntry{std::move(entry), std::move(opened)};
}

// Would the kernel let the caller open it? Only where the answer is sure without knowing the
// caller's groups and capabilities: its owner, by the owner's bits (which no ACL overrules;
// acl(5)).
bool is_plainly_allowed(const Caller& caller, const Attributes& attributes, int flags) {
  if (!attributes.status.is_regular() || attributes.uid != caller.uid) return false;
  mode_t wanted = 0;
  if ((flags & O_ACCMODE) != O_WRONLY) wanted |= S_IRUSR;
  if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0) wanted |= S_IWUSR;
  return (attributes.status.mode & wanted) == wanted;
}

Result<CreatedEntry> open_existing(Mount& mount, const Caller& caller, NodeId parent,
                                   const char* name, int flags) {
  Entry entry = TRY(op_lookup(mount, parent, name));
  if (!is_plainly_allowed(caller, entry.attributes, flags)) return fail(ESTALE);
  constexpr int kCreation = O_CREAT | O_EXCL;
  OpenedFile opened = TRY(op_open(mount, caller, entry.lookup.node(), flags & ~kCreation, false));
  return CreatedEntry{std::move(entry), std::move(opened)};
}

// A directory that the engine makes is a fresh volume root.
Result<void> mark_fresh_volume(Mount& mount, Entry& made) {
  const PinnedFile directory = TRY(mount.pin(made.lookup.node()));
  mark_unclaimed(mount, made.lookup.node(), *directory);
  made.attributes = TRY(describe(mount, made.lookup.node(), *directory));
  return {};
}

}  // namespace

Result<CreatedEntry> op_create(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                               int flags, mode_t mode) {
  const auto create = [&](const File& directory, const NewFile& wanted) {
    return mount.store->create(directory, name, flags, wanted);
  };
  // Others may make and remove the name all the time; the kernel itself would try only twice.
  constexpr int kAttempts = 16;
  for (int i = 0; i < kAttempts; ++i) {
    auto created = make_entry(mount, caller, parent, S_IFREG | mode, create);
    if (created) return introduce_open(mount, std::move(*created), flags);
    if (created.error().value != EEXIST || (flags & O_EXCL) != 0) return fail(created.error());
    auto opened = open_existing(mount, caller, parent, name, flags);
    if (opened || opened.error().value != ENOENT) return opened;
  }
  return fail(ESTALE);
}

Result<CreatedEntry> op_tmpfile(Mount& mount, const Caller& caller, NodeId parent, int flags,
                                mode_t mode) {
  auto created = make_entry(mount, caller, parent, S_IFREG | mode,
                            [&](const File& directory, const NewFile& wanted) {
                              return mount.store->create_unnamed(directory, flags, wanted);
                            });
  return introduce_open(mount, TRY(std::move(created)), flags);
}

Result<Entry> op_mkdir(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                       mode_t mode) {
  File made = TRY(make_entry(mount, caller, parent, S_IFDIR | mode,
                             [&](const File& directory, const NewFile& wanted) {
                               return mount.store->make_directory(directory, name, wanted);
                             }));
  Entry entry = TRY(introduce(mount, std::move(made)));
  const mode_t permissions = mode & ~caller.umask & 07777;
  if (permissions == kEnginesMode && is_hosts_root(mount, caller)) {
    TRY(mark_fresh_volume(mount, entry));
  }
  return entry;
}

Result<Entry> op_mknod(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                       mode_t mode, dev_t device) {
  if (S_ISBLK(mode) || (S_ISCHR(mode) && device != 0)) return fail(EPERM);
  return introduce(mount, TRY(make_entry(mount, caller, parent, mode,
                                         [&](const File& directory, const NewFile& wanted) {
                                           return mount.store->make_node(directory, name, device,
                                                                         wanted);
                                         })));
}

Result<Entry> op_symlink(Mount& mount, const Caller& caller, NodeId parent, const char* name,
                         const char* target) {
  return introduce(mount, TRY(make_entry(mount, caller, parent, S_IFLNK | 0777,
                                         [&](const File& directory, const NewFile& wanted) {
                                           return mount.store->make_symlink(directory, name, target,
                                                                            wanted);
                                         })));
}

Result<Entry> op_link(Mount& mount, const Caller& caller, NodeId node, NodeId new_parent,
                      const char* new_name) {
  const PinnedFile file = TRY(mount.pin(node));
  const PinnedFile directory = TRY(mount.pin(new_parent));
  Claim claim = TRY(Claim::begin(mount, caller, new_parent, directory));
  TRY(mount.store->link(*file, *directory, new_name));
  claim.settle();
  return introduce(mount, TRY(mount.store->look_up(*directory, new_name)));
}

}  // namespace cvfs
