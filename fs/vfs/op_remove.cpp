#include "vfs/op_remove.h"

#include "vfs/claim.h"
#include "vfs/kept_file.h"
#include "vfs/removed_directory.h"

namespace cvfs {

namespace {

// A name in a directory.
struct Place {
  NodeId parent;
  const File& directory;
  const char* name;
};

// ENOENT: nothing is there.
Result<FileId> id_at(Mount& mount, const Place& place) {
  return mount.store->id_at(place.directory, place.name);
}

// 0: what stood there is not known. So it is of a request that a build of journal layout 2 or 1
// left: then any file by that name is taken for it.
constexpr std::uint64_t kAnyFile = 0;

std::uint64_t number_of(const FileId& id) {
  return digest_of(id) | 1;
}

// What `intent` is about to take the name from, as a number; `now` is what has it. What others have
// made by that name since an earlier process planned it is another.
Result<std::uint64_t> target_of(const Intent& intent, const Result<FileId>& now) {
  if (intent.planned()) return intent.detail();
  if (!now) return fail(now.error());
  return number_of(*now);
}

bool leads_to(Mount& mount, const Place& place, std::uint64_t target) {
  const auto id = id_at(mount, place);
  return id && (target == kAnyFile || number_of(*id) == target);
}

// Runs `change`, which takes the name from what stands there (`id`), if anything does.
template <class Change>
Result<void> keeping(Mount& mount, Intent& intent, NodeId parent, const Result<FileId>& id,
                     Change change) {
  KeptFile file(mount, intent, parent, id.value_or(FileId{}));
  TRY(change());
  file.commit();
  return {};
}

template <class Remove>
Result<void> remove_once(Mount& mount, Intent& intent, const Place& place, Remove remove) {
  const auto id = id_at(mount, place);
  const std::uint64_t target = TRY(target_of(intent, id));
  const auto change = [&] { return (*mount.store.*remove)(place.directory, place.name); };
  return exactly_once(
      intent, [&] { return keeping(mount, intent, place.parent, id, change); },
      [&] { return !leads_to(mount, place, target); }, target);
}

template <class Remove>
Result<void> remove_entry(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                          const char* name, Remove remove) {
  const PinnedFile directory = TRY(mount.pin(parent));
  const auto done = remove_once(mount, intent, {parent, *directory, name}, remove);
  if (!done) return fail(error_in(mount, intent, caller, parent, done.error(), *directory));
  return {};
}

// Did an earlier process come to rename what is `target`? (Where both names lead to it, a rename
// changes nothing.) If neither does, others have had it since: then it counts as done, as most
// deaths come at the end of a system call, unless nothing has changed in the directory where it
// should have gone.
bool was_renamed(Mount& mount, const Intent& intent, const Place& from, const Place& to,
                 std::uint64_t target) {
  const bool is_old = leads_to(mount, from, target);
  const bool is_new = leads_to(mount, to, target);
  if (is_old || is_new) return is_new && !is_old;
  const auto status = mount.store->status(to.directory);
  return !status || intent.is_since_plan(status->modified);
}

Result<void> rename_once(Mount& mount, Intent& intent, const Place& from, const Place& to,
                         unsigned flags, const NewFile& whiteout) {
  const auto rename = [&] {
    return mount.store->rename(from.directory, from.name, to.directory, to.name, flags, whiteout);
  };
  const bool may_replace = (flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)) == 0;
  const std::uint64_t target = TRY(target_of(intent, id_at(mount, from)));
  return exactly_once(
      intent,
      [&] {
        if (!may_replace) return rename();
        return keeping(mount, intent, to.parent, id_at(mount, to), rename);
      },
      [&] { return was_renamed(mount, intent, from, to, target); }, target);
}

}  // namespace

Result<void> op_unlink(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name) {
  return remove_entry(mount, intent, caller, parent, name, &Store::unlink);
}

Result<void> op_rmdir(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                      const char* name) {
  return remove_entry(mount, intent, caller, parent, name, &Store::remove_directory);
}

Result<void> op_rename(Mount& mount, Intent& intent, const Caller& caller, NodeId parent,
                       const char* name, NodeId new_parent, const char* new_name, unsigned flags) {
  const PinnedFile from = TRY(mount.pin(parent));
  const PinnedFile to = TRY(mount.pin(new_parent));
  NewFile whiteout;
  if ((flags & RENAME_WHITEOUT) != 0) {
    whiteout = TRY(mount.owners->new_file(caller, *from, S_IFCHR));
  }
  Claim claim = TRY(Claim::begin(mount, caller, new_parent, to));
  const auto done = rename_once(mount, intent, {parent, *from, name}, {new_parent, *to, new_name},
                                flags, whiteout);
  if (!done) return fail(error_in(mount, intent, caller, parent, done.error(), *from, &*to));
  claim.settle();
  return {};
}

}  // namespace cvfs
