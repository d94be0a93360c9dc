#include "vfs/mount.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "journal/measurements.h"
#include "sys/fuse_notification.h"
#include "sys/process.h"
#include "vfs/claim.h"
#include "vfs/kept_file.h"
#include "vfs/op_open.h"
#include "vfs/state_sections.h"

namespace cvfs {

namespace {

// Of the descriptors a quarter (64 to 16384) is for idle references, an eighth for locks, and an
// eighth is kept back; half of that directories may use, so that a full view can still be listed
// and emptied.
std::size_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return 1024;
  return limit.rlim_cur;
}

std::size_t idle_descriptors() {
  return std::clamp<std::size_t>(descriptor_limit() / 4, 64, 16384);
}

std::size_t lock_descriptors() {
  return std::min<std::size_t>(descriptor_limit() / 8, LockSection::kOwners);
}

HandleLimits handle_limits() {
  const std::size_t share = descriptor_limit() / 16;
  const std::size_t reserved = idle_descriptors() + lock_descriptors() + 2 * share;
  const std::size_t most = descriptor_limit() > reserved ? descriptor_limit() - reserved : 1;
  return {std::min<std::size_t>(most, kMaxHandles / 2), share};
}

// Handles of such inodes share their descriptors.
std::size_t most_kept_inodes() {
  return descriptor_limit() / 2;
}

std::string own_pid_namespace() {
  char text[64];
  const ssize_t length = ::readlink("/proc/self/ns/pid", text, sizeof text);
  return std::string(text, length > 0 ? static_cast<std::size_t>(length) : 0);
}

// Two filesystems below one mount may use the same inode number for different files; a view has
// one st_dev only. Files of other devices get the device mixed in.
std::uint64_t shown_inode_number(const Mount& mount, const FileStatus& status) {
  if (status.device == mount.settings.root_device) return status.inode;
  return status.inode ^ (status.device * 0x9E3779B97F4A7C15ULL) << 40;
}

bool is_watched(const Mount& mount, const FileStatus& status) {
  return mount.settings.watched_mount != 0 && status.mount_id == mount.settings.watched_mount;
}

// What is taken out of the kernel's caches when somebody changes it may stay there until then; not
// for ever, as some of what happens to files is told to nobody (docs/caching.md).
double lasting_seconds(const Mount& mount, bool is_watched) {
  const bool is_set = mount.set_ttl_seconds.load(std::memory_order_relaxed) >= 0;
  return is_watched && !is_set ? kWatchedSeconds : ttl_seconds(mount);
}

Result<Attributes> describe_status(Mount& mount, NodeId node, const File& file,
                                   const FileStatus& status) {
  Attributes attributes = TRY(mount.owners->shown(file, status));
  attributes.status.inode = shown_inode_number(mount, status);
  attributes.unclaimed = is_unclaimed(mount, node, file, attributes);
  attributes.is_watched = is_watched(mount, status);
  if (attributes.is_watched) attributes.is_volatile = TRY(mount.inodes.find(node))->may_be_mapped;
  return attributes;
}

// As many at least must be left for what is open, for locks and for the view's processes.
Result<void> check_room_to_keep(Mount& mount) {
  const std::size_t most = mount.settings.most_kept;
  if (mount.files->kept_for_good() < most) return {};
  static std::atomic<bool> said = false;
  if (!said.exchange(true)) {
    spdlog::warn(
        "no more files can be known than {}: the backing filesystem has no file handles, so that "
        "each takes a descriptor (said once)",
        most);
  }
  return fail(ENFILE);
}

// The references of open files, and of files that cannot be opened by their id, have outlived the
// process that opened them in the descriptor table that we share.
void adopt_held_files(Mount& mount) {
  mount.inodes.for_each([&](NodeId node, InodeRecord& record) {
    if (!record.held_until_forget || node == kRootNode) return;
    mount.store->adopt(*mount.files->keep(node, File(UniqueFd(record.held_fd)), true));
  });
  mount.handles.for_each([&](const HandleRecord& handle) {
    InodeRecord* record = mount.inodes.find(handle.node).value_or(nullptr);
    if (record != nullptr && handle.is_held()) mount.files->adopt(handle.node, record->held_fd);
  });
}

}  // namespace

bool is_root(const Mount& mount, const Caller& caller) {
  return caller.uid.value == 0 || caller.uid == mount.identity->shown(ContainerUid{0});
}

Result<std::unique_ptr<Mount>> make_mount(MountParts parts) {
  const std::size_t idle = idle_descriptors();
  const Measurements measurements(parts.state->section(Section::kMeasurements));
  auto files = std::make_unique<FileCache>(*parts.store, idle, measurements.file_cache().data());
  Passthrough& passthrough = *parts.passthrough;
  const StateMemory& state = *parts.state;
  const auto inodes = state.section(Section::kInodes);
  const auto handles = state.section(Section::kHandles);
  // Its tables are made in place. NOLINTNEXTLINE(modernize-make-unique)
  std::unique_ptr<Mount> mount(new Mount{
      parts.state, std::move(parts.store), std::move(parts.identity), std::move(parts.owners),
      std::move(files), std::move(parts.passthrough),
      parts.adopt
          ? InodeTable::adopt(inodes, kMaxInodes, [&](std::int32_t id) { passthrough.release(id); })
          : InodeTable(inodes, kMaxInodes),
      parts.adopt ? HandleTable::adopt(handles, kMaxHandles) : HandleTable(handles, kMaxHandles),
      std::make_unique<Journal>(state.section(Section::kJournal)),
      MountSettings{parts.ttl_seconds, handle_limits(), most_kept_inodes(), own_pid_namespace(), 0,
                    parts.device_fd, 0, parts.makes_devices},
      nullptr});
  if (parts.shares_locks) {
    mount->locks = std::make_unique<FileLocks>(*mount, state.section(Section::kLocks), parts.adopt,
                                               lock_descriptors());
  }
  mount->asked_again = std::make_unique<AskedAgain>(state.section(Section::kAskedAgain));
  File root = TRY(mount->store->root());
  const FileStatus status = TRY(mount->store->status(root));
  mount->settings.root_device = status.device;
  if (parts.is_watched) mount->settings.watched_mount = status.mount_id;
  if (!parts.adopt) mount->inodes.set_root(mount->store->id_of(root, status));
  (void)mount->files->keep(kRootNode, std::move(root), true);
  if (parts.adopt) {
    adopt_held_files(*mount);
    mount->passthrough->release_unnoted(mount->inodes, mount->state->fd());
  }
  return mount;
}

std::vector<int> descriptors_in_use(Mount& mount) {
  std::vector<int> used;
  mount.inodes.for_each([&](NodeId, InodeRecord& record) {
    if (record.held_until_forget) used.push_back(record.held_fd);
  });
  mount.handles.for_each([&](const HandleRecord& handle) {
    used.push_back(handle.io);
    if (!handle.is_held()) return;
    if (auto record = mount.inodes.find(handle.node)) used.push_back((*record)->held_fd);
  });
  if (mount.locks) std::ranges::copy(mount.locks->descriptors(), std::back_inserter(used));
  return used;
}

void forget(Mount& mount, NodeId node, std::uint64_t count) {
  if (!mount.inodes.forget(node, count)) return;
  // Nobody finds it any more, and its number is not free yet: nobody else gets what is released.
  mount.passthrough->forget(mount.inodes.record(node));
  mount.files->drop(node);
  if (mount.settings.watched_mount != 0) mount.names.forget(node);
  mount.inodes.recycle(node);
}

void take_back(Mount& mount, Intent& intent) {
  // The handle first: it may be all that keeps an unlinked file.
  if (const HandleId handle = intent.take_handle(); handle != 0) op_release(mount, handle);
  // What a removal was about to keep is among them, and kept anew if it is carried out.
  while (const NodeId node = intent.take_lookup()) {
    let_go_if_named(mount, node);
    forget(mount, node, 1);
  }
}

void LookupRef::take_back() {
  if (mount_ == nullptr) return;
  intent_->uncount(node_);
  forget(*mount_, node_, 1);
}

LookupRef& LookupRef::operator=(LookupRef&& other) noexcept {
  take_back();
  mount_ = std::exchange(other.mount_, nullptr);
  intent_ = other.intent_;
  node_ = other.node_;
  return *this;
}

HandleRef::~HandleRef() {
  if (mount_ != nullptr) op_release(*mount_, id_);
}

Result<Entry> introduce(Mount& mount, Intent& intent, File file) {
  const std::uint64_t changes = mount.changes;
  FileStatus status = TRY(mount.store->status(file));
  const FileId id = mount.store->id_of(file, status);
  const auto remembered = TRY(mount.inodes.remember(id));
  intent.counted(remembered.node);
  Entry entry;
  entry.lookup = LookupRef(mount, intent, remembered.node);
  entry.generation = remembered.generation;
  InodeRecord& record = *TRY(mount.inodes.find(remembered.node));
  // Not new and not kept: whoever gave it its number died before it came to that.
  const bool for_good = !id.can_reopen() && !record.held_until_forget;
  if (for_good) TRY(check_room_to_keep(mount));
  const PinnedFile pinned = mount.files->keep(remembered.node, std::move(file), for_good);
  if (for_good) {
    record.held_fd = pinned->fd();
    record.held_until_forget = true;
  }
  if (remembered.is_new) {
    record.unwatched = !is_watched(mount, status);
    // A change of it may have been told before anybody knew that it concerns us.
    if (mount.changes != changes) status = TRY(mount.store->status(*pinned));
  }
  entry.attributes = TRY(describe_status(mount, remembered.node, *pinned, status));
  return entry;
}

Result<Entry> introduce(Mount& mount, Intent& intent, File file, NodeId parent, const char* name) {
  Entry entry = TRY(introduce(mount, intent, std::move(file)));
  note_name(mount, entry, parent, name);
  return entry;
}

void note_name(Mount& mount, const Entry& entry, NodeId parent, const char* name) {
  if (entry.attributes.is_watched) mount.names.note(entry.lookup.node(), parent, name);
}

Result<Attributes> describe(Mount& mount, NodeId node, const File& file) {
  return describe_status(mount, node, file, TRY(mount.store->status(file)));
}

void ask_again(const Mount& mount, NodeId node) {
  // One that it does not know has no attributes.
  (void)sys::invalidate_inode(mount.settings.device_fd, node, false);
}

Result<void> check_not_removed(Mount& mount, NodeId node, const FileStatus& status) {
  const bool is_removed = status.is_directory() && status.link_count == 0;
  if (!is_removed || sys::monotonic_us() >= mount.in_doubt_until_us) return {};
  // Removed by a request of the kernel's own, or by what it has been told.
  const bool is_known =
      TRY(mount.inodes.find(node))->held_until_forget || mount.names.name_of(node);
  if (is_known) return {};
  return fail(ESTALE);
}

double ttl_seconds(const Mount& mount) {
  const double set = mount.set_ttl_seconds.load(std::memory_order_relaxed);
  return set >= 0 ? set : mount.settings.ttl_seconds;
}

bool believes_long(const Mount& mount) {
  const bool is_set = mount.set_ttl_seconds.load(std::memory_order_relaxed) >= 0;
  return mount.settings.watched_mount != 0 && !is_set;
}

double attribute_timeout(const Mount& mount, const Attributes& attributes) {
  // Writes by passthrough take setid bits away without a word to us; an unclaimed directory
  // changes its owner with the next entry.
  const bool setid = attributes.status.is_regular() && (attributes.status.mode & 06000) != 0;
  if (setid || attributes.unclaimed) return 0;
  return lasting_seconds(mount, attributes.is_watched && !attributes.is_volatile);
}

double entry_timeout(const Mount& mount, const Attributes& attributes) {
  return lasting_seconds(mount, attributes.is_watched);
}

double missing_timeout(Mount& mount, NodeId directory) {
  const auto record = mount.inodes.find(directory);
  const bool is_watched = mount.settings.watched_mount != 0 && record && !(*record)->unwatched;
  return lasting_seconds(mount, is_watched);
}

}  // namespace cvfs
