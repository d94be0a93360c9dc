#include "vfs/kept_file.h"

namespace cvfs {

namespace {

bool is_last_name(const FileStatus& status) {
  return status.is_directory() || status.link_count == 1;
}

void let_go(Mount& mount, NodeId node, InodeRecord& record) {
  record.held_until_forget = false;
  mount.files->let_go(node);
}

// Whoever holds many of them is not to take the descriptors that a view works with.
bool has_enough(const Mount& mount) {
  constexpr std::size_t kShare = 8;
  return mount.files->kept_for_good() >= mount.settings.most_kept / kShare;
}

}  // namespace

KeptFile::KeptFile(Mount& mount, Intent& intent, NodeId parent, FileId id) : mount_(mount) {
  const auto directory = mount.inodes.find(parent);
  if (!directory || !id.can_reopen() || has_enough(mount)) return;
  id.device = (*directory)->id.device;
  const auto node = mount.inodes.count_known(id);
  if (!node) return;
  intent.counted_meanwhile(*node);
  lookup_ = LookupRef(mount, intent, *node);
  const auto file = mount.pin(*node);
  const auto status = file ? mount.store->status(**file) : Result<FileStatus>(fail(ESTALE));
  if (!status || !is_last_name(*status)) return;
  InodeRecord* record = mount.inodes.find(*node).value_or(nullptr);
  if (record == nullptr || record->held_until_forget) return;
  mount.files->keep_for_good(*node);
  // In this order: whoever adopts the table finds the descriptor of what is kept.
  record->held_fd = (*file)->fd();
  record->held_until_forget = true;
  record_ = record;
}

KeptFile::~KeptFile() {
  if (record_ == nullptr) return;
  let_go(mount_, lookup_.node(), *record_);
}

void let_go_if_named(Mount& mount, NodeId node) {
  InodeRecord* record = mount.inodes.find(node).value_or(nullptr);
  if (record == nullptr || !record->held_until_forget || !record->id.can_reopen()) return;
  const auto file = mount.pin(node);
  const auto status = file ? mount.store->status(**file) : Result<FileStatus>(fail(ESTALE));
  if (status && status->link_count != 0) let_go(mount, node, *record);
}

}  // namespace cvfs
