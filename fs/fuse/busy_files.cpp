#include "fuse/busy_files.h"

#include <algorithm>

#include "sys/filesystem_watch.h"
#include "sys/process.h"

namespace cvfs {

namespace {

// So many looks one after the other.
constexpr int kBusyLooks = 4;
constexpr std::uint64_t kPassedOverUs = 100'000;
// Whoever goes on writing after that is passed over again at once.
constexpr std::uint64_t kKeptInMindUs = 50'000;
constexpr std::size_t kMostKept = 1024;

}  // namespace

void BusyFiles::finish_earlier(const Tell& tell) {
  (void)sys::hear_all_writes(watch_fd_);
  for (WatchArea::PassedOver& place : area_.passed_over) {
    if (place.is_used != 0) tell(place.handle);
    place.is_used = 0;
  }
}

void BusyFiles::note(const sys::FileHandle& handle) {
  const std::string key(reinterpret_cast<const char*>(handle.bytes), handle.size);
  const auto known = files_.find(key);
  if (known == files_.end() && files_.size() >= kMostKept) return;
  Busy& busy = known == files_.end() ? files_[key] : known->second;
  busy.id.device = mount_.settings.root_device;
  busy.id.handle = handle;
  busy.is_noted = true;
}

void BusyFiles::look(const Tell& tell) {
  const std::uint64_t now_us = sys::monotonic_us();
  for (auto entry = files_.begin(); entry != files_.end();) {
    Busy& busy = entry->second;
    const bool is_passed_over = busy.place != nullptr;
    if (is_passed_over && now_us >= busy.until_us) hear(busy, now_us);
    if (is_passed_over) tell(busy.id.handle);
    const bool is_written = std::exchange(busy.is_noted, false);
    if (!is_passed_over && is_written && ++busy.looks >= kBusyLooks) pass_over(busy, now_us);
    const bool is_over = !is_passed_over && !is_written && now_us >= busy.until_us;
    entry = is_over ? files_.erase(entry) : std::next(entry);
  }
}

// Where all places are taken, the file is heard as any other.
void BusyFiles::pass_over(Busy& busy, std::uint64_t now_us) {
  auto* const place = std::ranges::find(area_.passed_over, 0U,
                                        [](const auto& each) { return each.is_used.load(); });
  auto file = mount_.store->open_id(busy.id);
  if (place == std::end(area_.passed_over) || !file) return;
  // First: a successor has to know of what it does not hear.
  place->handle = busy.id.handle;
  place->is_used = 1;
  if (!sys::pass_writes_over(watch_fd_, file->fd())) {
    place->is_used = 0;
    return;
  }
  busy.place = place;
  busy.file = std::move(*file);
  busy.until_us = now_us + kPassedOverUs;
  ++passed_over_;
}

void BusyFiles::hear(Busy& busy, std::uint64_t now_us) {
  (void)sys::hear_writes(watch_fd_, busy.file.fd());
  busy.file = File();
  std::exchange(busy.place, nullptr)->is_used = 0;
  busy.looks = kBusyLooks - 1;
  busy.until_us = now_us + kKeptInMindUs;
  --passed_over_;
}

}  // namespace cvfs
