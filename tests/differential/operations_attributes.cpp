// What reads and changes attributes.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "choices.h"
#include "look.h"
#include "operations.h"

namespace differential {

namespace {

std::string do_stat(Actor& actor, const Step& s) {
  return status_of(actor.directory(s), s.path.c_str(), static_cast<int>(s.a));
}

void choose_stat(Choice& choice, Step& step) {
  choose_path(choice, step);
  step.a = choice.dice.one_in(2) ? AT_SYMLINK_NOFOLLOW : 0;
}

std::string do_fstat(Actor& actor, const Step& s) {
  return status_of(actor.slot(s.slot), "", AT_EMPTY_PATH);
}

std::string do_statvfs(Actor& actor, const Step& s) {
  (void)actor;
  struct statvfs found {};
  const int result = ::statvfs(s.path.c_str(), &found);
  if (result < 0) return answer(result);
  return answer(result) + " namemax " + std::to_string(found.f_namemax) + " bsize " +
         std::to_string(found.f_bsize) + " frsize " + std::to_string(found.f_frsize);
}

// Nobody is asked whether an immutable file may be written.
std::string do_access(Actor& actor, const Step& s) {
  if (actor.policy.has_file_flags && (s.a & W_OK) != 0) return "not asked";
  return answer(::syscall(SYS_faccessat2, actor.directory(s), s.path.c_str(), s.a, s.b));
}

void choose_access(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kFlags{0, 0, AT_EACCESS, AT_SYMLINK_NOFOLLOW};
  choose_path(choice, step);
  step.a = choice.dice.below(8);
  step.b = choice.dice.any_of(kFlags);
}

std::string do_chmod(Actor& actor, const Step& s) {
  return answer(::fchmodat(actor.directory(s), s.path.c_str(), static_cast<mode_t>(s.a), 0));
}

std::string do_fchmod(Actor& actor, const Step& s) {
  return answer(::fchmod(actor.slot(s.slot), static_cast<mode_t>(s.a)));
}

void choose_fchmod(Choice& choice, Step& step) {
  choose_slot(choice, step);
  step.a = any_file_mode(choice);
}

std::string do_chown(Actor& actor, const Step& s) {
  return answer(::fchownat(actor.directory(s), s.path.c_str(), actor.meant_uid(s.a),
                           actor.meant_gid(s.b), static_cast<int>(s.c)));
}

// To change nothing is refused natively to whoever is not the owner of a setid file, which a view
// cannot (docs/semantics.md).
void choose_owner(Choice& choice, Step& step) {
  step.a = any_uid(choice);
  step.b = any_uid(choice);
  if (step.a == -1 && step.b == -1) step.b = 1000;
}

void choose_chown(Choice& choice, Step& step) {
  choose_path(choice, step);
  choose_owner(choice, step);
  step.c = choice.dice.one_in(3) ? AT_SYMLINK_NOFOLLOW : 0;
}

std::string do_fchown(Actor& actor, const Step& s) {
  return answer(::fchown(actor.slot(s.slot), actor.meant_uid(s.a), actor.meant_gid(s.b)));
}

void choose_fchown(Choice& choice, Step& step) {
  choose_slot(choice, step);
  choose_owner(choice, step);
}

timespec time_of(std::int64_t number) {
  if (number < 0) return {0, number == -1 ? UTIME_NOW : UTIME_OMIT};
  return {number, 123'456'789};
}

std::int64_t any_time(Choice& choice) {
  static const std::vector<std::int64_t> kTimes{0, 1, 1'000'000'000, 5'000'000'000, 999};
  switch (choice.dice.below(4)) {
    case 0:
      return -1;
    case 1:
      return -2;
    default:
      return choice.dice.any_of(kTimes);
  }
}

void choose_times(Choice& choice, Step& step) {
  step.a = any_time(choice);
  step.b = any_time(choice);
}

std::string do_utimens(Actor& actor, const Step& s) {
  const timespec times[] = {time_of(s.a), time_of(s.b)};
  return answer(::utimensat(actor.directory(s), s.path.c_str(), times, static_cast<int>(s.c)));
}

void choose_utimens(Choice& choice, Step& step) {
  choose_path(choice, step);
  choose_times(choice, step);
  step.c = choice.dice.one_in(3) ? AT_SYMLINK_NOFOLLOW : 0;
}

std::string do_futimens(Actor& actor, const Step& s) {
  const timespec times[] = {time_of(s.a), time_of(s.b)};
  return answer(::futimens(actor.slot(s.slot), times));
}

void choose_futimens(Choice& choice, Step& step) {
  choose_slot(choice, step);
  choose_times(choice, step);
}

// FS_EXTENT_FL and the like say how ext4 stores it.
constexpr int kComparedFlags = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL |
                               FS_SYNC_FL | FS_DIRSYNC_FL | FS_PROJINHERIT_FL;

std::string do_getflags(Actor& actor, const Step& s) {
  int flags = 0;
  const int result = ::ioctl(actor.slot(s.slot), FS_IOC_GETFLAGS, &flags);
  return answer(result) + " " + std::to_string(flags & kComparedFlags);
}

std::string do_setflags(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  int flags = 0;
  const int read = ::ioctl(fd, FS_IOC_GETFLAGS, &flags);
  if (read < 0) return answer(read);
  flags = (flags & ~kComparedFlags) | static_cast<int>(s.a);
  return answer(::ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

void choose_setflags(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kFlags{
      0, 0, FS_NODUMP_FL, FS_APPEND_FL, FS_IMMUTABLE_FL, FS_NOATIME_FL, FS_SYNC_FL};
  choose_slot(choice, step);
  if (choice.policy.has_file_flags) step.a = choice.dice.any_of(kFlags);
}

std::string do_getfsx(Actor& actor, const Step& s) {
  fsxattr found{};
  const int result = ::ioctl(actor.slot(s.slot), FS_IOC_FSGETXATTR, &found);
  constexpr unsigned kFlags =
      FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_NODUMP | FS_XFLAG_NOATIME | FS_XFLAG_SYNC;
  return answer(result) + " " + std::to_string(found.fsx_xflags & kFlags) + " project " +
         std::to_string(found.fsx_projid);
}

constexpr Operation kOperations[] = {
    {"stat", 40, "fstatat({d}, {p}, {a})", choose_stat, do_stat},
    {"fstat", 30, "fstat({f})", choose_slot, do_fstat},
    {"statvfs", 3, "statvfs({p})", choose_path, do_statvfs},
    {"access", 20, "faccessat2({d}, {p}, {a}, {b})", choose_access, do_access},
    {"chmod", 40, "fchmodat({d}, {p}, {A}, 0)", choose_path_and_mode, do_chmod},
    {"fchmod", 15, "fchmod({f}, {A})", choose_fchmod, do_fchmod},
    {"chown", 30, "fchownat({d}, {p}, {a}, {b}, {c})", choose_chown, do_chown},
    {"fchown", 12, "fchown({f}, {a}, {b})", choose_fchown, do_fchown},
    {"utimens", 20, "utimensat({d}, {p}, [{a}, {b}], {c})", choose_utimens, do_utimens},
    {"futimens", 10, "futimens({f}, [{a}, {b}])", choose_futimens, do_futimens},
};

constexpr Operation kFileFlags[] = {
    {"getflags", 10, "ioctl({f}, FS_IOC_GETFLAGS)", choose_slot, do_getflags},
    {"setflags", 6, "ioctl({f}, FS_IOC_SETFLAGS, {a})", choose_setflags, do_setflags},
    {"getfsx", 5, "ioctl({f}, FS_IOC_FSGETXATTR)", choose_slot, do_getfsx},
};

}  // namespace

std::span<const Operation> attribute_operations() {
  return kOperations;
}

std::span<const Operation> flag_operations() {
  return kFileFlags;
}

}  // namespace differential
