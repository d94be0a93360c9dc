// Entries that come and go.
#include <sys/stat.h>

#include <cerrno>

#include "tree.h"

void Tree::create() {
  operation = "create";
  const std::string name = fresh();
  Fd file = open_file(path(name), O_CREAT | O_EXCL | O_RDWR, 0640);
  const std::string data = bytes(pick(9000));
  if (!data.empty()) write_all(file.get(), data, 0, path(name));
  file.close(path(name));
  add(name, Type::kFile, data, 0640);
  check_data(name, *entries_[name]);
}

void Tree::create_existing() {
  operation = "create of what exists";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  must_fail(::open(path(file->first).c_str(), O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST,
            path(file->first), "open");
  Fd open = open_file(path(file->first), O_CREAT | O_RDWR | O_TRUNC, 0600);
  file->second->data.clear();
  check_status(file->first, *file->second);
  open.close(path(file->first));
}

void Tree::make_directory() {
  operation = "mkdir";
  const std::string name = fresh();
  must(::mkdir(path(name).c_str(), 0750), path(name), "mkdir");
  add(name, Type::kDirectory, "", 0750);
  must_fail(::mkdir(path(name).c_str(), 0750), EEXIST, path(name), "mkdir");
}

void Tree::remove_directory() {
  operation = "rmdir";
  const auto directory = some(Type::kDirectory);
  if (directory == entries_.end()) return;
  const std::string name = directory->first;
  must(::rmdir(path(name).c_str()), path(name), "rmdir");
  entries_.erase(directory);
  check_gone(name);
}

// A directory with a known set of names, which goes again.
void Tree::fill_directory() {
  operation = "readdir";
  const std::string name = fresh();
  must(::mkdir(path(name).c_str(), 0700), path(name), "mkdir");
  std::set<std::string> wanted;
  for (unsigned i = 0, count = 1 + pick(25); i < count; ++i) {
    const std::string child = "child-with-a-name-" + std::to_string(i);
    Fd file = open_file(path(name) + "/" + child, O_CREAT | O_EXCL | O_WRONLY, 0600);
    file.close(child);
    wanted.insert(child);
  }
  Fd directory = open_file(path(name), O_RDONLY | O_DIRECTORY);
  const auto found = set_of(read_names(directory.get(), path(name), 1000), path(name));
  expect(found == wanted, path(name),
         "lists " + std::to_string(found.size()) + " of " + std::to_string(wanted.size()));
  must_fail(::rmdir(path(name).c_str()), ENOTEMPTY, path(name), "rmdir");
  for (const std::string& child : wanted) {
    must(::unlink((path(name) + "/" + child).c_str()), path(name), "unlink");
  }
  must(::rmdir(path(name).c_str()), path(name), "rmdir");
  check_gone(name);
}

void Tree::unlink_some() {
  operation = "unlink";
  const auto entry = some(pick(3) == 0 ? Type::kSymlink : pick(4) == 0 ? Type::kFifo : Type::kFile);
  if (entry == entries_.end()) return;
  const std::string name = entry->first;
  const NodePtr node = entry->second;
  must(::unlink(path(name).c_str()), path(name), "unlink");
  entries_.erase(entry);
  --node->links;
  check_gone(name);
  must_fail(::unlink(path(name).c_str()), ENOENT, path(name), "unlink");
}

void Tree::make_symlink() {
  operation = "symlink";
  const std::string name = fresh();
  const std::string target = "to/" + bytes(1 + pick(80));
  must(::symlink(target.c_str(), path(name).c_str()), path(name), "symlink");
  add(name, Type::kSymlink, target, 0777);
  expect_data(read_target(path(name)), target, path(name));
}

void Tree::make_link() {
  operation = "link";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string name = fresh();
  must(::link(path(file->first).c_str(), path(name).c_str()), path(name), "link");
  ++file->second->links;
  entries_[name] = file->second;
  check_status(name, *file->second);
}

void Tree::link_existing() {
  operation = "link to what exists";
  const auto file = some(Type::kFile);
  const auto other = some(Type::kSymlink);
  if (file == entries_.end() || other == entries_.end()) return;
  must_fail(::link(path(file->first).c_str(), path(other->first).c_str()), EEXIST,
            path(other->first), "link");
}

void Tree::make_fifo() {
  operation = "mknod";
  const std::string name = fresh();
  must(::mknod(path(name).c_str(), S_IFIFO | 0620, 0), path(name), "mknod");
  add(name, Type::kFifo, "", 0620);
}

void Tree::unnamed_file() {
  operation = "O_TMPFILE";
  Fd file = open_file(directory_, O_TMPFILE | O_RDWR, 0640);
  const std::string data = bytes(1 + pick(5000));
  write_all(file.get(), data, 0, directory_);
  const std::string name = fresh();
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  must(::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, path(name).c_str(), AT_SYMLINK_FOLLOW),
       path(name), "linkat");
  file.close(path(name));
  add(name, Type::kFile, data, 0640);
  check_data(name, *entries_[name]);
}

void Tree::list() {
  operation = "readdir";
  Fd directory = open_file(directory_, O_RDONLY | O_DIRECTORY);
  const auto found = set_of(read_names(directory.get(), directory_, 100000), directory_, tag_);
  std::size_t ours = 0;
  for (const std::string& name : found) {
    if (!name.starts_with(tag_)) continue;
    ++ours;
    expect(entries_.contains(name), place(name), "is listed and should be gone");
  }
  expect(ours == entries_.size(), directory_,
         "lists " + std::to_string(ours) + " of " + std::to_string(entries_.size()));
}
