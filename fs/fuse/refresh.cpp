#include "fuse/refresh.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "sys/fuse_notification.h"

namespace cvfs {

namespace {

std::vector<NodeId> known_nodes(Mount& mount) {
  std::vector<NodeId> nodes;
  mount.inodes.for_each([&](NodeId node, InodeRecord&) { nodes.push_back(node); });
  return nodes;
}

// Calls `visit` for each name in what getdents64(2) gave. Returns where the next ones are.
template <class Visit>
off_t for_each_name(std::span<const std::byte> entries, const Visit& visit) {
  off_t next = 0;
  while (entries.size() > offsetof(dirent64, d_name)) {
    const auto& entry = *reinterpret_cast<const dirent64*>(entries.data());
    const std::string_view name = entry.d_name;
    if (name != "." && name != "..") visit(name);
    next = entry.d_off;
    entries = entries.subspan(entry.d_reclen);
  }
  return next;
}

}  // namespace

void Refresh::run() {
  // First, so that no attribute is believed for as long as the rest takes.
  for (const NodeId node : known_nodes(mount_)) told_.inode(node, false);
  prune();
  std::vector<std::pair<NodeId, FileId>> left;
  mount_.inodes.for_each_id([&](NodeId node, const FileId& id) { left.emplace_back(node, id); });
  for (const auto& [node, id] : left) look_at(node, id);
}

// What is below goes first: a directory is in use as long as the kernel knows names in it. That it
// has forgotten them, it tells us a little later.
void Refresh::prune() {
  constexpr int kSettlesMs = 5;
  std::size_t least = SIZE_MAX;
  int vain = 0;
  for (int pass = 0; pass < kMostPasses && vain < 2; ++pass) {
    std::vector<NodeId> nodes = known_nodes(mount_);
    vain = nodes.size() < least ? 0 : vain + 1;
    least = std::min(least, nodes.size());
    std::ranges::reverse(nodes);
    for (std::span<const NodeId> left = nodes; !left.empty();) {
      const auto some = left.first(std::min(left.size(), kPruned));
      std::vector<NameChange> change(1);
      change[0].message = sys::prune_message(some);
      told_.names(std::move(change));
      left = left.subspan(some.size());
    }
    ::poll(nullptr, 0, kSettlesMs);
  }
}

void Refresh::look_at(NodeId node, const FileId& id) {
  // It may have that name no more, which a directory's listing does not say.
  if (const auto known = mount_.names.name_of(node)) {
    std::vector<NameChange> change;
    change.push_back(NameTeller::change_of(known->parent, known->name));
    told_.names(std::move(change));
  }
  auto file = mount_.store->open_id(id);
  if (!file) return told_.inode(node, false);
  const auto status = mount_.store->status(*file);
  const bool is_directory = status && status->is_directory();
  told_.inode(node, is_directory);
  if (is_directory) (void)tell_names_in(node, *file);
}

Result<void> Refresh::tell_names_in(NodeId node, const File& directory) {
  const UniqueFd io = TRY(mount_.store->open(directory, O_RDONLY | O_DIRECTORY | O_NOATIME, false));
  alignas(dirent64) std::array<std::byte, 32768> buffer;
  std::vector<NameChange> changes;
  off_t at = 0;
  while (const std::size_t size =
             TRY(mount_.store->read_directory(io.get(), at, std::span(buffer)))) {
    at = for_each_name(std::span(buffer).first(size), [&](std::string_view name) {
      changes.push_back(NameTeller::change_of(node, name));
    });
    if (changes.size() >= kNames) told_.names(std::exchange(changes, {}));
  }
  told_.names(std::move(changes));
  return {};
}

}  // namespace cvfs
