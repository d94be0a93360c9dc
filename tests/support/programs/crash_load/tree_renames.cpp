// Entries that move.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "tree.h"

void Tree::rename_fresh() {
  operation = "rename";
  if (entries_.empty()) return;
  const auto entry = std::next(entries_.begin(), pick(static_cast<unsigned>(entries_.size())));
  const std::string from = entry->first;
  const std::string to = fresh();
  moving_ = entry->second;
  must(::rename(path(from).c_str(), path(to).c_str()), path(from), "rename");
  entries_[to] = entry->second;
  entries_.erase(from);
  check_gone(from);
  check_status(to, *entries_[to]);
}

void Tree::rename_over() {
  operation = "rename over another";
  const auto from = some(Type::kFile);
  const auto to = some(Type::kFile);
  if (from == entries_.end() || from->second == to->second) return;
  const std::string source = from->first;
  moving_ = from->second;
  must(::rename(path(source).c_str(), path(to->first).c_str()), path(source), "rename");
  --to->second->links;
  to->second = from->second;
  entries_.erase(source);
  check_gone(source);
  check_status(to->first, *to->second);
}

void Tree::rename_noreplace() {
  operation = "rename NOREPLACE";
  const auto from = some(Type::kFile);
  const auto there = some(Type::kDirectory);
  if (from == entries_.end()) return;
  const std::string source = from->first;
  moving_ = from->second;
  if (there != entries_.end()) {
    must_fail(::renameat2(AT_FDCWD, path(source).c_str(), AT_FDCWD, path(there->first).c_str(),
                          RENAME_NOREPLACE),
              EEXIST, path(there->first), "renameat2");
  }
  const std::string to = fresh();
  must(::renameat2(AT_FDCWD, path(source).c_str(), AT_FDCWD, path(to).c_str(), RENAME_NOREPLACE),
       path(source), "renameat2");
  entries_[to] = from->second;
  entries_.erase(source);
  check_gone(source);
  check_status(to, *entries_[to]);
}

void Tree::exchange() {
  operation = "rename EXCHANGE";
  const auto one = some(Type::kFile);
  const auto other = some(pick(2) == 0 ? Type::kDirectory : Type::kFile);
  if (one == entries_.end() || other == entries_.end() || one == other) return;
  moving_ = one->second;
  must(::renameat2(AT_FDCWD, path(one->first).c_str(), AT_FDCWD, path(other->first).c_str(),
                   RENAME_EXCHANGE),
       path(one->first), "renameat2");
  std::swap(one->second, other->second);
  check_status(one->first, *one->second);
  check_status(other->first, *other->second);
  if (one->second->type == Type::kFile) check_data(one->first, *one->second);
}

// To another directory, by a name that Tree::verify_touched() knows, and back.
void Tree::rename_away_and_back() {
  operation = "rename to another directory";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string from = file->first;
  const std::string directory = fresh();
  const std::string to = fresh();
  must(::mkdir(path(directory).c_str(), 0700), path(directory), "mkdir");
  const std::string away = path(directory) + "/moved";
  moving_ = file->second;
  must(::rename(path(from).c_str(), away.c_str()), path(from), "rename");
  check_gone(from);
  must_fail(::rmdir(path(directory).c_str()), ENOTEMPTY, path(directory), "rmdir");
  must(::rename(away.c_str(), path(to).c_str()), away, "rename");
  entries_[to] = moving_;
  entries_.erase(from);
  check_status(to, *entries_[to]);
  check_data(to, *entries_[to]);
  must(::rmdir(path(directory).c_str()), path(directory), "rmdir");
  check_gone(directory);
}
