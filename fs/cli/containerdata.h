// Containerdata: the directory that holds the tenants' trees, and what `cvfs tenant` does in it.
// Only root's processes change it, one at a time (flock(2)). Thread-compatible (a value that owns
// descriptors).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/operator_error.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "idmap/users.h"
#include "sys/file.h"

namespace cvfs {

class Containerdata {
 public:
  // Refused: it is missing, no directory.
  static Outcome<Containerdata> open(const std::string& path);
  // Makes it (root's, 0711) where it is missing.
  static Outcome<Containerdata> open_or_make(const std::string& path);

  const std::string& path() const { return path_; }
  std::string path_of(const std::string& tenant) const;

  // Refused: somebody but root could put another directory in a tenant's place.
  Outcome<void> check_safety() const;
  mode_t mode() const;

  // Until it is destroyed. Refused with ExitCode::kSystem: somebody else is at it for long.
  Outcome<void> lock() const;

  // Names, sorted: of tenants; of directories that `remove` has put aside for `tenant`.
  Outcome<std::vector<std::string>> tenants() const;
  Outcome<std::vector<std::string>> removed(const std::string& tenant) const;

  // What user-NAME is, whatever is mounted over it; nullopt: no such tenant.
  Outcome<std::optional<sys::FileStatus>> status_of(const std::string& tenant) const;

  // Makes user-NAME, empty, the user's, 0700: whole or not at all. Refused: it is there already.
  Outcome<void> make_tree(const User& user) const;

  // Renames user-NAME to removed-NAME-TIME, which no view can be mounted of. Returns that name.
  Outcome<std::string> put_aside(const std::string& tenant) const;
  // Renames an entry, and gives it to root alone (0700): what is left is to be deleted.
  Outcome<std::string> doom(const std::string& entry) const;
  // Directories that doom() has renamed for `tenant`.
  Outcome<std::vector<std::string>> doomed(const std::string& tenant) const;

  bool is_empty(const std::string& entry) const;
  int fd() const { return directory_.get(); }

 private:
  Containerdata(std::string path, UniqueFd directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}

  Outcome<std::vector<std::string>> entries_with(const std::string& prefix) const;

  std::string path_;
  UniqueFd directory_;
};

}  // namespace cvfs
