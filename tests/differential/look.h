// Look: what a file, a directory or a whole tree is, as text that is the same on both sides if and
// only if nothing that a program could notice is different. No state.
#pragma once

#include <string>
#include <vector>

namespace differential {

// Type, mode, links, owner, size, device, times where they were set. An error is told by its name.
std::string status_of(int directory, const char* path, int at_flags);

// The names and types of a directory's entries, sorted.
std::string listing_of(int fd);

// A line for each file below `root_fd`, sorted by path: status, contents, xattrs, and which are the
// same file.
std::vector<std::string> tree_of(int root_fd);

// An ACL as XFS shows it beside the usual way; a view hides it, because its ids are those on disk.
bool is_acl_of_xfs(const std::string& xattr);

// All of a binary string in C's notation, shortened where it is long.
std::string quoted(const std::string& bytes);

// What stat shows before and after something: which times moved.
class Times {
 public:
  Times(int directory, std::string path, int at_flags);
  std::string moved() const;

 private:
  struct Stamps {
    bool exists = false;
    long long values[3][2] = {};
  };
  Stamps read() const;

  int directory_;
  std::string path_;
  int at_flags_;
  Stamps before_;
};

}  // namespace differential
