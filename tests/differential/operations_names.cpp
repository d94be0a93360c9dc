// What makes, removes and finds names.
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "choices.h"
#include "look.h"
#include "operations.h"

namespace differential {

namespace {

std::string do_mkdir(Actor& actor, const Step& s) {
  return answer(::mkdirat(actor.directory(s), s.path.c_str(), static_cast<mode_t>(s.a)));
}

void choose_mkdir(Choice& choice, Step& step) {
  choice.world.made(choose_new(choice, step), Kind::kDirectory, step.actor);
  step.a = any_mode(choice);
}

std::string do_rmdir(Actor& actor, const Step& s) {
  return answer(::unlinkat(actor.directory(s), s.path.c_str(), AT_REMOVEDIR));
}

// Most directories are not empty.
void choose_rmdir(Choice& choice, Step& step) {
  choose_directory(choice, step);
}

std::string do_unlink(Actor& actor, const Step& s) {
  return answer(::unlinkat(actor.directory(s), s.path.c_str(), 0));
}

void choose_unlink(Choice& choice, Step& step) {
  choice.world.removed(choose_entry(choice, step, Kind::kFile));
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// ext4 moves the times of a directory in which it makes a whiteout and then does not
// (ext4_resetent(), 6.18); a view's cache hears nothing of a rename that failed.
std::string do_rename(Actor& actor, const Step& s) {
  const bool leaves_whiteout = (s.a & RENAME_WHITEOUT) != 0;
  if (leaves_whiteout && !actor.policy.has_whiteouts) return "not asked";
  if (leaves_whiteout && is_directory(s.other_path)) return "not asked";
  return answer(::renameat2(actor.directory(s), s.path.c_str(), AT_FDCWD, s.other_path.c_str(),
                            static_cast<unsigned>(s.a)));
}

void choose_rename(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kFlags{0,
                                                0,
                                                0,
                                                RENAME_NOREPLACE,
                                                RENAME_EXCHANGE,
                                                RENAME_EXCHANGE,
                                                RENAME_WHITEOUT,
                                                RENAME_NOREPLACE | RENAME_EXCHANGE,
                                                RENAME_NOREPLACE | RENAME_WHITEOUT,
                                                16};
  const std::string from = choose_entry(choice, step, Kind::kAny);
  step.a = choice.dice.any_of(kFlags);
  const bool exchanges = step.a == RENAME_EXCHANGE;
  const std::string to =
      exchanges || choice.dice.one_in(2) ? any_entry(choice, Kind::kAny) : any_new(choice);
  step.other_path = spelled(choice, step.actor, to);
  choice.world.renamed(from, to, exchanges);
}

// Whether a file is fit for a hard link (protected_hardlinks) the kernel decides by the mode that
// it knows; that a write took setid bits from a view's file it learns by stat.
void refresh_mode(int directory, const char* path, int at_flags) {
  struct stat status {};
  (void)::fstatat(directory, path, &status, at_flags);
}

std::string do_link(Actor& actor, const Step& s) {
  refresh_mode(actor.directory(s), s.path.c_str(), s.a == 0 ? AT_SYMLINK_NOFOLLOW : 0);
  return answer(::linkat(actor.directory(s), s.path.c_str(), AT_FDCWD, s.other_path.c_str(),
                         static_cast<int>(s.a)));
}

void choose_link(Choice& choice, Step& step) {
  choose_entry(choice, step, choice.dice.one_in(4) ? Kind::kSymlink : Kind::kFile);
  const std::string to = any_new(choice);
  step.other_path = spelled(choice, step.actor, to);
  step.a = choice.dice.one_in(4) ? AT_SYMLINK_FOLLOW : 0;
  choice.world.made(to, Kind::kFile, step.actor);
}

// The file behind a descriptor, which may have no name (O_TMPFILE).
std::string do_link_slot(Actor& actor, const Step& s) {
  const std::string number = std::to_string(actor.slot(s.slot));
  refresh_mode(actor.slot(s.slot), "", AT_EMPTY_PATH);
  return answer(
      ::linkat(actor.proc_fd, number.c_str(), AT_FDCWD, s.path.c_str(), AT_SYMLINK_FOLLOW));
}

void choose_link_slot(Choice& choice, Step& step) {
  choose_slot_for(choice, step, choice.dice.one_in(2) ? Need::kOpen : Need::kWrite);
  choice.world.made(choose_new(choice, step), Kind::kFile, step.actor);
}

std::string do_symlink(Actor& actor, const Step& s) {
  return answer(::symlinkat(s.text.c_str(), actor.directory(s), s.path.c_str()));
}

void choose_symlink(Choice& choice, Step& step) {
  choice.world.made(choose_new(choice, step), Kind::kSymlink, step.actor);
  const std::string target = any_entry(choice, Kind::kAny);
  step.text = choice.dice.one_in(30) ? std::string(4095, 'x') : spelled(choice, step.actor, target);
}

std::string do_readlink(Actor& actor, const Step& s) {
  std::string target(5000, '\0');
  const ssize_t got = ::readlinkat(actor.directory(s), s.path.c_str(), target.data(),
                                   static_cast<std::size_t>(s.a));
  if (got < 0) return answer(got);
  return answer(got) + " " + quoted(target.substr(0, static_cast<std::size_t>(got)));
}

void choose_readlink(Choice& choice, Step& step) {
  choose_entry(choice, step, Kind::kSymlink);
  step.a = choice.dice.one_in(6) ? choice.dice.below(4) : 4999;
}

std::string do_mknod(Actor& actor, const Step& s) {
  return answer(::mknodat(actor.directory(s), s.path.c_str(), static_cast<mode_t>(s.a),
                          static_cast<dev_t>(s.b)));
}

// A device with a number is EPERM through a view for everybody; natively only for who is not
// root: such a step would make both sides differ for good (docs/semantics.md).
void choose_mknod(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kTypes{S_IFIFO, S_IFIFO, S_IFSOCK, S_IFREG, S_IFREG,
                                                S_IFCHR, 0,       S_IFDIR,  S_IFLNK};
  const std::string path = choose_new(choice, step);
  step.a = any_file_mode(choice) | choice.dice.any_of(kTypes);
  choice.world.made(path, Kind::kFile, step.actor);
}

std::string do_readdir(Actor& actor, const Step& s) {
  const int fd = ::openat(actor.directory(s), s.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return answer(fd);
  std::string text = listing_of(fd);
  ::close(fd);
  return text;
}

std::string do_readdir_slot(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  if (s.a == 0 && ::lseek(fd, 0, SEEK_SET) < 0) return answer(-1);
  std::string text = listing_of(fd);
  // At the end of a listing that it has kept the client asks nobody, and so moves no access time.
  if (s.a != 0 && ::lseek(fd, 0, SEEK_SET) == 0) text += ", from its beginning " + listing_of(fd);
  return text;
}

void choose_readdir_slot(Choice& choice, Step& step) {
  choose_slot_for(choice, step, Need::kDirectory);
  step.a = choice.dice.below(2);
}

// The entries from here to the end.
std::string rest_of(DIR* directory, long& count) {
  std::string names;
  count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    names += std::string(entry->d_name) + "/";
    ++count;
  }
  return names;
}

// A place in a directory is where it was after entries came and went, for those that stay.
std::string do_seekdir(Actor& actor, const Step& s) {
  const int fd = ::openat(actor.directory(s), s.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return answer(fd);
  DIR* directory = ::fdopendir(fd);
  for (std::int64_t i = 0; i < s.a && ::readdir(directory) != nullptr; ++i) {
  }
  const long place = ::telldir(directory);
  long first_count = 0;
  long second_count = 0;
  const std::string first = rest_of(directory, first_count);
  const int made = ::openat(fd, "in-between", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (made >= 0) ::close(made);
  const int removed = ::unlinkat(fd, "in-between", 0);
  ::seekdir(directory, place);
  const std::string second = rest_of(directory, second_count);
  std::string text = answer(removed) + " " + std::to_string(first_count) + " entries, again " +
                     (first == second ? "the same" : "others: " + quoted(first + "; " + second));
  ::rewinddir(directory);
  long all = 0;
  rest_of(directory, all);
  ::closedir(directory);
  return text + ", all " + std::to_string(all);
}

void choose_seekdir(Choice& choice, Step& step) {
  choose_directory(choice, step);
  step.a = choice.dice.below(6);
}

std::string do_chdir(Actor& actor, const Step& s) {
  (void)actor;
  return answer(::chdir(s.path.c_str()));
}

void choose_chdir(Choice& choice, Step& step) {
  const bool to_root = choice.dice.one_in(2);
  step.path = "/";
  if (!to_root) choose_entry(choice, step, Kind::kDirectory);
  choice.world.is_at_root(step.actor) = to_root;
}

void choose_fchdir(Choice& choice, Step& step) {
  choose_slot_for(choice, step, Need::kDirectory);
  choice.world.is_at_root(step.actor) = false;
}

std::string do_fchdir(Actor& actor, const Step& s) {
  return answer(::fchdir(actor.slot(s.slot)));
}

// Whoever is refused a name under owner=caller makes the kernel forget it, also where it is
// somebody's working directory.
std::string do_getcwd(Actor& actor, const Step& s) {
  if (actor.policy.name == "caller") return "not asked";
  (void)s;
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) == nullptr ? answer(-1) : "= " + quoted(path);
}

std::string do_umask(Actor& actor, const Step& s) {
  (void)actor;
  return answer(static_cast<long>(::umask(static_cast<mode_t>(s.a))));
}

void choose_umask(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kMasks{0, 0, 022, 022, 077, 027, 0777};
  step.a = choice.dice.any_of(kMasks);
}

constexpr Operation kOperations[] = {
    {"mkdir", 60, "mkdirat({d}, {p}, {A})", choose_mkdir, do_mkdir},
    {"rmdir", 12, "unlinkat({d}, {p}, AT_REMOVEDIR)", choose_rmdir, do_rmdir},
    {"unlink", 40, "unlinkat({d}, {p}, 0)", choose_unlink, do_unlink},
    {"rename", 50, "renameat2({d}, {p}, AT_FDCWD, {q}, {a})", choose_rename, do_rename},
    {"link", 25, "linkat({d}, {p}, AT_FDCWD, {q}, {a})", choose_link, do_link},
    {"link_slot", 12, "linkat(AT_FDCWD, \"/proc/self/fd/{f}\", AT_FDCWD, {p}, AT_SYMLINK_FOLLOW)",
     choose_link_slot, do_link_slot},
    {"symlink", 25, "symlinkat({t}, {d}, {p})", choose_symlink, do_symlink},
    {"readlink", 12, "readlinkat({d}, {p}, buffer, {a})", choose_readlink, do_readlink},
    {"mknod", 20, "mknodat({d}, {p}, {A}, {b})", choose_mknod, do_mknod},
    {"readdir", 20, "readdir(openat({d}, {p}, O_DIRECTORY)) to the end", choose_directory,
     do_readdir},
    {"readdir_slot", 12,
     "lseek({f}, 0, SEEK_SET) unless {a}; getdents64({f}) to the end, if {a} again from its "
     "beginning",
     choose_readdir_slot, do_readdir_slot},
    {"seekdir", 8,
     "{a} readdir(openat({d}, {p}, O_DIRECTORY)), telldir, create and unlink, seekdir",
     choose_seekdir, do_seekdir},
    {"chdir", 15, "chdir({p})", choose_chdir, do_chdir},
    {"fchdir", 5, "fchdir({f})", choose_fchdir, do_fchdir},
    {"getcwd", 3, "getcwd()", choose_nothing, do_getcwd},
    {"umask", 5, "umask({A})", choose_umask, do_umask},
};

}  // namespace

std::span<const Operation> name_operations() {
  return kOperations;
}

}  // namespace differential
