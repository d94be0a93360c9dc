// Extended attributes, ACLs and file capabilities among them.
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cstring>

#include "choices.h"
#include "look.h"
#include "operations.h"

namespace differential {

namespace {

std::string value_answer(const std::string& value, ssize_t size, std::size_t room) {
  if (size < 0 || room == 0) return answer(size);
  return answer(size) + " " + quoted(value.substr(0, static_cast<std::size_t>(size)));
}

std::string do_getxattr(Actor& actor, const Step& s) {
  (void)actor;
  std::string value(static_cast<std::size_t>(s.a), '\0');
  const auto get = s.b == 0 ? ::getxattr : ::lgetxattr;
  return value_answer(value, get(s.path.c_str(), s.text.c_str(), value.data(), value.size()),
                      value.size());
}

std::string do_fgetxattr(Actor& actor, const Step& s) {
  std::string value(static_cast<std::size_t>(s.a), '\0');
  const int fd = actor.slot(s.slot);
  return value_answer(value, ::fgetxattr(fd, s.text.c_str(), value.data(), value.size()),
                      value.size());
}

void choose_get(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kSizes{5000, 5000, 5000, 0, 1, 3};
  choose_slot(choice, step);
  choose_entry(choice, step, choice.dice.one_in(3) ? Kind::kDirectory : Kind::kAny);
  step.text = any_xattr(choice);
  step.a = choice.dice.any_of(kSizes);
  step.b = choice.dice.below(2);
}

void add_entry(std::string& acl, int tag, std::int64_t permissions, std::uint32_t id) {
  posix_acl_xattr_entry entry{};
  entry.e_tag = static_cast<std::uint16_t>(tag);
  entry.e_perm = static_cast<std::uint16_t>(permissions);
  entry.e_id = id;
  acl.append(reinterpret_cast<const char*>(&entry), sizeof entry);
}

// In the order that the kernel wants; sometimes something is missing.
std::string any_acl(Choice& choice) {
  const posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
  std::string acl(reinterpret_cast<const char*>(&header), sizeof header);
  if (choice.dice.one_in(15)) return acl;  // none
  static const std::vector<std::uint32_t> kIds{0, 1000, 1001, 2000};
  constexpr std::uint32_t kNoId = 0xFFFFFFFF;
  const bool has_user = choice.dice.one_in(2);
  const bool has_group = choice.dice.one_in(2);
  add_entry(acl, ACL_USER_OBJ, choice.dice.below(8), kNoId);
  if (has_user) add_entry(acl, ACL_USER, choice.dice.below(8), choice.dice.any_of(kIds));
  add_entry(acl, ACL_GROUP_OBJ, choice.dice.below(8), kNoId);
  if (has_group) add_entry(acl, ACL_GROUP, choice.dice.below(8), choice.dice.any_of(kIds));
  if ((has_user || has_group) != choice.dice.one_in(10))
    add_entry(acl, ACL_MASK, choice.dice.below(8), kNoId);
  if (!choice.dice.one_in(20)) add_entry(acl, ACL_OTHER, choice.dice.below(8), kNoId);
  if (choice.dice.one_in(20)) acl.pop_back();
  return acl;
}

std::string any_capability(Choice& choice) {
  vfs_ns_cap_data data{};
  const bool has_root = choice.dice.one_in(3);
  data.magic_etc = has_root ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2;
  if (choice.dice.one_in(2)) data.magic_etc |= VFS_CAP_FLAGS_EFFECTIVE;
  data.data[0].permitted = 1U << choice.dice.below(20);
  const std::size_t size = has_root ? sizeof data : sizeof(vfs_cap_data);
  return std::string(reinterpret_cast<const char*>(&data),
                     choice.dice.one_in(10) ? size - 1 : size);
}

std::string any_value(Choice& choice, const std::string& name) {
  if (name.starts_with("system.posix_acl")) return any_acl(choice);
  if (name == "security.capability") return any_capability(choice);
  static const std::vector<std::int64_t> kSizes{0, 1, 10, 100, 100, 500, 700, 70'000};
  static const std::vector<std::int64_t> kToFillABlock{2000, 3000};
  // owner=virtual's own xattr takes some of the room: there, no file's is to get short.
  const bool may_fill = choice.policy.name == "map" && choice.dice.one_in(5);
  const std::int64_t size = choice.dice.any_of(may_fill ? kToFillABlock : kSizes);
  return pattern(size, static_cast<std::size_t>(size));
}

// That a file that is no directory has no default ACL the kernel says before it looks further.
bool removes_default_acl(const Actor& actor, const Step& s) {
  constexpr std::size_t kHeader = 4;
  return actor.policy.has_file_flags && s.text == "system.posix_acl_default" &&
         s.value.size() <= kHeader;
}

std::string do_setxattr(Actor& actor, const Step& s) {
  if (removes_default_acl(actor, s)) return "not asked";
  const auto set = s.b == 0 ? ::setxattr : ::lsetxattr;
  return answer(
      set(s.path.c_str(), s.text.c_str(), s.value.data(), s.value.size(), static_cast<int>(s.a)));
}

std::string do_fsetxattr(Actor& actor, const Step& s) {
  if (removes_default_acl(actor, s)) return "not asked";
  return answer(::fsetxattr(actor.slot(s.slot), s.text.c_str(), s.value.data(), s.value.size(),
                            static_cast<int>(s.a)));
}

void choose_set(Choice& choice, Step& step) {
  choose_get(choice, step);
  static const std::vector<std::int64_t> kFlags{
      0, 0, 0, 0, 0, 0, XATTR_CREATE, XATTR_CREATE, XATTR_REPLACE};
  step.a = choice.dice.any_of(kFlags);
  if (choice.dice.one_in(30)) step.a = choice.dice.one_in(2) ? 8 : XATTR_CREATE | XATTR_REPLACE;
  // Under owner=caller the kernel takes it away before it asks whether a chown or a truncate is
  // allowed.
  const bool goes_early = choice.policy.name == "caller" && step.text == "security.capability";
  if (goes_early) step.text = "user.two";
  if (step.text.starts_with("trusted") && choice.dice.one_in(2)) step.actor = 0;
  step.value = any_value(choice, step.text);
}

std::string do_removexattr(Actor& actor, const Step& s) {
  if (removes_default_acl(actor, s)) return "not asked";
  const auto remove = s.b == 0 ? ::removexattr : ::lremovexattr;
  return answer(remove(s.path.c_str(), s.text.c_str()));
}

std::string do_fremovexattr(Actor& actor, const Step& s) {
  if (removes_default_acl(actor, s)) return "not asked";
  return answer(::fremovexattr(actor.slot(s.slot), s.text.c_str()));
}

std::string do_listxattr(Actor& actor, const Step& s) {
  (void)actor;
  const auto list = s.b == 0 ? ::listxattr : ::llistxattr;
  std::string names(5000, '\0');
  ssize_t size = list(s.path.c_str(), names.data(), names.size());
  std::vector<std::string> all;
  ssize_t hidden = 0;
  for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
    const std::string name = names.c_str() + at;
    at += name.size() + 1;
    if (is_acl_of_xfs(name)) {
      hidden += static_cast<ssize_t>(name.size()) + 1;
    } else {
      all.push_back(quoted(name));
    }
  }
  std::sort(all.begin(), all.end());
  size = list(s.path.c_str(), names.data(), static_cast<std::size_t>(s.a));
  std::string text = answer(size < 0 ? size : size - hidden);
  for (const std::string& name : all) text += " " + name;
  return text;
}

constexpr Operation kOperations[] = {
    {"getxattr", 20, "getxattr({p}, {t}, {a}), l{b}", choose_get, do_getxattr},
    {"fgetxattr", 8, "fgetxattr({f}, {t}, {a})", choose_get, do_fgetxattr},
    {"setxattr", 40, "setxattr({p}, {t}, {v}, {a}), l{b}", choose_set, do_setxattr},
    {"fsetxattr", 15, "fsetxattr({f}, {t}, {v}, {a})", choose_set, do_fsetxattr},
    {"removexattr", 12, "removexattr({p}, {t}), l{b}", choose_get, do_removexattr},
    {"fremovexattr", 5, "fremovexattr({f}, {t})", choose_get, do_fremovexattr},
    {"listxattr", 12, "listxattr({p}, {a}), l{b}", choose_get, do_listxattr},
};

}  // namespace

std::span<const Operation> xattr_operations() {
  return kOperations;
}

}  // namespace differential
