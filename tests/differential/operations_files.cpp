// What opens files, and reads and writes through descriptors.
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "choices.h"
#include "look.h"
#include "operations.h"

namespace differential {

namespace {

// Of blocks of 4096 bytes, as O_DIRECT may want it.
class Buffer {
 public:
  explicit Buffer(std::int64_t size)
      : size_(static_cast<std::size_t>(size)),
        bytes_(static_cast<char*>(std::aligned_alloc(4096, size_ / 4096 * 4096 + 4096))) {}
  ~Buffer() { std::free(bytes_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  char* data() const { return bytes_; }
  std::size_t size() const { return size_; }
  void fill(std::int64_t seed) {
    const std::string text = pattern(seed, size_);
    std::memcpy(bytes_, text.data(), size_);
  }

 private:
  std::size_t size_;
  char* bytes_;
};

// Setgid without group execution, which who is not in the group loses at the first write natively,
// and under passthrough when it opens the file for writing.
bool is_groupless_setgid(mode_t mode) {
  return S_ISREG(mode) && (mode & (S_ISGID | S_IXGRP)) == S_ISGID;
}

// Whether a pipe or a socket may be opened the kernel asks nobody under owner=caller.
bool is_unlike_open(const Actor& actor, const Step& s) {
  const bool is_caller = actor.policy.name == "caller";
  const bool loses_early = actor.policy.has_passthrough && (s.b & O_ACCMODE) != O_RDONLY;
  struct stat status {};
  if (!is_caller && !loses_early) return false;
  if (::fstatat(actor.directory(s), s.path.c_str(), &status, 0) < 0) return false;
  if (loses_early && is_groupless_setgid(status.st_mode)) return true;
  return is_caller && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

std::string do_open(Actor& actor, const Step& s) {
  if (is_unlike_open(actor, s)) return "not asked";
  // O_NONBLOCK: a fifo must not keep the actor.
  int flags = static_cast<int>(s.b) | O_CLOEXEC | O_NONBLOCK;
  // Without passthrough any place and length will do for direct I/O.
  if (!actor.policy.has_passthrough) flags &= ~O_DIRECT;
  const int fd = ::openat(actor.directory(s), s.path.c_str(), flags, static_cast<mode_t>(s.a));
  if (fd < 0) return answer(fd);
  actor.put(s.slot, fd);
  char text[32];
  std::snprintf(text, sizeof text, "= fd, flags 0%o", ::fcntl(fd, F_GETFL));
  return text;
}

// What the actor has in its slot then, if it comes about.
void note_open(Choice& choice, const Step& step, Kind kind, const std::string& path) {
  const std::int64_t access = step.b & O_ACCMODE;
  const bool is_plain = (step.b & O_PATH) == 0;
  choice.world.slot(step.actor, step.slot) = {true, kind, is_plain && access != O_WRONLY,
                                              is_plain && access != O_RDONLY, path};
}

std::int64_t any_open_flags(Choice& choice) {
  static const std::vector<std::int64_t> kMore{O_EXCL,    O_TRUNC, O_APPEND,   O_NOFOLLOW,
                                               O_SYNC,    O_PATH,  O_DIRECT,   O_TRUNC,
                                               O_NOATIME, O_DSYNC, O_DIRECTORY};
  std::int64_t flags = choice.dice.one_in(2) ? O_RDWR : choice.dice.below(3);
  if (choice.dice.one_in(40)) flags = 3;
  for (int i = 0; i < 3; ++i) {
    if (choice.dice.one_in(6)) flags |= choice.dice.any_of(kMore);
  }
  return flags;
}

void choose_open(Choice& choice, Step& step) {
  step.a = any_file_mode(choice);
  step.b = any_open_flags(choice);
  std::string path;
  if (choice.dice.one_in(2)) {
    step.b |= O_CREAT;
    path = choose_new(choice, step);
    choice.world.made(path, Kind::kFile, step.actor);
  } else {
    path = choose_entry(choice, step, Kind::kFile);
    if (choice.dice.one_in(3)) step.b |= O_CREAT;
  }
  step.slot = any_slot(choice);
  note_open(choice, step, Kind::kFile, path);
}

void choose_unnamed(Choice& choice, Step& step) {
  choose_directory(choice, step);
  step.a = any_file_mode(choice);
  step.b = (choice.dice.one_in(8) ? O_RDONLY : O_RDWR) | O_TMPFILE;
  if (choice.dice.one_in(6)) step.b |= O_EXCL;
  step.slot = any_slot(choice);
  note_open(choice, step, Kind::kFile, "");
}

std::string do_open_directory(Actor& actor, const Step& s) {
  Step plain = s;
  plain.b = O_RDONLY | O_DIRECTORY;
  return do_open(actor, plain);
}

void choose_open_directory(Choice& choice, Step& step) {
  const std::string path = choose_entry(choice, step, Kind::kDirectory);
  step.slot = any_slot(choice);
  step.b = O_RDONLY;
  note_open(choice, step, Kind::kDirectory, path);
}

std::string do_close(Actor& actor, const Step& s) {
  const int fd = actor.slots[static_cast<std::size_t>(s.slot)];
  actor.slots[static_cast<std::size_t>(s.slot)] = -1;
  return answer(::close(fd));
}

void choose_close(Choice& choice, Step& step) {
  choose_slot(choice, step);
  choice.world.slot(step.actor, step.slot) = {};
}

std::string do_dup(Actor& actor, const Step& s) {
  const int fd = ::fcntl(actor.slot(s.slot), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return answer(fd);
  actor.put(s.other_slot, fd);
  return "= fd";
}

void choose_dup(Choice& choice, Step& step) {
  choose_slot(choice, step);
  step.other_slot = any_slot(choice);
  choice.world.slot(step.actor, step.other_slot) = choice.world.slot(step.actor, step.slot);
}

std::string read_answer(const Buffer& buffer, ssize_t got) {
  if (got < 0) return answer(got);
  return answer(got) + " " + quoted(std::string(buffer.data(), static_cast<std::size_t>(got)));
}

std::string do_read(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  const Buffer buffer(s.b);
  return read_answer(buffer, ::read(fd, buffer.data(), buffer.size()));
}

std::string do_pread(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  const Buffer buffer(s.b);
  return read_answer(buffer, ::pread(fd, buffer.data(), buffer.size(), s.a));
}

bool has_capability(int fd) {
  return ::fgetxattr(fd, "security.capability", nullptr, 0) >= 0;
}

bool may_keep_setid(const Actor& actor, mode_t mode) {
  return ::geteuid() == 0 && !actor.policy.in_container && (mode & 06000) != 0;
}

// To take a file's capability the client asks for what it asks for when a file is given away: setid
// bits go as well, also where whoever changes the file has CAP_FSETID.
bool loses_with_capability(const Actor& actor, int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && may_keep_setid(actor, status.st_mode) && has_capability(fd);
}

// Under passthrough the kernel writes as the tenant, in the group that the file had when it was
// first opened: it takes setid bits away also where the writer has CAP_FSETID, and keeps one
// without group execution, or does not, by that group.
bool would_lose_setid(const Actor& actor, int fd) {
  struct stat status {};
  if (!actor.policy.has_passthrough) return loses_with_capability(actor, fd);
  if (::fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) return false;
  return is_groupless_setgid(status.st_mode) || may_keep_setid(actor, status.st_mode);
}

bool is_direct(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0;
}

// Direct I/O to a place or of a length that the filesystem refuses: the client of a passthrough
// takes setid bits and capabilities away first.
bool may_lose_before_refusal(const Actor& actor, int fd) {
  struct stat status {};
  if (!actor.policy.has_passthrough || !is_direct(fd) || ::fstat(fd, &status) < 0) return false;
  return (status.st_mode & 06000) != 0 || has_capability(fd);
}

// Where direct I/O of an odd length is refused, what lies before the end of an extent has been
// written, and extents end elsewhere on the other side.
bool may_write_beginning(int fd, std::int64_t length) {
  return length % 512 != 0 && is_direct(fd);
}

// A write that natively comes to something else. Of nothing: asks nobody under passthrough. To a
// file that became append-only: its capability cannot be taken any more.
bool is_unlike(const Actor& actor, int fd, std::int64_t length) {
  return may_write_beginning(fd, length) || may_lose_before_refusal(actor, fd) ||
         would_lose_setid(actor, fd) ||
         ((length == 0 || has_capability(fd)) && is_protected(actor, fd));
}

std::string do_write(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  if (is_unlike(actor, fd, s.b)) return "not asked";
  Buffer buffer(s.b);
  buffer.fill(s.a + s.b);
  return answer(::write(fd, buffer.data(), buffer.size()));
}

std::string do_pwrite(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  if (is_unlike(actor, fd, s.b)) return "not asked";
  Buffer buffer(s.b);
  buffer.fill(s.a + s.b);
  return answer(::pwrite(fd, buffer.data(), buffer.size(), s.a));
}

std::string do_writev(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  if (is_unlike(actor, fd, s.b)) return "not asked";
  Buffer buffer(s.b);
  buffer.fill(s.a);
  const std::size_t half = static_cast<std::size_t>(s.b / 2);
  const iovec parts[] = {{buffer.data(), half}, {buffer.data() + half, buffer.size() - half}};
  return answer(::writev(fd, parts, 2));
}

bool is_directory(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

// Where a directory ends, and what lies between two entries, is the filesystem's own business.
std::string do_lseek(Actor& actor, const Step& s) {
  const int fd = actor.slot(s.slot);
  if (is_directory(fd)) return answer(::lseek(fd, 0, SEEK_SET));
  // What was allocated and not written counts as data while it is in the page cache, in which there
  // is more or less, by chance.
  const off_t position = ::lseek(fd, s.a, static_cast<int>(s.c));
  const bool is_search = s.c == SEEK_DATA || s.c == SEEK_HOLE;
  if (!is_search || (position < 0 && errno != ENXIO)) return answer(position);
  ::lseek(fd, 0, SEEK_SET);
  return "somewhere or ENXIO";
}

void choose_lseek(Choice& choice, Step& step) {
  choose_read(choice, step);
  step.c = choice.dice.one_in(20) ? 9 : choice.dice.below(5);
}

std::string do_ftruncate(Actor& actor, const Step& s) {
  return answer(::ftruncate(actor.slot(s.slot), s.a));
}

std::string do_truncate(Actor& actor, const Step& s) {
  (void)actor;
  return answer(::truncate(s.path.c_str(), s.a));
}

void choose_truncate(Choice& choice, Step& step) {
  step.path = spelled(choice, step.actor, any_entry(choice, Kind::kFile));
  step.a = choice.dice.one_in(30) ? 0x7fff'ffff'ffff'0000 : any_offset(choice);
}

std::string do_fallocate(Actor& actor, const Step& s) {
  if (loses_with_capability(actor, actor.slot(s.slot))) return "not asked";
  return answer(::fallocate(actor.slot(s.slot), static_cast<int>(s.c), s.a, s.b));
}

// Modes that the FUSE client does not know are EOPNOTSUPP (docs/semantics.md): not asked for.
void choose_fallocate(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kModes{
      0,
      FALLOC_FL_KEEP_SIZE,
      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
      FALLOC_FL_PUNCH_HOLE,
      FALLOC_FL_ZERO_RANGE,
      FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
  };
  choose_write(choice, step);
  step.c = choice.dice.any_of(kModes);
}

// Of what begins at `place`.
std::size_t bytes_in_file(int fd, off_t place, std::size_t size) {
  struct stat status {};
  if (::fstat(fd, &status) < 0 || status.st_size <= place) return 0;
  return std::min(size, static_cast<std::size_t>(status.st_size - place));
}

// The worker copies by descriptors of its own, which are not O_DIRECT: any place and length will
// do.
std::string do_copy(Actor& actor, const Step& s) {
  if (is_direct(actor.slot(s.slot)) || is_direct(actor.slot(s.other_slot))) return "not asked";
  if (is_protected(actor, actor.slot(s.other_slot))) return "not asked";
  if (loses_with_capability(actor, actor.slot(s.other_slot))) return "not asked";
  off_t from = s.a;
  off_t to = s.c;
  const ssize_t copied = ::copy_file_range(actor.slot(s.slot), &from, actor.slot(s.other_slot), &to,
                                           static_cast<std::size_t>(s.b), 0);
  // The client does not know that a copy is a read, and shows the old access time a while longer: a
  // read tells it (docs/semantics.md).
  char byte = 0;
  if (copied >= 0) (void)!::pread(actor.slot(s.slot), &byte, 1, 0);
  return answer(copied) + " " + std::to_string(from) + " " + std::to_string(to);
}

void choose_copy(Choice& choice, Step& step) {
  choose_read(choice, step);
  choose_other_slot_for(choice, step, Need::kWrite);
  step.c = any_offset(choice);
}

std::string do_fsync(Actor& actor, const Step& s) {
  return answer(::fsync(actor.slot(s.slot)));
}

std::string do_fdatasync(Actor& actor, const Step& s) {
  return answer(::fdatasync(actor.slot(s.slot)));
}

sigjmp_buf bus_error;

// SIGBUS: beyond the end of the file.
// What is stored by a mapping natively takes no file capability away. A page cache of the view's
// own writes it to the backing, which does.
bool would_lose_capability(const Actor& actor, const Step& s) {
  if (actor.policy.has_passthrough || (s.c & 3) != 3) return false;
  return ::fgetxattr(actor.slot(s.slot), "security.capability", nullptr, 0) >= 0;
}

std::string do_mmap(Actor& actor, const Step& s) {
  if (would_lose_capability(actor, s)) return "not asked";
  if (is_protected(actor, actor.slot(s.slot))) return "not asked";
  const std::int64_t place = s.a / 4096 * 4096;
  const std::size_t size = static_cast<std::size_t>(s.b);
  const int protection = (s.c & 1) != 0 ? PROT_READ | PROT_WRITE : PROT_READ;
  const int kind = (s.c & 2) != 0 ? MAP_SHARED : MAP_PRIVATE;
  // What stands behind the end of the file, in its last page, is anybody's guess. Asked before: a
  // status that is asked for between mmap and the store is shown until the cache expires.
  const std::size_t in_file = bytes_in_file(actor.slot(s.slot), place, size);
  void* const memory = ::mmap(nullptr, size, protection, kind, actor.slot(s.slot), place);
  if (memory == MAP_FAILED) return answer(-1);
  std::string text;
  std::signal(SIGBUS, [](int) { siglongjmp(bus_error, 1); });
  if (sigsetjmp(bus_error, 1) == 0) {
    text.assign(static_cast<const char*>(memory), std::min<std::size_t>(in_file, 4096));
    text = quoted(text);
    if ((s.c & 1) != 0) std::memset(memory, 'M', std::min<std::size_t>(in_file, 300));
    if (in_file == 0) text += *static_cast<volatile char*>(memory) == 0 ? "" : " no zeros";
  } else {
    text = "SIGBUS";
  }
  ::munmap(memory, size);
  return "= " + text;
}

void choose_mmap(Choice& choice, Step& step) {
  choose_read(choice, step);
  step.c = choice.dice.below(4);
}

std::string do_flock(Actor& actor, const Step& s) {
  return answer(::flock(actor.slot(s.slot), static_cast<int>(s.a) | LOCK_NB));
}

void choose_flock(Choice& choice, Step& step) {
  static const std::vector<std::int64_t> kKinds{LOCK_SH, LOCK_EX, LOCK_EX, LOCK_UN};
  choose_slot(choice, step);
  step.a = choice.dice.any_of(kKinds);
}

std::string do_lock(Actor& actor, const Step& s) {
  static constexpr int kCommands[] = {F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_GETLK};
  static constexpr short kTypes[] = {F_RDLCK, F_WRLCK, F_UNLCK};
  struct flock lock {};
  lock.l_type = kTypes[s.c / 4];
  lock.l_start = s.a;
  lock.l_len = s.b;
  if (is_protected(actor, actor.slot(s.slot))) return "not asked";
  const int result = ::fcntl(actor.slot(s.slot), kCommands[s.c % 4], &lock);
  if (result < 0) return answer(result);
  return answer(result) + " type " + std::to_string(lock.l_type) + " " +
         std::to_string(lock.l_start) + "+" + std::to_string(lock.l_len);
}

void choose_lock(Choice& choice, Step& step) {
  choose_slot(choice, step);
  step.a = choice.dice.below(10);
  step.b = choice.dice.below(10);
  step.c = choice.dice.below(12);
}

constexpr Operation kOperations[] = {
    {"open", 150, "slot {f} = openat({d}, {p}, {F}, {A})", choose_open, do_open},
    {"open_unnamed", 12, "slot {f} = openat({d}, {p}, {F}, {A})", choose_unnamed, do_open},
    {"open_directory", 20, "slot {f} = openat({d}, {p}, O_DIRECTORY)", choose_open_directory,
     do_open_directory},
    {"close", 15, "close({f})", choose_close, do_close},
    {"dup", 5, "slot {g} = dup({f})", choose_dup, do_dup},
    {"read", 15, "read({f}, {b})", choose_read, do_read},
    {"pread", 20, "pread({f}, {b}, {a})", choose_read, do_pread},
    {"write", 20, "write({f}, {b} bytes)", choose_write, do_write},
    {"pwrite", 30, "pwrite({f}, {b} bytes, {a})", choose_write, do_pwrite},
    {"writev", 8, "writev({f}, {b} bytes in two parts)", choose_write, do_writev},
    {"lseek", 15, "lseek({f}, {a}, {c})", choose_lseek, do_lseek},
    {"ftruncate", 15, "ftruncate({f}, {a})", choose_write, do_ftruncate},
    {"truncate", 12, "truncate({p}, {a})", choose_truncate, do_truncate},
    {"fallocate", 20, "fallocate({f}, {c}, {a}, {b})", choose_fallocate, do_fallocate},
    {"copy", 15, "copy_file_range({f}, {a}, {g}, {c}, {b})", choose_copy, do_copy},
    {"fsync", 2, "fsync({f})", choose_slot, do_fsync},
    {"fdatasync", 2, "fdatasync({f})", choose_slot, do_fdatasync},
    {"mmap", 20, "mmap({f}, offset {a}, length {b}, write {c}&1, shared {c}&2)", choose_mmap,
     do_mmap},
    {"flock", 8, "flock({f}, {a} | LOCK_NB)", choose_flock, do_flock},
    {"lock", 15, "fcntl({f}, lock {c}, {a}+{b})", choose_lock, do_lock},
};

}  // namespace

std::span<const Operation> file_operations() {
  return kOperations;
}

}  // namespace differential
