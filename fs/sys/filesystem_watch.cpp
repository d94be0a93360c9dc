#include "sys/filesystem_watch.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>

#include <cstring>
#include <string>

namespace cvfs::sys {

namespace {

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x00001000
#endif
constexpr unsigned kReport =
    FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;

constexpr std::uint64_t kNameEvents = FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO;
// The end of writing counts as well: stores by a mapping are told by nothing else.
constexpr std::uint64_t kWatched =
    kNameEvents | FAN_ATTRIB | FAN_MODIFY | FAN_CLOSE_WRITE | std::uint64_t{FAN_ONDIR};

Result<void> mark(int watch, int fd) {
  const int marked =
      ::fanotify_mark(watch, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, kWatched, fd, nullptr);
  return succeeded(marked);
}

// By its name in /proc: fanotify_mark(2) takes no O_PATH descriptor.
Result<void> mark_writes(int watch, unsigned how, int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return succeeded(
      ::fanotify_mark(watch, how | FAN_MARK_IGNORED_MASK, FAN_MODIFY, AT_FDCWD, path.c_str()));
}

// A subvolume of btrfs is no filesystem of its own (EXDEV); its events come to who watches the
// filesystem's top. That has a handle that is always the same, wherever the subvolume is mounted.
Result<UniqueFd> open_btrfs_top(int fd) {
  constexpr std::int32_t kType = 0x4d;  // FILEID_BTRFS_WITHOUT_PARENT
  struct __attribute__((packed)) {
    std::uint64_t inode = 256;  // BTRFS_FIRST_FREE_OBJECTID
    std::uint64_t tree = 5;     // BTRFS_FS_TREE_OBJECTID
    std::uint32_t generation = 0;
  } const top;
  FileHandle handle;
  handle.type = kType;
  handle.size = sizeof top;
  std::memcpy(handle.bytes, &top, sizeof top);
  return open_by_handle(fd, handle, O_RDONLY | O_DIRECTORY);
}

bool is_btrfs(int fd) {
  const auto handle = handle_of(fd);
  return handle && handle->type == 0x4d;
}

template <class Part>
bool take(std::span<const std::byte> from, std::size_t offset, Part& part) {
  if (offset > from.size() || from.size() - offset < sizeof part) return false;
  std::memcpy(&part, from.data() + offset, sizeof part);
  return true;
}

// A record of the event: fsid and handle, and for names a string behind them.
void read_record(std::span<const std::byte> record, FilesystemEvent& event) {
  constexpr std::size_t kHandleAt = sizeof(fanotify_event_info_header) + sizeof(__kernel_fsid_t);
  fanotify_event_info_header header{};
  struct {
    std::uint32_t bytes;
    std::int32_t type;
  } prefix{};
  if (!take(record, 0, header) || !take(record, kHandleAt, prefix)) return;
  const std::size_t bytes_at = kHandleAt + sizeof prefix;
  if (prefix.bytes > kMaxHandleBytes || bytes_at + prefix.bytes > record.size()) return;
  FileHandle handle;
  handle.type = prefix.type;
  handle.size = static_cast<std::uint8_t>(prefix.bytes);
  std::memcpy(handle.bytes, record.data() + bytes_at, prefix.bytes);
  if (header.info_type == FAN_EVENT_INFO_TYPE_FID) event.file = handle;
  if (header.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME) return;
  event.directory = handle;
  const auto name = record.subspan(bytes_at + prefix.bytes);
  const auto* text = reinterpret_cast<const char*>(name.data());
  event.name = std::string_view(text, ::strnlen(text, name.size()));
}

FilesystemEvent read_event(const fanotify_event_metadata& metadata,
                           std::span<const std::byte> records) {
  FilesystemEvent event;
  event.mask = metadata.mask;
  event.pid = metadata.pid;
  fanotify_event_info_header header{};
  while (take(records, 0, header) && header.len >= sizeof header && header.len <= records.size()) {
    read_record(records.first(header.len), event);
    records = records.subspan(header.len);
  }
  return event;
}

}  // namespace

bool FilesystemEvent::is_overflow() const {
  return (mask & FAN_Q_OVERFLOW) != 0;
}

bool FilesystemEvent::is_write() const {
  return (mask & FAN_MODIFY) != 0;
}

bool FilesystemEvent::changes_a_name() const {
  return (mask & kNameEvents) != 0 && directory.size != 0 && !name.empty();
}

bool FilesystemEvent::is_new_name() const {
  return (mask & kNameEvents) == FAN_CREATE;
}

bool FilesystemEvent::is_rename() const {
  return (mask & FAN_MOVED_TO) != 0 && changes_a_name();
}

// Of a file that another is renamed over only its link count says so.
bool FilesystemEvent::may_remove() const {
  return (mask & (FAN_DELETE | FAN_ATTRIB)) != 0;
}

Result<UniqueFd> watch_filesystem(int fd) {
  UniqueFd watch(::fanotify_init(FAN_CLASS_NOTIF | kReport | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY));
  if (!watch) return last_error();
  auto marked = mark(watch.get(), fd);
  if (!marked && marked.error().value == EXDEV && is_btrfs(fd)) {
    const UniqueFd top = TRY(open_btrfs_top(fd));
    marked = mark(watch.get(), top.get());
  }
  TRY(marked);
  return watch;
}

Result<void> pass_writes_over(int watch_fd, int fd) {
  return mark_writes(watch_fd, FAN_MARK_ADD | FAN_MARK_IGNORED_SURV_MODIFY, fd);
}

Result<void> hear_writes(int watch_fd, int fd) {
  return mark_writes(watch_fd, FAN_MARK_REMOVE, fd);
}

// The mark of the filesystem is of another kind, and stays.
Result<void> hear_all_writes(int watch_fd) {
  return succeeded(::fanotify_mark(watch_fd, FAN_MARK_FLUSH, 0, AT_FDCWD, nullptr));
}

// The kernel counts each event as large as one that has no names (fanotify_ioctl()).
std::size_t queued_events(int watch_fd) {
  int bytes = 0;
  if (::ioctl(watch_fd, FIONREAD, &bytes) < 0) return SIZE_MAX;
  return static_cast<std::size_t>(bytes) / FAN_EVENT_METADATA_LEN;
}

void for_each_event(std::span<const std::byte> events,
                    const std::function<void(const FilesystemEvent&)>& visit) {
  fanotify_event_metadata metadata{};
  while (take(events, 0, metadata) && metadata.event_len >= sizeof metadata &&
         metadata.event_len <= events.size() && metadata.metadata_len <= metadata.event_len) {
    visit(read_event(metadata, events.subspan(metadata.metadata_len,
                                              metadata.event_len - metadata.metadata_len)));
    events = events.subspan(metadata.event_len);
  }
}

}  // namespace cvfs::sys
