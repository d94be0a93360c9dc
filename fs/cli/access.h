// Who may do what with a file of a view, and why: the kernel's rules (fs/namei.c,
// generic_permission(); fs/posix_acl.c) for views whose access it checks, and those of owner=caller
// (docs/identity.md). All ids are host ids. Pure; any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "idmap/id_map.h"

namespace cvfs {

// An entry of a POSIX ACL; `tag` as in linux/posix_acl.h.
struct AclRule {
  std::uint16_t tag;
  std::uint16_t perm;
  std::uint32_t id;
};

// Of the extended attribute's bytes; none where they are no ACL.
std::vector<AclRule> parse_acl(std::span<const std::byte> bytes);
// "user:1000:rw-", with the id as it is
std::string text_of(const AclRule& rule);

// A file as the view shows it.
struct ShownFile {
  mode_t mode = 0;        // with its type
  std::uint32_t uid = 0;  // kUnmappedId: nobody's
  std::uint32_t gid = 0;
  std::vector<AclRule> acl;
  bool is_unclaimed = false;
  bool is_immutable = false;
  bool is_append_only = false;
};

struct Asker {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  // Of its user namespace: root there may pass for files whose owner and group it has.
  IdMap uids = IdMap::identity();
  IdMap gids = IdMap::identity();
  bool overrides = false;        // CAP_DAC_OVERRIDE
  bool reads = false;            // CAP_DAC_READ_SEARCH
  bool owns_everything = false;  // owner=caller, and it has container ids
  bool is_under_caller = false;  // owner=caller
};

enum class Cause {
  kNone,      // it is allowed
  kBits,      // a mode's or an ACL's
  kUnmapped,  // the file is nobody's
  kReadOnly,
  kNoExec,
  kFlags,   // immutable, append-only
  kSticky,  // only the file's or the directory's owner may
  kParent,  // a directory on the way is not searchable
};

struct Verdict {
  bool is_allowed = false;
  std::string why;
  Cause cause = Cause::kNone;
};

// `mask`: R_OK, W_OK or X_OK, one of them.
Verdict may_access(const ShownFile& file, const Asker& asker, int mask);

// Removing or renaming an entry of `directory`.
Verdict may_remove(const ShownFile& directory, const ShownFile& file, const Asker& asker);

}  // namespace cvfs
