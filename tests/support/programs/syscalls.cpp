// syscalls DIRECTORY: what programs count on of a filesystem, each checked in a directory of
// its own below DIRECTORY: "ok SENTENCE" or "FAIL SENTENCE: what was wrong" a line. It is run on a
// plain filesystem first, which must pass. Ends with 0, or 1 if something failed.
#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace {

int failures = 0;
const char* sentence = "";
bool sentence_failed = false;

void complain(const std::string& what) {
  if (!sentence_failed) ++failures;
  sentence_failed = true;
  std::printf("FAIL %s: %s\n", sentence, what.c_str());
}

void expect(bool claim, const char* what) {
  if (!claim) complain(what);
}

// The call must succeed.
long must(long result, const char* what) {
  if (result < 0) complain(std::string(what) + ": " + strerrorname_np(errno));
  return result;
}

// The call must fail like this.
void must_fail(long result, int wanted, const char* what) {
  const char* got = result >= 0 ? "success" : strerrorname_np(errno);
  if (result >= 0 || errno != wanted) {
    complain(std::string(what) + ": " + got + " instead of " + strerrorname_np(wanted));
  }
}

#define MUST(call) must((call), #call)
#define MUST_FAIL(call, wanted) must_fail((call), wanted, #call)
#define EXPECT(claim) expect((claim), #claim)

// An open file that closes by itself.
class Open {
 public:
  Open(const char* path, int flags, mode_t mode = 0644) : fd_(open(path, flags, mode)) {
    must(fd_, path);
  }
  ~Open() { reset(); }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  operator int() const { return fd_; }  // NOLINT(google-explicit-constructor)
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

void put(int fd, const std::string& text, off_t offset) {
  EXPECT(pwrite(fd, text.data(), text.size(), offset) == static_cast<ssize_t>(text.size()));
}

std::string get(int fd, std::size_t size, off_t offset) {
  std::string text(size, '?');
  const ssize_t got = MUST(pread(fd, text.data(), size, offset));
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

void make_file(const char* path, const std::string& text) {
  const Open file(path, O_WRONLY | O_CREAT | O_TRUNC);
  put(file, text, 0);
}

std::string contents(const char* path) {
  const Open file(path, O_RDONLY);
  return get(file, 1 << 16, 0);
}

struct stat status_of(const char* path) {
  struct stat status {};
  MUST(lstat(path, &status));
  return status;
}

struct stat status_of(int fd) {
  struct stat status {};
  MUST(fstat(fd, &status));
  return status;
}

// Another process; its exit code.
int in_child(const std::function<int()>& run) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(run());
  int ended = 0;
  MUST(waitpid(child, &ended, 0));
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128;
}

// --- open and unlink

void unlinked_file_goes_on() {
  const Open file("f", O_RDWR | O_CREAT);
  put(file, "before", 0);
  MUST(unlink("f"));
  EXPECT(status_of(file).st_nlink == 0);
  EXPECT(get(file, 10, 0) == "before");
  put(file, "after", 6);
  EXPECT(get(file, 20, 0) == "beforeafter");
  MUST(ftruncate(file, 3));
  EXPECT(status_of(file).st_size == 3);
  EXPECT(get(file, 20, 0) == "bef");
  MUST(fsync(file));
  MUST(fchmod(file, 0600));
  EXPECT((status_of(file).st_mode & 07777) == 0600);
  MUST_FAIL(access("f", F_OK), ENOENT);
  // One that another takes the name of.
  make_file("f", "new");
  EXPECT(get(file, 20, 0) == "bef");
  EXPECT(contents("f") == "new");
}

void replaced_open_file_goes_on() {
  make_file("old", "old");
  make_file("new", "new");
  const Open old("old", O_RDWR);
  MUST(rename("new", "old"));
  EXPECT(status_of(old).st_nlink == 0);
  EXPECT(get(old, 9, 0) == "old");
  EXPECT(contents("old") == "new");
}

void removed_working_directory_is_empty() {
  MUST(mkdir("d", 0755));
  const int ended = in_child([] {
    MUST(chdir("d"));
    MUST(rmdir("../d"));
    MUST_FAIL(open("f", O_WRONLY | O_CREAT, 0644), ENOENT);
    MUST_FAIL(mkdir("e", 0755), ENOENT);
    struct stat status {};
    MUST(stat(".", &status));
    EXPECT(status.st_nlink == 0);
    DIR* stream = opendir(".");
    EXPECT(stream != nullptr && readdir(stream) == nullptr);
    char path[4096];
    MUST_FAIL(getcwd(path, sizeof path) == nullptr ? -1 : 0, ENOENT);
    return failures;
  });
  EXPECT(ended == 0);
}

void append_puts_each_record_at_the_end() {
  constexpr int kRecords = 300;
  make_file("log", "");
  const auto writer = [](char letter) {
    const Open log("log", O_WRONLY | O_APPEND);
    const std::string record = std::string(15, letter) + "\n";
    for (int i = 0; i < kRecords; ++i) {
      if (write(log, record.data(), record.size()) != 16) return 1;
    }
    return 0;
  };
  std::fflush(stdout);
  const pid_t other = fork();
  if (other == 0) _exit(writer('a'));
  EXPECT(writer('b') == 0);
  int ended = 0;
  MUST(waitpid(other, &ended, 0));
  EXPECT(ended == 0);
  const std::string all = contents("log");
  EXPECT(all.size() == 2 * kRecords * 16);
  EXPECT(std::count(all.begin(), all.end(), '\n') == 2 * kRecords);
  EXPECT(std::count(all.begin(), all.end(), 'a') == kRecords * 15);
  bool whole = true;
  for (std::size_t at = 0; at + 16 <= all.size(); at += 16) {
    whole = whole && all.substr(at, 15) == std::string(15, all[at]) && all[at + 15] == '\n';
  }
  EXPECT(whole);
}

void append_ignores_the_position() {
  make_file("f", "12345");
  const Open file("f", O_RDWR | O_APPEND);
  MUST(lseek(file, 0, SEEK_SET));
  EXPECT(write(file, "6", 1) == 1);
  EXPECT(lseek(file, 0, SEEK_CUR) == 6);
  EXPECT(contents("f") == "123456");
}

void trunc_empties() {
  make_file("f", "something");
  const Open reader("f", O_RDONLY);
  EXPECT(get(reader, 20, 0) == "something");
  const Open file("f", O_RDWR | O_TRUNC);
  EXPECT(status_of(file).st_size == 0);
  EXPECT(get(reader, 20, 0).empty());
  put(file, "x", 2);
  EXPECT(get(reader, 20, 0) == std::string("\0\0x", 3));
}

void exclusive_create_is_exclusive() {
  make_file("f", "");
  MUST(symlink("nowhere", "link"));
  MUST_FAIL(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
  MUST_FAIL(open("link", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
  MUST_FAIL(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
  MUST_FAIL(open("f/x", O_RDONLY), ENOTDIR);
  MUST_FAIL(open(".", O_WRONLY), EISDIR);
  const Open file("made", O_CREAT | O_EXCL | O_WRONLY, 0400);
  put(file, "mode 0400, and yet writable through this descriptor", 0);
}

void direct_io_works() {
  void* memory = nullptr;
  EXPECT(posix_memalign(&memory, 4096, 8192) == 0);
  std::memset(memory, 'd', 8192);
  const Open file("f", O_RDWR | O_CREAT | O_DIRECT);
  EXPECT(pwrite(file, memory, 8192, 0) == 8192);
  std::memset(memory, 0, 8192);
  EXPECT(pread(file, memory, 8192, 0) == 8192);
  EXPECT(static_cast<char*>(memory)[8191] == 'd');
  std::free(memory);
  // What buffered readers see.
  EXPECT(contents("f") == std::string(8192, 'd'));
  make_file("g", std::string(4096, 'g'));
  const Open again("g", O_RDONLY | O_DIRECT);
  EXPECT(posix_memalign(&memory, 4096, 4096) == 0);
  EXPECT(pread(again, memory, 4096, 0) == 4096);
  EXPECT(static_cast<char*>(memory)[4095] == 'g');
  std::free(memory);
}

void unnamed_file_can_be_named() {
  const Open file(".", O_TMPFILE | O_RDWR, 0640);
  EXPECT(status_of(file).st_nlink == 0);
  put(file, "text", 0);
  char self[32];
  std::snprintf(self, sizeof self, "/proc/self/fd/%d", static_cast<int>(file));
  MUST(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  EXPECT(contents("named") == "text");
  EXPECT(status_of("named").st_nlink == 1);
  EXPECT((status_of("named").st_mode & 07777) == 0640);
  EXPECT(status_of("named").st_ino == status_of(file).st_ino);
  const Open never(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
  std::snprintf(self, sizeof self, "/proc/self/fd/%d", static_cast<int>(never));
  MUST_FAIL(linkat(AT_FDCWD, self, AT_FDCWD, "never", AT_SYMLINK_FOLLOW), ENOENT);
  MUST_FAIL(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
}

// --- data

void unnamed_file_is_like_any_other() {
  const Open file(".", O_TMPFILE | O_RDWR, 0600);
  put(file, "text", 0);
  MUST(fallocate(file, 0, 0, 10000));
  EXPECT(lseek(file, 0, SEEK_DATA) == 0);
  MUST(ftruncate(file, 2));
  MUST(fsync(file));
  EXPECT(get(file, 10, 0) == "te");
  const Open copy("copy", O_RDWR | O_CREAT);
  EXPECT(copy_file_range(file, nullptr, copy, nullptr, 2, 0) == 2);
}

void holes_are_punched_and_found() {
  const Open file("f", O_RDWR | O_CREAT);
  put(file, std::string(1 << 20, 'x'), 0);
  MUST(fsync(file));
  MUST(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 256 << 10, 512 << 10));
  EXPECT(status_of(file).st_size == 1 << 20);
  EXPECT(status_of(file).st_blocks <= 1100);
  EXPECT(get(file, 2, (256 << 10) - 1) == std::string("x\0", 2));
  EXPECT(lseek(file, 0, SEEK_HOLE) == 256 << 10);
  EXPECT(lseek(file, 256 << 10, SEEK_DATA) == 768 << 10);
  EXPECT(lseek(file, 800 << 10, SEEK_HOLE) == 1 << 20);
  MUST_FAIL(lseek(file, 2 << 20, SEEK_DATA), ENXIO);
  MUST(fallocate(file, FALLOC_FL_ZERO_RANGE, 0, 4096));
  EXPECT(get(file, 1, 0) == std::string(1, '\0'));
}

void space_is_allocated() {
  const Open file("f", O_RDWR | O_CREAT);
  MUST(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
  EXPECT(status_of(file).st_size == 0);
  EXPECT(status_of(file).st_blocks >= 2048);
  MUST(fallocate(file, 0, 0, 2 << 20));
  EXPECT(status_of(file).st_size == 2 << 20);
  EXPECT(get(file, 1, (2 << 20) - 1) == std::string(1, '\0'));
}

void ranges_are_copied() {
  make_file("from", "0123456789");
  const Open from("from", O_RDONLY);
  const Open to("to", O_RDWR | O_CREAT);
  off_t at = 2;
  off_t put_at = 1;
  EXPECT(copy_file_range(from, &at, to, &put_at, 5, 0) == 5);
  EXPECT(at == 7 && put_at == 6);
  EXPECT(contents("to") == std::string("\0", 1) + "23456");
  EXPECT(status_of("to").st_size == 6);
  EXPECT(copy_file_range(from, nullptr, to, nullptr, 100, 0) == 10);
  EXPECT(contents("to") == "0123456789");
}

void mmap_is_coherent() {
  const Open file("f", O_RDWR | O_CREAT);
  MUST(ftruncate(file, 8192));
  auto* shared =
      static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  EXPECT(shared != MAP_FAILED);
  if (shared == MAP_FAILED) return;
  put(file, "written", 100);
  EXPECT(std::memcmp(shared + 100, "written", 7) == 0);
  std::memcpy(shared + 5000, "stored", 6);
  EXPECT(get(file, 6, 5000) == "stored");
  const int ended = in_child([] { return contents("f").substr(5000, 6) == "stored" ? 0 : 1; });
  EXPECT(ended == 0);
  MUST(msync(shared, 8192, MS_SYNC));
  munmap(shared, 8192);
  EXPECT(contents("f").substr(5000, 6) == "stored");
  auto* own = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0));
  EXPECT(own != MAP_FAILED);
  if (own == MAP_FAILED) return;
  own[0] = 'p';
  EXPECT(get(file, 1, 0) == std::string(1, '\0'));
  munmap(own, 8192);
}

// --- names

void rename_knows_its_flags() {
  make_file("a", "a");
  make_file("b", "b");
  MUST_FAIL(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
  EXPECT(contents("a") == "a" && contents("b") == "b");
  MUST(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
  EXPECT(contents("a") == "b" && contents("b") == "a");
  MUST(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
  MUST_FAIL(access("a", F_OK), ENOENT);
  MUST_FAIL(renameat2(AT_FDCWD, "c", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
  MUST_FAIL(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
  MUST(mkdir("d", 0755));
  make_file("d/x", "");
  MUST(mkdir("e", 0755));
  MUST_FAIL(rename("c", "d"), EISDIR);
  MUST_FAIL(rename("d", "c"), ENOTDIR);
  MUST_FAIL(rename("e", "d"), ENOTEMPTY);
  MUST_FAIL(rename("d", "d/inside"), EINVAL);
  MUST_FAIL(rmdir("d"), ENOTEMPTY);
  MUST_FAIL(rmdir("c"), ENOTDIR);
  MUST_FAIL(unlink("d"), EISDIR);
  MUST(rename("d", "e"));
  MUST(renameat2(AT_FDCWD, "c", AT_FDCWD, "e", RENAME_EXCHANGE));
  EXPECT(S_ISDIR(status_of("c").st_mode) && S_ISREG(status_of("e").st_mode));
}

void names_may_have_255_bytes() {
  const std::string longest(255, 'n');
  const std::string longer(256, 'n');
  make_file(longest.c_str(), "long");
  EXPECT(contents(longest.c_str()) == "long");
  MUST_FAIL(open(longer.c_str(), O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
  MUST_FAIL(open(longer.c_str(), O_RDONLY), ENAMETOOLONG);
  MUST_FAIL(mkdir(longer.c_str(), 0755), ENAMETOOLONG);
  MUST_FAIL(symlink("x", longer.c_str()), ENAMETOOLONG);
  MUST_FAIL(link(longest.c_str(), longer.c_str()), ENAMETOOLONG);
  MUST_FAIL(rename(longest.c_str(), longer.c_str()), ENAMETOOLONG);
  MUST(link(longest.c_str(), std::string(255, 'm').c_str()));
  EXPECT(status_of(longest.c_str()).st_nlink == 2);
  const std::string target(4000, 't');
  MUST(symlink(target.c_str(), "link"));
  std::string read(4096, '\0');
  EXPECT(readlink("link", read.data(), read.size()) == 4000);
  EXPECT(read.substr(0, 4000) == target);
  EXPECT(status_of("link").st_size == 4000);
}

std::set<std::string> rest_of(DIR* stream) {
  std::set<std::string> names;
  while (const dirent* entry = readdir(stream)) {
    if (!names.insert(entry->d_name).second) complain(std::string("twice: ") + entry->d_name);
  }
  return names;
}

void directory_of_5000_can_be_walked_while_it_changes() {
  constexpr int kNames = 5000;
  for (int i = 0; i < kNames; ++i) {
    if (mknod(("name-" + std::to_string(i)).c_str(), S_IFREG | 0600, 0) < 0) MUST(-1);
  }
  DIR* stream = opendir(".");
  EXPECT(stream != nullptr);
  if (stream == nullptr) return;
  std::set<std::string> first;
  for (int i = 0; i < kNames / 2; ++i) first.insert(readdir(stream)->d_name);
  const long middle = telldir(stream);
  const std::set<std::string> second = rest_of(stream);
  EXPECT(first.size() + second.size() == kNames + 2);
  seekdir(stream, middle);
  EXPECT(rest_of(stream) == second);
  // A tenth goes and a tenth comes: all others are still seen, each once.
  for (int i = 0; i < kNames; i += 10) MUST(unlink(("name-" + std::to_string(i)).c_str()));
  for (int i = 0; i < kNames; i += 10) {
    if (mknod(("new-" + std::to_string(i)).c_str(), S_IFREG | 0600, 0) < 0) MUST(-1);
  }
  seekdir(stream, middle);
  const std::set<std::string> changed = rest_of(stream);
  int missing = 0;
  for (const std::string& name : second) {
    if (name.ends_with('0') && name.starts_with("name-")) continue;
    missing += changed.contains(name) ? 0 : 1;
  }
  EXPECT(missing == 0);
  rewinddir(stream);
  const std::set<std::string> all = rest_of(stream);
  EXPECT(all.size() == kNames + 2);
  EXPECT(!all.contains("name-0") && all.contains("new-0"));
  closedir(stream);
}

void inode_numbers_in_listings_are_those_of_stat() {
  for (const char* name : {"a", "b", "c"}) make_file(name, "");
  MUST(mkdir("d", 0755));
  DIR* stream = opendir(".");
  while (const dirent* entry = stream == nullptr ? nullptr : readdir(stream)) {
    if (entry->d_name[0] == '.') continue;
    const struct stat status = status_of(entry->d_name);
    EXPECT(status.st_ino == entry->d_ino);
    EXPECT(IFTODT(status.st_mode) == entry->d_type);
  }
  closedir(stream);
}

// --- attributes

void times_have_nanoseconds() {
  make_file("f", "");
  const timespec given[2] = {{1000000001, 123456789}, {1500000002, 987654321}};
  MUST(utimensat(AT_FDCWD, "f", given, 0));
  struct stat status = status_of("f");
  EXPECT(status.st_atim.tv_sec == 1000000001 && status.st_atim.tv_nsec == 123456789);
  EXPECT(status.st_mtim.tv_sec == 1500000002 && status.st_mtim.tv_nsec == 987654321);
  const timespec omit[2] = {{0, UTIME_OMIT}, {1600000003, 1}};
  MUST(utimensat(AT_FDCWD, "f", omit, 0));
  status = status_of("f");
  EXPECT(status.st_atim.tv_sec == 1000000001 && status.st_mtim.tv_sec == 1600000003);
  EXPECT(status.st_mtim.tv_nsec == 1);
  const time_t before = time(nullptr);
  const timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  MUST(utimensat(AT_FDCWD, "f", now, 0));
  status = status_of("f");
  EXPECT(status.st_atim.tv_sec >= before - 1 && status.st_mtim.tv_sec == 1600000003);
  MUST(symlink("f", "link"));
  MUST(utimensat(AT_FDCWD, "link", given, AT_SYMLINK_NOFOLLOW));
  EXPECT(status_of("link").st_mtim.tv_nsec == 987654321);
  EXPECT(status_of("f").st_mtim.tv_sec == 1600000003);
  const Open file("f", O_RDWR);
  MUST(futimens(file, given));
  EXPECT(status_of(file).st_mtim.tv_nsec == 987654321);
  const timespec old[2] = {{-1000, 0}, {-1000, 0}};
  MUST(utimensat(AT_FDCWD, "f", old, 0));
  EXPECT(status_of("f").st_mtim.tv_sec == -1000);
}

void writes_move_the_times() {
  make_file("f", "x");
  const timespec old[2] = {{1000, 0}, {1000, 0}};
  MUST(utimensat(AT_FDCWD, "f", old, 0));
  MUST(utimensat(AT_FDCWD, ".", old, 0));
  {
    const Open file("f", O_WRONLY);
    put(file, "y", 0);
    EXPECT(status_of(file).st_mtim.tv_sec > 1000);
  }
  EXPECT(status_of("f").st_mtim.tv_sec > 1000);
  make_file("g", "");
  EXPECT(status_of(".").st_mtim.tv_sec > 1000);
  MUST(utimensat(AT_FDCWD, ".", old, 0));
  MUST(unlink("g"));
  EXPECT(status_of(".").st_mtim.tv_sec > 1000);
}

void links_and_directories_are_counted() {
  make_file("f", "x");
  MUST(link("f", "g"));
  EXPECT(status_of("f").st_nlink == 2 && status_of("g").st_nlink == 2);
  EXPECT(status_of("f").st_ino == status_of("g").st_ino);
  MUST(unlink("f"));
  EXPECT(status_of("g").st_nlink == 1);
  MUST(mkdir("d", 0755));
  EXPECT(status_of("d").st_nlink == 2);
  MUST(mkdir("d/e", 0755));
  EXPECT(status_of("d").st_nlink == 3);
  MUST(rmdir("d/e"));
  EXPECT(status_of("d").st_nlink == 2);
  MUST(rename("g", "h"));
  MUST(link("h", "i"));
  MUST(rename("h", "i"));  // the same file: nothing happens
  EXPECT(status_of("h").st_nlink == 2);
}

void statx_knows_the_birth_time() {
  const time_t before = time(nullptr);
  make_file("f", "");
  struct statx status {};
  MUST(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &status));
  EXPECT((status.stx_mask & STATX_BTIME) != 0);
  EXPECT(status.stx_btime.tv_sec >= before - 1 && status.stx_btime.tv_sec <= before + 60);
}

// --- descriptors of other kinds

void a_path_descriptor_names_and_does_not_read() {
  make_file("f", "text");
  MUST(mkdir("d", 0755));
  make_file("d/inside", "inside");
  const Open path("f", O_PATH);
  char byte = 0;
  MUST_FAIL(read(path, &byte, 1), EBADF);
  MUST_FAIL(write(path, &byte, 1), EBADF);
  MUST_FAIL(fchmod(path, 0600), EBADF);
  MUST_FAIL(ftruncate(path, 0), EBADF);
  MUST_FAIL(fgetxattr(path, "user.x", nullptr, 0), EBADF);
  EXPECT(status_of(path).st_ino == status_of("f").st_ino);
  struct stat status {};
  MUST(fstatat(path, "", &status, AT_EMPTY_PATH));
  EXPECT(status.st_size == 4);
  char self[32];
  std::snprintf(self, sizeof self, "/proc/self/fd/%d", static_cast<int>(path));
  EXPECT(contents(self) == "text");
  MUST(unlink("f"));
  EXPECT(status_of(path).st_nlink == 0);
  EXPECT(contents(self) == "text");
  const Open directory("d", O_PATH | O_DIRECTORY);
  const int inside = static_cast<int>(MUST(openat(directory, "inside", O_RDONLY)));
  EXPECT(get(inside, 10, 0) == "inside");
  close(inside);
  MUST(symlink("nowhere", "link"));
  const Open link("link", O_PATH | O_NOFOLLOW);
  EXPECT(S_ISLNK(status_of(link).st_mode));
  char target[16];
  EXPECT(readlinkat(link, "", target, sizeof target) == 7);
  EXPECT(in_child([&] { return fchdir(directory) == 0 && access("inside", R_OK) == 0 ? 0 : 1; }) ==
         0);
}

void synchronous_files_can_be_written() {
  for (const int flag : {O_SYNC, O_DSYNC, O_SYNC | O_DIRECT}) {
    alignas(4096) static char block[4096];
    std::memset(block, 's', sizeof block);
    const Open file("f", O_RDWR | O_CREAT | O_TRUNC | flag);
    EXPECT(pwrite(file, block, sizeof block, 0) == 4096);
    MUST(fsync(file));
    MUST(fdatasync(file));
    MUST(syncfs(file));
    MUST(sync_file_range(file, 0, 4096, SYNC_FILE_RANGE_WRITE));
  }
  EXPECT(contents("f") == std::string(4096, 's'));
  const Open reader("f", O_RDONLY);
  MUST(fsync(reader));
  const Open directory(".", O_RDONLY | O_DIRECTORY);
  MUST(fsync(directory));
  MUST(fdatasync(directory));
  iovec parts[2] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cd"), 2}};
  const Open file("g", O_RDWR | O_CREAT);
  EXPECT(pwritev2(file, parts, 2, 1, RWF_DSYNC) == 4);
  EXPECT(pwritev2(file, parts, 2, 0, RWF_APPEND) == 4);
  EXPECT(contents("g") == std::string("\0", 1) + "abcdabcd");
  char first[3];
  char second[6];
  iovec into[2] = {{first, sizeof first}, {second, sizeof second}};
  EXPECT(preadv(file, into, 2, 0) == 9);
  EXPECT(std::memcmp(second, "cdabcd", 6) == 0);
}

void sparse_files_may_pass_4_gib() {
  constexpr off_t kGib = 1 << 30;
  constexpr off_t kFar = 5 * kGib + 4096;
  const Open file("f", O_RDWR | O_CREAT);
  put(file, "start", 0);
  put(file, "far", kFar);
  EXPECT(status_of(file).st_size == kFar + 3);
  EXPECT(status_of("f").st_size == kFar + 3);
  EXPECT(status_of(file).st_blocks < 1000);
  EXPECT(get(file, 10, kFar) == "far");
  EXPECT(get(file, 10, kFar - 4) == std::string(4, '\0') + "far");
  EXPECT(lseek(file, 4 * kGib, SEEK_DATA) == kFar);
  EXPECT(lseek(file, 0, SEEK_END) == kFar + 3);
  MUST(ftruncate(file, 9 * kGib));
  EXPECT(status_of("f").st_size == 9 * kGib);
  auto* mapped =
      static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, kFar));
  EXPECT(mapped != MAP_FAILED);
  if (mapped != MAP_FAILED) {
    EXPECT(std::memcmp(mapped, "far", 3) == 0);
    std::memcpy(mapped, "FAR", 3);
    munmap(mapped, 4096);
  }
  EXPECT(get(file, 3, kFar) == "FAR");
  MUST(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * kGib, 2 * kGib));
  MUST_FAIL(lseek(file, 4 * kGib, SEEK_DATA), ENXIO);
  MUST(truncate("f", 3));
  EXPECT(contents("f") == "sta");
}

void names_may_have_any_byte() {
  std::set<std::string> made;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte == '/') continue;
    const std::string name = std::string("n") + static_cast<char>(byte);
    make_file(name.c_str(), name);
    made.insert(name);
  }
  for (const char* name : {"\xff\xfe", " ", "...", "-rf", "\n", "\xc3\x28", "a\\b", "*"}) {
    MUST(mkdir(name, 0755));
    made.insert(name);
  }
  DIR* stream = opendir(".");
  std::set<std::string> seen = rest_of(stream);
  closedir(stream);
  seen.erase(".");
  seen.erase("..");
  EXPECT(seen == made);
  for (const std::string& name : made) {
    if (name.size() == 2 && name[0] == 'n') EXPECT(contents(name.c_str()) == name);
  }
}

// --- more of rename

void whiteouts_are_left() {
  make_file("f", "text");
  MUST(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_WHITEOUT));
  EXPECT(contents("g") == "text");
  const struct stat left = status_of("f");
  EXPECT(S_ISCHR(left.st_mode) && left.st_rdev == 0);
  MUST_FAIL(renameat2(AT_FDCWD, "g", AT_FDCWD, "g2", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
  MUST(unlink("f"));
  MUST(mknod("whiteout", S_IFCHR, 0));
  EXPECT(S_ISCHR(status_of("whiteout").st_mode));
}

void directories_can_be_exchanged() {
  MUST(mkdir("a", 0755));
  MUST(mkdir("b", 0755));
  MUST(mkdir("a/x", 0755));
  MUST(mkdir("b/y", 0755));
  make_file("a/x/inside-x", "");
  make_file("b/y/inside-y", "");
  MUST(mkdir("b/y/deeper", 0755));
  MUST(renameat2(AT_FDCWD, "a/x", AT_FDCWD, "b/y", RENAME_EXCHANGE));
  MUST(access("a/x/inside-y", F_OK));
  MUST(access("b/y/inside-x", F_OK));
  EXPECT(status_of("a").st_nlink == 3 && status_of("b").st_nlink == 3);
  EXPECT(status_of("a/x").st_nlink == 3 && status_of("b/y").st_nlink == 2);
  EXPECT(status_of("a/x/..").st_ino == status_of("a").st_ino);
  EXPECT(status_of("a/x/deeper/..").st_ino == status_of("a/x").st_ino);
  MUST_FAIL(renameat2(AT_FDCWD, "a", AT_FDCWD, "a/x", RENAME_EXCHANGE), EINVAL);
  MUST(mknod("a/p", S_IFIFO | 0600, 0));
  MUST(renameat2(AT_FDCWD, "a/p", AT_FDCWD, "b/y", RENAME_EXCHANGE));
  EXPECT(status_of("a").st_nlink == 4 && status_of("b").st_nlink == 2);
}

// --- asking

void access_answers_as_open_would() {
  make_file("f", "");
  MUST(mkdir("d", 0755));
  for (const mode_t mode : {0U, 0400U, 0200U, 0100U, 0600U, 0700U, 0077U}) {
    MUST(chmod("f", mode));
    const bool root = geteuid() == 0;
    EXPECT((access("f", R_OK) == 0) == (root || (mode & 0400) != 0));
    EXPECT((access("f", W_OK) == 0) == (root || (mode & 0200) != 0));
    EXPECT((access("f", X_OK) == 0) == ((mode & 0100) != 0 || (root && (mode & 0111) != 0)));
    EXPECT((faccessat(AT_FDCWD, "f", R_OK | W_OK, AT_EACCESS) == 0) ==
           (root || (mode & 0600) == 0600));
  }
  MUST_FAIL(access("none", F_OK), ENOENT);
  MUST_FAIL(access("f/x", F_OK), ENOTDIR);
  MUST(access("d", R_OK | W_OK | X_OK));
}

void statx_and_statfs_say_what_there_is() {
  make_file("f", "12345");
  struct statx status {};
  for (const int flag : {AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC}) {
    MUST(statx(AT_FDCWD, "f", flag, STATX_BASIC_STATS | STATX_MNT_ID, &status));
    EXPECT((status.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    EXPECT(status.stx_size == 5 && status.stx_nlink == 1 && status.stx_blksize >= 512);
  }
  MUST_FAIL(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &status),
            EINVAL);
  struct statfs filesystem {};
  MUST(statfs("f", &filesystem));
  EXPECT(filesystem.f_bsize >= 512 && filesystem.f_blocks > 0 && filesystem.f_namelen == 255);
  EXPECT(pathconf(".", _PC_NAME_MAX) == 255);
  EXPECT(filesystem.f_bfree >= filesystem.f_bavail);
}

// --- signals

void no_action(int) {}

// SIGALRM, without SA_RESTART, every 20 ms.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction action {};
    action.sa_handler = no_action;
    MUST(sigaction(SIGALRM, &action, nullptr));
    const itimerval often{{0, 20'000}, {0, 20'000}};
    MUST(setitimer(ITIMER_REAL, &often, nullptr));
  }
  ~Interruptions() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    signal(SIGALRM, SIG_DFL);
  }
};

void signals_interrupt_waits_and_nothing_else() {
  make_file("f", "");
  int ends[2];
  MUST(pipe(ends));
  std::fflush(stdout);
  const pid_t holder = fork();
  if (holder == 0) {
    const int file = open("f", O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const char held = fcntl(file, F_SETLK, &lock) == 0 && flock(file, LOCK_EX) == 0 ? 'y' : 'n';
    (void)!write(ends[1], &held, 1);
    pause();
    _exit(0);
  }
  char held = 0;
  EXPECT(read(ends[0], &held, 1) == 1 && held == 'y');
  const Open file("f", O_RDWR);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  {
    const Interruptions signals;
    MUST_FAIL(fcntl(file, F_SETLKW, &lock), EINTR);
    MUST_FAIL(flock(file, LOCK_EX), EINTR);
  }
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  MUST(fcntl(file, F_SETLKW, &lock));
  MUST(flock(file, LOCK_EX));
  close(ends[0]);
  close(ends[1]);
  // What does not wait is done whole, under the same rain of signals.
  const Interruptions signals;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "s" + std::to_string(i);
    const int made = static_cast<int>(MUST(open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0644)));
    EXPECT(write(made, "12345", 5) == 5);
    MUST(close(made));
    MUST(rename(name.c_str(), (name + "r").c_str()));
    MUST(unlink((name + "r").c_str()));
  }
}

// --- locks and programs

// Whether another process gets the lock at once.
int try_record_lock(short type) {
  return in_child([type] {
    const int file = open("f", O_RDWR);
    struct flock lock {};
    lock.l_type = type;
    lock.l_len = 10;
    return fcntl(file, F_SETLK, &lock) == 0 ? 0 : errno;
  });
}

void record_locks_exclude() {
  make_file("f", "0123456789");
  Open file("f", O_RDWR);
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_len = 10;
  MUST(fcntl(file, F_SETLK, &lock));
  EXPECT(try_record_lock(F_RDLCK) == 0);
  EXPECT(try_record_lock(F_WRLCK) == EAGAIN);
  lock.l_type = F_UNLCK;
  MUST(fcntl(file, F_SETLK, &lock));
  EXPECT(try_record_lock(F_WRLCK) == 0);
  lock.l_type = F_WRLCK;
  MUST(fcntl(file, F_SETLK, &lock));
  const pid_t holder = getpid();
  const int seen = in_child([holder] {
    struct flock asked {};
    asked.l_type = F_RDLCK;
    const int other = open("f", O_RDWR);
    if (fcntl(other, F_GETLK, &asked) < 0) return 1;
    return asked.l_type == F_WRLCK && asked.l_pid == holder && asked.l_len == 10 ? 0 : 2;
  });
  EXPECT(seen == 0);
  { const Open same("f", O_RDONLY); }  // any close gives a process' record locks up
  EXPECT(try_record_lock(F_WRLCK) == 0);
  MUST(fcntl(file, F_SETLK, &lock));
  file.reset();
  EXPECT(try_record_lock(F_WRLCK) == 0);
}

void whole_file_locks_exclude() {
  make_file("f", "");
  const auto try_lock = [](int kind) {
    return in_child([kind] {
      const int file = open("f", O_RDWR);
      return flock(file, kind | LOCK_NB) == 0 ? 0 : errno;
    });
  };
  Open file("f", O_RDWR);
  MUST(flock(file, LOCK_SH));
  EXPECT(try_lock(LOCK_SH) == 0);
  EXPECT(try_lock(LOCK_EX) == EWOULDBLOCK);
  MUST(flock(file, LOCK_EX));
  EXPECT(try_lock(LOCK_SH) == EWOULDBLOCK);
  MUST(flock(file, LOCK_UN));
  EXPECT(try_lock(LOCK_EX) == 0);
  MUST(flock(file, LOCK_EX));
  file.reset();
  EXPECT(try_lock(LOCK_EX) == 0);
  const Open again("f", O_RDWR);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  MUST(fcntl(again, F_OFD_SETLK, &lock));
  EXPECT(try_record_lock(F_WRLCK) == EAGAIN);
}

int run(const char* program) {
  return in_child([program] {
    execl(program, program, nullptr);
    return errno;
  });
}

void programs_that_run_are_not_written() {
  make_file("program", "#!/bin/sh\nexit 0\n");
  EXPECT(run("./program") == EACCES);
  MUST(chmod("program", 0755));
  EXPECT(run("./program") == 0);
  // A real one: a copy of this.
  {
    const Open from("/proc/self/exe", O_RDONLY);
    const Open to("copy", O_WRONLY | O_CREAT, 0755);
    std::vector<char> bytes(1 << 20);
    for (ssize_t got = 0; (got = read(from, bytes.data(), bytes.size())) > 0;) {
      EXPECT(write(to, bytes.data(), static_cast<std::size_t>(got)) == got);
    }
    EXPECT(run("./copy") == ETXTBSY);
  }
  EXPECT(run("./copy") == 2);  // how it complains of a missing argument
  int pipe_ends[2];
  MUST(pipe(pipe_ends));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    MUST(dup2(pipe_ends[1], 1));
    execl("./copy", "copy", "--wait", nullptr);
    _exit(99);
  }
  char started = 0;
  EXPECT(read(pipe_ends[0], &started, 1) == 1);
  MUST_FAIL(open("copy", O_WRONLY), ETXTBSY);
  MUST_FAIL(truncate("copy", 0), ETXTBSY);
  MUST(unlink("copy"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

void many_files_can_be_open() {
  constexpr rlim_t kFiles = 3000;
  rlimit limit{};
  MUST(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kFiles + 100);
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  std::vector<int> files;
  for (rlim_t i = 0; i < kFiles; ++i) {
    const int fd = open(("f" + std::to_string(i)).c_str(), O_RDWR | O_CREAT, 0644);
    if (fd < 0) {
      MUST(fd);
      break;
    }
    files.push_back(fd);
  }
  EXPECT(files.size() == kFiles);
  std::size_t right = 0;
  for (const int fd : files) {
    right += write(fd, &fd, sizeof fd) == sizeof fd ? 1U : 0U;
  }
  EXPECT(right == files.size());
  right = 0;
  for (const int fd : files) {
    int read = -1;
    if (pread(fd, &read, sizeof read, 0) == sizeof read && read == fd) ++right;
    close(fd);
  }
  EXPECT(right == files.size());
}

struct Test {
  const char* sentence;
  void (*run)();
};

#define TEST(name) \
  { #name, name }

const Test kTests[] = {
    TEST(unlinked_file_goes_on),
    TEST(replaced_open_file_goes_on),
    TEST(removed_working_directory_is_empty),
    TEST(append_puts_each_record_at_the_end),
    TEST(append_ignores_the_position),
    TEST(trunc_empties),
    TEST(exclusive_create_is_exclusive),
    TEST(direct_io_works),
    TEST(unnamed_file_can_be_named),
    TEST(unnamed_file_is_like_any_other),
    TEST(holes_are_punched_and_found),
    TEST(space_is_allocated),
    TEST(ranges_are_copied),
    TEST(mmap_is_coherent),
    TEST(rename_knows_its_flags),
    TEST(names_may_have_255_bytes),
    TEST(directory_of_5000_can_be_walked_while_it_changes),
    TEST(inode_numbers_in_listings_are_those_of_stat),
    TEST(times_have_nanoseconds),
    TEST(writes_move_the_times),
    TEST(links_and_directories_are_counted),
    TEST(statx_knows_the_birth_time),
    TEST(a_path_descriptor_names_and_does_not_read),
    TEST(synchronous_files_can_be_written),
    TEST(sparse_files_may_pass_4_gib),
    TEST(names_may_have_any_byte),
    TEST(whiteouts_are_left),
    TEST(directories_can_be_exchanged),
    TEST(access_answers_as_open_would),
    TEST(statx_and_statfs_say_what_there_is),
    TEST(signals_interrupt_waits_and_nothing_else),
    TEST(record_locks_exclude),
    TEST(whole_file_locks_exclude),
    TEST(programs_that_run_are_not_written),
    TEST(many_files_can_be_open),
};

// A directory of its own, named as the test.
void run_in(const char* directory, const Test& test) {
  sentence = test.sentence;
  sentence_failed = false;
  MUST(chdir(directory));
  MUST(mkdir(test.sentence, 0755));
  MUST(chdir(test.sentence));
  test.run();
  if (!sentence_failed) std::printf("ok %s\n", test.sentence);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--wait") == 0) {
    (void)!write(1, "s", 1);
    pause();
  }
  if (argc != 2) return 2;
  umask(022);
  for (const Test& test : kTests) run_in(argv[1], test);
  return failures == 0 ? 0 : 1;
}
