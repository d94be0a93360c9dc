#include "vfs/op_create.h"

#include <type_traits>
#include <utility>

#include "vfs/claim.h"
#include "vfs/op_lookup.h"
#include "vfs/removed_directory.h"
#include "vfs/truncation.h"

namespace cvfs {

namespace {

struct NewEntry {
  NodeId parent;
  const char* name;
  mode_t mode;                   // with its type
  const char* target = nullptr;  // of a symlink
};

bool is_owned_as_made(const FileStatus& status, const FileStatus& directory,
                      const NewFile& wanted) {
  // The directory's, where that is setgid or the filesystem does as BSD did.
  const bool gid = status.gid == wanted.gid.value || status.gid == directory.gid;
  return status.uid == wanted.uid.value && gid;
}

// A default ACL takes the umask's place, and gives at most what was asked for.
bool has_mode_as_made(Mount& mount, const FileStatus& status, const File& directory,
                      const NewFile& wanted) {
  if (status.is_symlink()) return true;
  constexpr mode_t kPermissions = 0777;
  const mode_t most = wanted.mode & kPermissions;
  const mode_t mode = status.mode & kPermissions;
  if (mode == (most & ~wanted.umask)) return true;
  const auto acl = mount.store->get_xattr(directory, "system.posix_acl_default", {});
  return acl && (mode & ~most) == 0;
}

bool leads_where_wanted(Mount& mount, const File& symlink, const NewEntry& entry) {
  const auto target = mount.store->read_link(symlink);
  return target && entry.target != nullptr && *target == entry.target;
}

// Nobody has had it yet.
bool is_untouched(const FileStatus& status) {
  return !status.is_regular() || (status.size == 0 && status.link_count == 1);
}

// Born within the instant between the plan and the death: whatever the host has done to it since.
bool is_born_before_death(const Intent& intent, const FileStatus& status) {
  return status.has_born && intent.is_before_death(status.born);
}

// Was what stands at `name` made by the request at hand, before the process that worked on it died,
// and not by the host meanwhile? What cannot be told from what was asked for counts as made. Then
// it is complete, too.
bool was_made(Mount& mount, const Intent& intent, const File& directory, const NewEntry& entry,
              const NewFile& wanted) {
  const auto found = mount.store->look_up(directory, entry.name);
  if (!found) return false;
  const auto status = mount.store->status(*found);
  const auto parent = mount.store->status(directory);
  if (!status || !parent || (status->mode & S_IFMT) != (wanted.mode & S_IFMT)) return false;
  if (!intent.is_since_plan(status->has_born ? status->born : status->changed)) return false;
  if (status->is_symlink() && !leads_where_wanted(mount, *found, entry)) return false;
  // Another server may have given it to somebody else (NFS).
  const bool tells_owners = !mount.store->judges_by_ids();
  if (tells_owners && !is_owned_as_made(*status, *parent, wanted)) return false;
  if (!is_born_before_death(intent, *status)) {
    if (tells_owners && !has_mode_as_made(mount, *status, directory, wanted)) return false;
    if (!is_untouched(*status)) return false;
  }
  return mount.store->complete(*found, wanted).has_value();
}

// What an earlier process had made. ENOENT: others have taken it since. EEXIST: they have something
// of another type there.
Result<File> find_made(Mount& mount, const File& directory, const char* name, mode_t type) {
  File file = TRY(mount.store->look_up(directory, name));
  const FileStatus status = TRY(mount.store->status(file));
  if ((status.mode & S_IFMT) != (type & S_IFMT)) return fail(EEXIST);
  return file;
}

// What was made and cannot be handed out goes again: after an error, nothing has happened. The
// client holds the directory's lock, so that nobody in this view has seen it.
void unmake(Mount& mount, const File& directory, const char* name, mode_t mode) {
  (void)(S_ISDIR(mode) ? mount.store->remove_directory(directory, name)
                       : mount.store->unlink(directory, name));
}

// What stands at a new name, and whether this process has made it: what an earlier one had made the
// host may have had since.
template <class Made>
struct AtName {
  Made made;
  bool is_ours;
};

// Makes it exactly once by `make() -> Result<Made>`, or finds by `find() -> Result<Made>` what an
// earlier process had made. Where others have taken that away it is made once more: the caller has
// not heard of it yet, and has nothing else to be told of.
template <class Make, class WasMade, class Find>
auto make_or_find(Intent& intent, Make make, WasMade was_made, Find find)
    -> Result<AtName<std::decay_t<decltype(*make())>>> {
  using Made = std::decay_t<decltype(*make())>;
  Result<Made> made = fail(ENOENT);
  const auto make_now = [&]() -> Result<void> {
    made = make();
    if (!made) return fail(made.error());
    return {};
  };
  TRY(exactly_once(intent, make_now, was_made));
  if (made) return AtName<Made>{std::move(*made), true};
  auto found = find();
  if (found) return AtName<Made>{std::move(*found), false};
  if (found.error().value != ENOENT) return fail(found.error());
  TRY(exactly_once(intent, make_now, [] { return false; }));
  if (!made) return fail(made.error());
  return AtName<Made>{std::move(*made), true};
}

// The common frame of everything that makes an entry: translate the caller, take part in a claim,
// let `make(directory, wanted)` make it and `hand_out(made)` make a reply of it, settle the claim.
// Last, because what cannot be handed out has claimed nothing. What an earlier process had made
// before it died is `reopen(file)` instead.
template <class Make, class Reopen, class HandOut>
auto make_entry(Mount& mount, Intent& intent, const Caller& caller, const NewEntry& entry,
                Make make, Reopen reopen, HandOut hand_out)
    -> decltype(hand_out(*reopen(std::declval<File>()))) {
  const PinnedFile directory = TRY(mount.pin(entry.parent));
  const NewFile wanted = TRY(mount.owners->new_file(caller, *directory, entry.mode));
  Claim claim = TRY(Claim::begin(mount, caller, entry.parent, directory));
  auto at_name = make_or_find(
      intent, [&] { return make(*directory, wanted); },
      [&] { return was_made(mount, intent, *directory, entry, wanted); },
      [&]() -> decltype(make(*directory, wanted)) {
        return reopen(TRY(find_made(mount, *directory, entry.name, entry.mode)));
      });
  if (!at_name) {
    return fail(error_in(mount, intent, caller, entry.parent, at_name.error(), *directory));
  }
  auto handed_out = hand_out(std::move(at_name->made));
  if (handed_out) {
    claim.settle();
  } else if (at_name->is_ours) {
    unmake(mount, *directory, entry.name, entry.mode);
  }
  return handed_out;
}

Result<File> as_it_is(File file) {
  return file;
}

// The same for what is not opened in the moment in which it is made.
template <class Make>
Result<Entry> make_named(Mount& mount, Intent& intent, const Caller& caller, const NewEntry& entry,
                         Make make) {
  return make_entry(mount, intent, caller, entry, make, as_it_is, [&](File made) {
    return introduce(mount, intent, std::move(made), entry.parent, entry.name);
  });
}

// A file that was made open: its inode's entry, and a handle that goes on using the descriptor.
Result<CreatedEntry> introduce_open(Mount& mount, Intent& intent, CreatedFile created, int flags) {
  Entry entry = TRY(introduce(mount, intent, std::move(created.file)));
  OpenedFile opened =
      TRY(open_with(mount, intent, entry.lookup.node(), std::move(created.io), flags));
  entry.attributes.is_volatile = TRY(mount.inodes.find(entry.lookup.node()))->may_be_mapped;
  return CreatedEntry{std::move(entry), std::move(opened)};
}

bool is_same_file(Mount& mount, const File& file, const File& directory, const char* name) {
  const auto found = mount.store->look_up(directory, name);
  if (!found) return false;
  const auto there = mount.store->status(*found);
  const auto wanted = mount.store->status(file);
  return there && wanted && there->device == wanted->device && there->inode == wanted->inode;
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

// ENOENT: it is gone again. ESTALE: somebody else's, or not a file.
Result<CreatedEntry> open_existing(Mount& mount, Intent& intent, const Caller& caller,
                                   NodeId parent, const char* name, int flags) {
  auto entry = op_lookup(mount, intent, parent, name);
  if (!entry) return fail(entry.error().value == ESTALE ? ENOENT : entry.error().value);
  if (!is_plainly_allowed(caller, entry->attributes, flags)) return fail(ESTALE);
  constexpr int kCreation = O_CREAT | O_EXCL;
  entry->attributes.is_volatile = true;  // as in op_setattr(): fuse_create_open()
  auto opened = op_open(mount, intent, caller, entry->lookup.node(), flags & ~kCreation, false);
  if (!opened) return fail(opened.error().value == ESTALE ? ENOENT : opened.error().value);
  return CreatedEntry{std::move(*entry), std::move(*opened)};
}

// But for overlayfs' whiteout, which opens nothing.
bool is_device(mode_t mode, dev_t device) {
  return S_ISBLK(mode) || (S_ISCHR(mode) && device != 0);
}

// The kernel has asked for CAP_MKNOD of the host, which a container without a user namespace may
// have; it is the host's administrator who is meant.
bool may_make_devices(const Mount& mount, const Caller& caller) {
  return mount.settings.makes_devices && is_hosts_root(mount, caller);
}

// A directory that the engine makes is a fresh volume root.
Result<void> mark_fresh_volume(Mount& mount, Entry& made) {
  const PinnedFile directory = TRY(mount.pin(made.lookup.node()));
  mark_unclaimed(mount, made.lookup.node(), *directory);
  made.attributes = TRY(describe(mount, made.lookup.node(), *directory));
  return {};
}

}  // namespace

Result<CreatedEntry> op_create(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                               const char* name, int flags, mode_t mode) {
  if (!has_room_for_handle(mount, false, !mount.passthrough->is_on())) return fail(ENFILE);
  const auto create = [&](const File& directory, const NewFile& wanted) {
    return mount.store->create(directory, name, flags, wanted);
  };
  const auto reopen = [&](File file) -> Result<CreatedFile> {
    // It was made empty; what is in it by now others have written.
    UniqueFd io = TRY(mount.store->open(file, flags & ~O_TRUNC, true));
    return CreatedFile{std::move(file), std::move(io)};
  };
  const auto hand_out = [&](CreatedFile made) -> Result<CreatedEntry> {
    CreatedEntry created = TRY(introduce_open(mount, intent, std::move(made), flags));
    note_name(mount, created.entry, parent, name);
    return created;
  };
  // An earlier process had found a file there, and come to truncate it.
  bool is_there = planned_truncation(intent);
  // Others may make and remove the name all the time; the kernel itself would try only twice.
  constexpr int kAttempts = 16;
  for (int i = 0; i < kAttempts; ++i) {
    if (!std::exchange(is_there, false)) {
      auto created = make_entry(mount, intent, caller, {parent, name, S_IFREG | mode}, create,
                                reopen, hand_out);
      if (created || created.error().value != EEXIST || (flags & O_EXCL) != 0) return created;
    }
    auto opened = open_existing(mount, intent, caller, parent, name, flags);
    if (opened || opened.error().value != ENOENT) return opened;
  }
  return fail(ESTALE);
}

Result<CreatedEntry> op_tmpfile(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                                int flags, mode_t mode) {
  // A file without a name that a process left behind is gone with it: each try makes a new one.
  const PinnedFile directory = TRY(mount.pin(parent));
  const NewFile wanted = TRY(mount.owners->new_file(caller, *directory, S_IFREG | mode));
  auto created = mount.store->create_unnamed(*directory, flags, wanted);
  if (!created) return fail(error_in(mount, intent, caller, parent, created.error(), *directory));
  // From here on it is a file like any other, that can be opened again.
  return introduce_open(mount, intent, std::move(*created), flags & ~O_TMPFILE);
}

Result<Entry> op_mkdir(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, mode_t mode) {
  const mode_t permissions = mode & ~caller.umask & sys::kPermissionBits;
  const bool is_fresh = permissions == kEnginesMode && is_hosts_root(mount, caller);
  return make_entry(
      mount, intent, caller, {parent, name, S_IFDIR | mode},
      [&](const File& directory, const NewFile& wanted) {
        return mount.store->make_directory(directory, name, wanted);
      },
      as_it_is,
      [&](File made) -> Result<Entry> {
        Entry entry = TRY(introduce(mount, intent, std::move(made), parent, name));
        if (is_fresh) TRY(mark_fresh_volume(mount, entry));
        return entry;
      });
}

Result<Entry> op_mknod(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, mode_t mode, dev_t device) {
  if (is_device(mode, device) && !may_make_devices(mount, caller)) return fail(EPERM);
  return make_named(mount, intent, caller, {parent, name, mode},
                    [&](const File& directory, const NewFile& wanted) {
                      return mount.store->make_node(directory, name, device, wanted);
                    });
}

Result<Entry> op_symlink(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                         const char* name, const char* target) {
  return make_named(mount, intent, caller, {parent, name, S_IFLNK | 0777, target},
                    [&](const File& directory, const NewFile& wanted) {
                      return mount.store->make_symlink(directory, name, target, wanted);
                    });
}

Result<Entry> op_link(Mount& mount, Intent& intent, const Caller& caller, NodeId node,
                      NodeId new_parent, const char* new_name) {
  const PinnedFile file = TRY(mount.pin(node));
  const PinnedFile directory = TRY(mount.pin(new_parent));
  Claim claim = TRY(Claim::begin(mount, caller, new_parent, directory));
  auto linked = make_or_find(
      intent,
      [&]() -> Result<File> {
        TRY(mount.store->link(*file, *directory, new_name));
        auto found = mount.store->look_up(*directory, new_name);
        if (!found) unmake(mount, *directory, new_name, S_IFREG);
        return found;
      },
      [&] { return is_same_file(mount, *file, *directory, new_name); },
      [&]() -> Result<File> {
        const mode_t type = TRY(mount.store->status(*file)).mode;
        return find_made(mount, *directory, new_name, type);
      });
  if (!linked) return fail(error_in(mount, intent, caller, new_parent, linked.error(), *directory));
  auto entry = introduce(mount, intent, std::move(linked->made), new_parent, new_name);
  if (entry) {
    entry->attributes.is_volatile = true;  // as in op_setattr(): create_new_entry()
    claim.settle();
  } else if (linked->is_ours) {
    unmake(mount, *directory, new_name, S_IFREG);
  }
  return entry;
}

}  // namespace cvfs
