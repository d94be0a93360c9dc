// What has to be there in the end, or after a loss.
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cstring>

#include "tree.h"

namespace {

constexpr uid_t kContainerRoot = 100000;  // of the view's userns map

std::string entry_of(const std::string& directory, const std::string& name) {
  return directory + "/" + name;
}

bool holds(const std::string& path, const Node& node) {
  if (!exists(path)) return false;
  const struct stat status = status_of(path);
  if ((status.st_mode & S_IFMT) != S_IFREG) return node.type != Type::kFile;
  if (node.type != Type::kFile) return false;
  return read_some(open_file(path, O_RDONLY).get(), kMaxFile * 3, 0, path) == node.data;
}

}  // namespace

void Tree::verify(const std::string& directory, bool is_view) const {
  operation = is_view ? "verify" : "verify the backing";
  verify_names(directory);
  for (const auto& [name, node] : entries_) {
    if (!touched_.contains(name)) verify_entry(directory, name, *node, is_view);
  }
  verify_touched(directory, is_view);
}

void Tree::verify_names(const std::string& directory) const {
  const Fd open = open_file(directory, O_RDONLY | O_DIRECTORY);
  for (const std::string& name :
       set_of(read_names(open.get(), directory, 100000), directory, tag_)) {
    if (!name.starts_with(tag_) || touched_.contains(name)) continue;
    expect(entries_.contains(name), entry_of(directory, name), "is there and should not be");
  }
}

void Tree::verify_entry(const std::string& directory, const std::string& name, const Node& node,
                        bool is_view) const {
  const std::string where = entry_of(directory, name);
  expect(exists(where), where, "is lost");
  if (is_unsure(entries_.at(name))) return;
  const struct stat status = status_of(where);
  expect((status.st_mode & S_IFMT) == type_bits(node.type), where, "is of another type");
  if (node.type != Type::kDirectory) expect(status.st_nlink == node.links, where, "links");
  if (is_view) check_status(name, node);
  if (node.type == Type::kSymlink) expect_data(read_target(where), node.data, where);
  if (node.type != Type::kFile) return;
  verify_contents(where, node);
  verify_xattrs(where, node, is_view);
}

// Done or not done, it belongs to us. But what is not made in one step with its label
// (owner=virtual) is container root's where it lost its makers in between.
void Tree::verify_touched(const std::string& directory, bool is_view) const {
  for (const std::string& name : touched_) {
    const std::string where = entry_of(directory, name);
    if (!is_view || !exists(where)) continue;
    const struct stat status = status_of(where);
    const bool is_half_made = !S_ISREG(status.st_mode) && status.st_uid == kContainerRoot;
    expect(status.st_uid == ::geteuid() || is_half_made, where,
           "belongs to " + std::to_string(status.st_uid));
  }
  if (moving_ == nullptr) return;
  const bool is_there = std::ranges::any_of(touched_, [&](const std::string& name) {
    const std::string where = entry_of(directory, name);
    const bool is_directory = exists(where) && S_ISDIR(status_of(where).st_mode);
    return holds(where, *moving_) || (is_directory && holds(where + "/moved", *moving_));
  });
  expect(is_there, directory, "has lost what a rename was moving");
}

// Does the step that threw change it, perhaps by another name?
bool Tree::is_unsure(const NodePtr& node) const {
  return std::ranges::any_of(touched_, [&](const std::string& name) {
    const auto entry = entries_.find(name);
    return entry != entries_.end() && entry->second == node;
  });
}

void Tree::verify_contents(const std::string& path, const Node& node) {
  const Fd file = open_file(path, O_RDONLY);
  expect_data(read_some(file.get(), kMaxFile * 3, 0, path), node.data, path);
}

void Tree::verify_xattrs(const std::string& path, const Node& node, bool is_view) {
  for (const auto& [name, value] : node.xattrs) {
    char found[256];
    const ssize_t size =
        must(::getxattr(path.c_str(), name.c_str(), found, sizeof found), path, "getxattr");
    expect_data(std::string(found, static_cast<std::size_t>(size)), value, path);
  }
  if (!is_view) return;  // the backing has some of its own
  char names[1024];
  const ssize_t size = must(::llistxattr(path.c_str(), names, sizeof names), path, "listxattr");
  std::size_t count = 0;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(std::strlen(names + at)) + 1) {
    if (std::strncmp(names + at, "user.", 5) == 0) ++count;
  }
  expect(count == node.xattrs.size(), path, "lists another number of xattrs");
}
