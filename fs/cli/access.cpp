#include "cli/access.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/ids.h"

namespace cvfs {
namespace {

constexpr mode_t kAnyExecute = S_IXUSR | S_IXGRP | S_IXOTH;

std::string mode_of(const ShownFile& file) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%04o", file.mode & 07777);
  return text.data();
}

Verdict allowed(const std::string& why) {
  return {true, why, Cause::kNone};
}
Verdict denied(Cause cause, const std::string& why) {
  return {false, why, cause};
}

Verdict by_bits(bool is_granted, const std::string& which) {
  return is_granted ? allowed(which + " allow it")
                    : denied(Cause::kBits, which + " do not allow it");
}

bool is_in(const Asker& asker, std::uint32_t gid) {
  return asker.gid == gid || std::ranges::find(asker.groups, gid) != asker.groups.end();
}

const AclRule* find_rule(const std::vector<AclRule>& acl, std::uint16_t tag) {
  const auto found = std::ranges::find(acl, tag, &AclRule::tag);
  return found == acl.end() ? nullptr : &*found;
}

Verdict by_rule(const ShownFile& file, const AclRule& rule, unsigned mask) {
  const AclRule* limit = find_rule(file.acl, ACL_MASK);
  const bool is_limited = limit != nullptr && rule.tag != ACL_OTHER && rule.tag != ACL_USER_OBJ;
  const std::string entry = "the ACL entry " + text_of(rule);
  if ((rule.perm & mask) != mask) return denied(Cause::kBits, entry + " does not allow it");
  if (!is_limited || (limit->perm & mask) == mask) return allowed(entry + " allows it");
  return denied(Cause::kBits,
                entry + " would, but the ACL's " + text_of(*limit) + " takes it away");
}

bool is_group_rule(const ShownFile& file, const AclRule& rule, const Asker& asker) {
  if (rule.tag == ACL_GROUP_OBJ) return is_in(asker, file.gid);
  return rule.tag == ACL_GROUP && is_in(asker, rule.id);
}

// posix_acl_permission(): a user's entry alone; of the groups' entries any that grants it.
Verdict by_acl(const ShownFile& file, const Asker& asker, unsigned mask) {
  for (const AclRule& rule : file.acl) {
    if (rule.tag == ACL_USER && rule.id == asker.uid) return by_rule(file, rule, mask);
  }
  std::optional<Verdict> refused;
  for (const AclRule& rule : file.acl) {
    if (!is_group_rule(file, rule, asker)) continue;
    Verdict verdict = by_rule(file, rule, mask);
    if ((rule.perm & mask) == mask) return verdict;
    if (!refused) refused = std::move(verdict);
  }
  if (refused) return *refused;
  const AclRule* other = find_rule(file.acl, ACL_OTHER);
  return other != nullptr ? by_rule(file, *other, mask)
                          : denied(Cause::kBits, "the ACL has no entry for others");
}

// acl_permission_check()
Verdict by_class(const ShownFile& file, const Asker& asker, unsigned mask) {
  const std::string of_mode = " bits of mode " + mode_of(file);
  const auto bits = [&](int shift, const char* who) {
    return by_bits(((file.mode >> shift) & mask) == mask, std::string("the ") + who + of_mode);
  };
  if (file.uid != kUnmappedId && file.uid == asker.uid) return bits(6, "owner's");
  if (!file.acl.empty() && (file.mode & S_IRWXG) != 0) return by_acl(file, asker, mask);
  if (file.gid != kUnmappedId && is_in(asker, file.gid)) return bits(3, "group's");
  return bits(0, "others'");
}

// capable_wrt_inode_uidgid()
bool counts_for(const ShownFile& file, const Asker& asker) {
  return asker.uids.to_inside(file.uid) && asker.gids.to_inside(file.gid);
}

std::optional<Verdict> by_capability(const ShownFile& file, const Asker& asker, unsigned mask) {
  const bool is_run = mask == X_OK && !S_ISDIR(file.mode);
  const bool reads = mask == R_OK || (mask == X_OK && S_ISDIR(file.mode));
  if (!asker.overrides && !(asker.reads && reads)) return {};
  if (is_run && (file.mode & kAnyExecute) == 0) {
    return denied(Cause::kBits,
                  "not even root runs what has no execute bit (mode " + mode_of(file) + ")");
  }
  if (!counts_for(file, asker)) {
    return denied(Cause::kUnmapped,
                  "it is root, but the file's owner or group has no id in its user namespace");
  }
  return allowed(asker.overrides ? "it is root in its user namespace (CAP_DAC_OVERRIDE)"
                                 : "it has CAP_DAC_READ_SEARCH");
}

// vfs/op_access.h
Verdict under_caller(const ShownFile& file, const Asker& asker, unsigned mask) {
  const bool owns = asker.owns_everything && file.uid != kUnmappedId;
  const bool is_run = mask == X_OK && !S_ISDIR(file.mode);
  if (owns && asker.overrides && (!is_run || (file.mode & kAnyExecute) != 0)) {
    return allowed("it is the containers' root");
  }
  const unsigned granted = owns ? file.mode >> 6 : file.mode;
  return by_bits(
      (granted & mask) == mask,
      owns ? "with owner=caller it is the owner, and the owner's bits of mode " + mode_of(file)
           : "it is not the owner, even with owner=caller, and others' bits of mode " +
                 mode_of(file));
}

}  // namespace

std::vector<AclRule> parse_acl(std::span<const std::byte> bytes) {
  posix_acl_xattr_header header{};
  if (bytes.size() < sizeof header) return {};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION) return {};
  std::vector<AclRule> rules;
  posix_acl_xattr_entry entry{};
  for (bytes = bytes.subspan(sizeof header); bytes.size() >= sizeof entry;
       bytes = bytes.subspan(sizeof entry)) {
    std::memcpy(&entry, bytes.data(), sizeof entry);
    rules.push_back({le16toh(entry.e_tag), le16toh(entry.e_perm), le32toh(entry.e_id)});
  }
  return rules;
}

std::string text_of(const AclRule& rule) {
  std::string text;
  switch (rule.tag) {
    case ACL_USER_OBJ:
      text = "user::";
      break;
    case ACL_USER:
      text = "user:" + std::to_string(rule.id) + ':';
      break;
    case ACL_GROUP_OBJ:
      text = "group::";
      break;
    case ACL_GROUP:
      text = "group:" + std::to_string(rule.id) + ':';
      break;
    case ACL_MASK:
      text = "mask::";
      break;
    default:
      text = "other::";
  }
  text += (rule.perm & R_OK) != 0 ? 'r' : '-';
  text += (rule.perm & W_OK) != 0 ? 'w' : '-';
  text += (rule.perm & X_OK) != 0 ? 'x' : '-';
  return text;
}

Verdict may_access(const ShownFile& file, const Asker& asker, int mask) {
  const auto wanted = static_cast<unsigned>(mask);
  const bool writes = mask == W_OK;
  if (writes && file.is_immutable) return denied(Cause::kFlags, "it is immutable (chattr +i)");
  const bool is_unmapped = file.uid == kUnmappedId || file.gid == kUnmappedId;
  // HAS_UNMAPPED_ID() in inode_permission()
  if (writes && is_unmapped) {
    return denied(Cause::kUnmapped,
                  "its owner or group on disk has no id in the view: nobody may write it");
  }
  if (asker.is_under_caller) return under_caller(file, asker, wanted);
  Verdict verdict = by_class(file, asker, wanted);
  if (verdict.is_allowed) return verdict;
  return by_capability(file, asker, wanted).value_or(verdict);
}

Verdict may_remove(const ShownFile& directory, const ShownFile& file, const Asker& asker) {
  Verdict verdict = may_access(directory, asker, W_OK);
  if (verdict.is_allowed) verdict = may_access(directory, asker, X_OK);
  if (!verdict.is_allowed) {
    verdict.why = "of its directory: " + verdict.why;
    return verdict;
  }
  if (file.is_immutable || file.is_append_only || directory.is_append_only) {
    return denied(Cause::kFlags, "it or its directory is immutable or append-only (chattr)");
  }
  // HAS_UNMAPPED_ID() in may_delete(): EOVERFLOW
  if (file.uid == kUnmappedId || file.gid == kUnmappedId) {
    return denied(Cause::kUnmapped,
                  "its owner or group on disk has no id in the view: nobody may remove it");
  }
  const bool is_own = asker.uid == file.uid || asker.uid == directory.uid;
  const bool is_sticky = (directory.mode & S_ISVTX) != 0 && !asker.is_under_caller;
  if (is_sticky && !is_own && !(asker.overrides && counts_for(file, asker))) {
    return denied(Cause::kSticky, "its directory is sticky, and neither of them is its own");
  }
  verdict.why = "of its directory: " + verdict.why;
  return verdict;
}

}  // namespace cvfs
