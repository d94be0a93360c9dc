// crash_load: several processes that use a directory as hard as they can and check every single
// answer: its errno, what it says, and what stands there afterwards. Whatever happens to the view
// meanwhile, none of them may notice.
//
//   crash_load DIRECTORY BACKING SECONDS PROCESSES SEED
//
// Run by root. DIRECTORY is writable for everybody; BACKING is the same directory below the view
// ("-": none). Process i is uid and gid 101000 + i % 2. Each works in directories of its own, and
// all of them in one that they share. In the end each compares all that it made with what it
// remembers, in DIRECTORY and in BACKING. Prints each unexpected answer (operation, path, what was
// wrong) and a summary; ends with 1 if there was one.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int kMaxErrors = 20;  // of a process; then it gives up
constexpr std::size_t kMaxEntries = 60;
constexpr std::size_t kMaxFile = 96 * 1024;
constexpr std::size_t kHeldEntries = 150;
constexpr std::size_t kBlock = 4096;

// Thrown where an answer is not what it has to be.
struct Unexpected {
  std::string what;
};

std::string operation;  // the one at hand, for messages

void expect(bool is_right, const std::string& path, const std::string& detail) {
  if (!is_right) throw Unexpected{operation + " " + path + ": " + detail};
}

// A system call that has to succeed. Returns what it returns.
template <class Number>
Number must(Number result, const std::string& path, const char* call) {
  expect(result >= 0, path, std::string(call) + ": " + std::strerror(errno));
  return result;
}

// A system call that has to fail so.
void must_fail(long result, int error, const std::string& path, const char* call) {
  expect(result < 0, path, std::string(call) + " succeeded");
  expect(errno == error, path, std::string(call) + ": " + std::strerror(errno));
}

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  void close(const std::string& path) { must(::close(std::exchange(fd_, -1)), path, "close"); }

 private:
  int fd_;
};

Fd open_file(const std::string& path, int flags, mode_t mode = 0) {
  return Fd(must(::open(path.c_str(), flags | O_CLOEXEC, mode), path, "open"));
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  must(::lstat(path.c_str(), &status), path, "lstat");
  return status;
}

void write_all(int fd, const std::string& data, off_t offset, const std::string& path) {
  const ssize_t put = must(::pwrite(fd, data.data(), data.size(), offset), path, "pwrite");
  expect(put == static_cast<ssize_t>(data.size()), path, "a short write");
}

std::string read_some(int fd, std::size_t size, off_t offset, const std::string& path) {
  std::string data(size, '\0');
  data.resize(
      static_cast<std::size_t>(must(::pread(fd, data.data(), size, offset), path, "pread")));
  return data;
}

// What a file is to contain, in `from` compared from `offset` on.
void expect_data(const std::string& found, const std::string& wanted, const std::string& path) {
  if (found == wanted) return;
  std::size_t at = 0;
  while (at < found.size() && at < wanted.size() && found[at] == wanted[at]) ++at;
  expect(false, path,
         "contents differ at byte " + std::to_string(at) + " (" + std::to_string(found.size()) +
             " bytes instead of " + std::to_string(wanted.size()) + ")");
}

// --- what a process remembers of what it made

enum class Type { kFile, kDirectory, kSymlink, kFifo };

struct Node {
  Type type = Type::kFile;
  std::string data;  // a file's contents or a symlink's target
  mode_t mode = 0;
  unsigned links = 1;
  std::map<std::string, std::string> xattrs;
};
using NodePtr = std::shared_ptr<Node>;

mode_t type_bits(Type type) {
  switch (type) {
    case Type::kFile:
      return S_IFREG;
    case Type::kDirectory:
      return S_IFDIR;
    case Type::kSymlink:
      return S_IFLNK;
    case Type::kFifo:
      return S_IFIFO;
  }
  return 0;
}

// Names in a directory by getdents64 from its current position on, with a buffer so small that it
// takes many requests. Stops after `most` names; leaves the position behind the last.
std::vector<std::string> read_names(int fd, const std::string& path, std::size_t most) {
  std::vector<std::string> names;
  alignas(dirent64) char buffer[480];
  while (names.size() < most) {
    const long got = must(::syscall(SYS_getdents64, fd, buffer, sizeof buffer), path, "getdents64");
    if (got == 0) break;
    off_t next = 0;
    for (long at = 0; at < got && names.size() < most;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      names.emplace_back(entry->d_name);
      next = entry->d_off;
      at += entry->d_reclen;
    }
    must(::lseek(fd, next, SEEK_SET), path, "lseek of a directory");
  }
  return names;
}

// Names that begin with `tag` may be there only once. Others' may come twice: btrfs lists a name
// again that was renamed over meanwhile, also without a view.
std::set<std::string> set_of(const std::vector<std::string>& names, const std::string& path,
                             const std::string& tag = "") {
  std::set<std::string> set;
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    expect(set.insert(name).second || !name.starts_with(tag), path,
           "readdir gives " + name + " twice");
  }
  return set;
}

// --- one directory of one process

class Tree {
 public:
  Tree(std::string directory, std::mt19937& random, std::string tag)
      : directory_(std::move(directory)), random_(random), tag_(std::move(tag)) {}

  const std::string& directory() const { return directory_; }
  void step();
  // Everything that was made, and nothing else that begins with our tag, is in `directory`.
  void verify(const std::string& directory, bool is_view) const;

 private:
  using Entries = std::map<std::string, NodePtr>;

  unsigned pick(unsigned below) {
    return below == 0 ? 0 : static_cast<unsigned>(random_() % below);
  }
  std::string fresh() { return tag_ + std::to_string(++names_); }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string bytes(std::size_t size);
  // Some entry of the type, or end().
  Entries::iterator some(Type type);
  Entries::iterator some_file_of(std::size_t at_least);
  void add(const std::string& name, Type type, std::string data, mode_t mode);
  void check_status(const std::string& name, const Node& node) const;
  void check_data(const std::string& name, const Node& node) const;
  void check_gone(const std::string& name) const;
  static void verify_node(const std::string& path, const Node& node, bool is_view);

  void create();
  void create_existing();
  void make_directory();
  void remove_directory();
  void fill_directory();
  void unlink_some();
  void make_symlink();
  void make_link();
  void link_existing();
  void make_fifo();
  void rename_fresh();
  void rename_over();
  void rename_noreplace();
  void exchange();
  void unnamed_file();
  void unlinked_file();
  void append();
  void overwrite();
  void change_size();
  void allocate();
  void list();
  void change_xattrs();
  void change_mode();
  void change_owner();
  void change_times();
  void map_shared();
  void direct();
  void synchronise();
  void filesystem();
  void execute();

  std::string directory_;
  std::mt19937& random_;
  std::string tag_;
  unsigned names_ = 0;
  Entries entries_;
};

std::string Tree::bytes(std::size_t size) {
  std::string data(size, '\0');
  for (char& byte : data) byte = static_cast<char>('a' + pick(26));
  return data;
}

Tree::Entries::iterator Tree::some(Type type) {
  if (entries_.empty()) return entries_.end();
  auto at = std::next(entries_.begin(), pick(static_cast<unsigned>(entries_.size())));
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (at->second->type == type) return at;
    if (++at == entries_.end()) at = entries_.begin();
  }
  return entries_.end();
}

Tree::Entries::iterator Tree::some_file_of(std::size_t at_least) {
  const auto file = some(Type::kFile);
  return file != entries_.end() && file->second->data.size() >= at_least ? file : entries_.end();
}

void Tree::add(const std::string& name, Type type, std::string data, mode_t mode) {
  auto node = std::make_shared<Node>();
  node->type = type;
  node->data = std::move(data);
  node->mode = mode;
  entries_[name] = node;
  check_status(name, *node);
}

void Tree::check_status(const std::string& name, const Node& node) const {
  const struct stat status = status_of(path(name));
  expect((status.st_mode & S_IFMT) == type_bits(node.type), path(name), "is of another type");
  expect(status.st_uid == ::geteuid() && status.st_gid == ::getegid(), path(name),
         "belongs to " + std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid));
  if (node.type == Type::kDirectory) return;
  expect(
      status.st_nlink == node.links, path(name),
      "has " + std::to_string(status.st_nlink) + " links instead of " + std::to_string(node.links));
  if (node.type == Type::kSymlink) return;
  expect((status.st_mode & 07777) == node.mode, path(name), "has another mode");
  if (node.type != Type::kFile) return;
  expect(status.st_size == static_cast<off_t>(node.data.size()), path(name),
         "is of " + std::to_string(status.st_size) + " bytes instead of " +
             std::to_string(node.data.size()));
}

void Tree::check_data(const std::string& name, const Node& node) const {
  const Fd file = open_file(path(name), O_RDONLY);
  expect_data(read_some(file.get(), kMaxFile * 2, 0, path(name)), node.data, path(name));
}

void Tree::check_gone(const std::string& name) const {
  struct stat status {};
  must_fail(::lstat(path(name).c_str(), &status), ENOENT, path(name), "lstat");
}

void Tree::create() {
  operation = "create";
  const std::string name = fresh();
  Fd file = open_file(path(name), O_CREAT | O_EXCL | O_RDWR, 0640);
  const std::string data = bytes(pick(9000));
  if (!data.empty()) write_all(file.get(), data, 0, path(name));
  file.close(path(name));
  add(name, Type::kFile, data, 0640);
  check_data(name, *entries_[name]);
}

void Tree::create_existing() {
  operation = "create of what exists";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  must_fail(::open(path(file->first).c_str(), O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST,
            path(file->first), "open");
  Fd open = open_file(path(file->first), O_CREAT | O_RDWR | O_TRUNC, 0600);
  file->second->data.clear();
  check_status(file->first, *file->second);
  open.close(path(file->first));
}

void Tree::make_directory() {
  operation = "mkdir";
  const std::string name = fresh();
  must(::mkdir(path(name).c_str(), 0750), path(name), "mkdir");
  add(name, Type::kDirectory, "", 0750);
  must_fail(::mkdir(path(name).c_str(), 0750), EEXIST, path(name), "mkdir");
}

void Tree::remove_directory() {
  operation = "rmdir";
  const auto directory = some(Type::kDirectory);
  if (directory == entries_.end()) return;
  const std::string name = directory->first;
  must(::rmdir(path(name).c_str()), path(name), "rmdir");
  entries_.erase(directory);
  check_gone(name);
}

// A directory with a known set of names, which goes again.
void Tree::fill_directory() {
  operation = "readdir";
  const std::string name = fresh();
  must(::mkdir(path(name).c_str(), 0700), path(name), "mkdir");
  std::set<std::string> wanted;
  for (unsigned i = 0, count = 1 + pick(25); i < count; ++i) {
    const std::string child = "child-with-a-name-" + std::to_string(i);
    Fd file = open_file(path(name) + "/" + child, O_CREAT | O_EXCL | O_WRONLY, 0600);
    file.close(child);
    wanted.insert(child);
  }
  Fd directory = open_file(path(name), O_RDONLY | O_DIRECTORY);
  const auto found = set_of(read_names(directory.get(), path(name), 1000), path(name));
  expect(found == wanted, path(name),
         "lists " + std::to_string(found.size()) + " of " + std::to_string(wanted.size()));
  must_fail(::rmdir(path(name).c_str()), ENOTEMPTY, path(name), "rmdir");
  for (const std::string& child : wanted) {
    must(::unlink((path(name) + "/" + child).c_str()), path(name), "unlink");
  }
  must(::rmdir(path(name).c_str()), path(name), "rmdir");
  check_gone(name);
}

void Tree::unlink_some() {
  operation = "unlink";
  const auto entry = some(pick(3) == 0 ? Type::kSymlink : pick(4) == 0 ? Type::kFifo : Type::kFile);
  if (entry == entries_.end()) return;
  const std::string name = entry->first;
  const NodePtr node = entry->second;
  must(::unlink(path(name).c_str()), path(name), "unlink");
  entries_.erase(entry);
  --node->links;
  check_gone(name);
  must_fail(::unlink(path(name).c_str()), ENOENT, path(name), "unlink");
}

void Tree::make_symlink() {
  operation = "symlink";
  const std::string name = fresh();
  const std::string target = "to/" + bytes(1 + pick(80));
  must(::symlink(target.c_str(), path(name).c_str()), path(name), "symlink");
  add(name, Type::kSymlink, target, 0777);
  char found[256];
  const ssize_t size =
      must(::readlink(path(name).c_str(), found, sizeof found), path(name), "readlink");
  expect_data(std::string(found, static_cast<std::size_t>(size)), target, path(name));
}

void Tree::make_link() {
  operation = "link";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string name = fresh();
  must(::link(path(file->first).c_str(), path(name).c_str()), path(name), "link");
  ++file->second->links;
  entries_[name] = file->second;
  check_status(name, *file->second);
}

void Tree::link_existing() {
  operation = "link to what exists";
  const auto file = some(Type::kFile);
  const auto other = some(Type::kSymlink);
  if (file == entries_.end() || other == entries_.end()) return;
  must_fail(::link(path(file->first).c_str(), path(other->first).c_str()), EEXIST,
            path(other->first), "link");
}

void Tree::make_fifo() {
  operation = "mknod";
  const std::string name = fresh();
  must(::mknod(path(name).c_str(), S_IFIFO | 0620, 0), path(name), "mknod");
  add(name, Type::kFifo, "", 0620);
}

void Tree::rename_fresh() {
  operation = "rename";
  if (entries_.empty()) return;
  const auto entry = std::next(entries_.begin(), pick(static_cast<unsigned>(entries_.size())));
  const std::string from = entry->first;
  const std::string to = fresh();
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
  must(::renameat2(AT_FDCWD, path(one->first).c_str(), AT_FDCWD, path(other->first).c_str(),
                   RENAME_EXCHANGE),
       path(one->first), "renameat2");
  std::swap(one->second, other->second);
  check_status(one->first, *one->second);
  check_status(other->first, *other->second);
  if (one->second->type == Type::kFile) check_data(one->first, *one->second);
}

void Tree::unnamed_file() {
  operation = "O_TMPFILE";
  Fd file = open_file(directory_, O_TMPFILE | O_RDWR, 0640);
  const std::string data = bytes(1 + pick(5000));
  write_all(file.get(), data, 0, directory_);
  const std::string name = fresh();
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  must(::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, path(name).c_str(), AT_SYMLINK_FOLLOW),
       path(name), "linkat");
  file.close(path(name));
  add(name, Type::kFile, data, 0640);
  check_data(name, *entries_[name]);
}

void Tree::unlinked_file() {
  operation = "an unlinked open file";
  const std::string name = fresh();
  Fd file = open_file(path(name), O_CREAT | O_EXCL | O_RDWR, 0600);
  must(::unlink(path(name).c_str()), path(name), "unlink");
  std::string data;
  for (unsigned i = 0; i < 3; ++i) {
    const std::string more = bytes(1 + pick(3000));
    write_all(file.get(), more, static_cast<off_t>(data.size()), path(name));
    data += more;
    expect_data(read_some(file.get(), kMaxFile, 0, path(name)), data, path(name));
    struct stat status {};
    must(::fstat(file.get(), &status), path(name), "fstat");
    expect(status.st_nlink == 0, path(name), "has a link");
    expect(status.st_size == static_cast<off_t>(data.size()), path(name), "is of another size");
  }
  must(::ftruncate(file.get(), 1), path(name), "ftruncate");
  expect_data(read_some(file.get(), kMaxFile, 0, path(name)), data.substr(0, 1), path(name));
  file.close(path(name));
}

void Tree::append() {
  operation = "append";
  const auto file = some(Type::kFile);
  if (file == entries_.end() || file->second->data.size() > kMaxFile) return;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_WRONLY | O_APPEND);
  for (unsigned i = 0, count = 1 + pick(4); i < count; ++i) {
    const std::string more = bytes(1 + pick(2000));
    const ssize_t put = must(::write(open.get(), more.data(), more.size()), where, "write");
    expect(put == static_cast<ssize_t>(more.size()), where, "a short write");
    file->second->data += more;
  }
  open.close(where);
  check_status(file->first, *file->second);
  check_data(file->first, *file->second);
}

void Tree::overwrite() {
  operation = "pwrite";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR);
  const std::size_t at = pick(static_cast<unsigned>(data.size()) + 5000);
  const std::string more = bytes(1 + pick(8000));
  write_all(open.get(), more, static_cast<off_t>(at), where);
  if (data.size() < at + more.size()) data.resize(at + more.size(), '\0');
  data.replace(at, more.size(), more);
  expect_data(read_some(open.get(), more.size(), static_cast<off_t>(at), where), more, where);
  open.close(where);
  check_data(file->first, *file->second);
}

void Tree::change_size() {
  operation = "truncate";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string where = path(file->first);
  const std::size_t size = pick(static_cast<unsigned>(file->second->data.size()) + 3000);
  if (pick(2) == 0) {
    must(::truncate(where.c_str(), static_cast<off_t>(size)), where, "truncate");
  } else {
    Fd open = open_file(where, O_WRONLY);
    must(::ftruncate(open.get(), static_cast<off_t>(size)), where, "ftruncate");
    open.close(where);
  }
  file->second->data.resize(size, '\0');
  check_status(file->first, *file->second);
  check_data(file->first, *file->second);
}

void Tree::allocate() {
  operation = "fallocate";
  const auto file = some_file_of(100);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR);
  must(::fallocate(open.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(data.size()) + 70000),
       where, "fallocate KEEP_SIZE");
  check_status(file->first, *file->second);
  const std::size_t from = pick(static_cast<unsigned>(data.size()));
  const std::size_t size = 1 + pick(static_cast<unsigned>(data.size() - from));
  must(::fallocate(open.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                   static_cast<off_t>(size)),
       where, "fallocate PUNCH_HOLE");
  data.replace(from, size, std::string(size, '\0'));
  open.close(where);
  check_status(file->first, *file->second);
  check_data(file->first, *file->second);
}

void Tree::list() {
  operation = "readdir";
  Fd directory = open_file(directory_, O_RDONLY | O_DIRECTORY);
  const auto found = set_of(read_names(directory.get(), directory_, 100000), directory_, tag_);
  std::size_t ours = 0;
  for (const std::string& name : found) {
    if (!name.starts_with(tag_)) continue;
    ++ours;
    expect(entries_.contains(name), path(name), "is listed and should be gone");
  }
  expect(ours == entries_.size(), directory_,
         "lists " + std::to_string(ours) + " of " + std::to_string(entries_.size()));
}

void Tree::change_xattrs() {
  operation = "xattr";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  auto& xattrs = file->second->xattrs;
  const std::string where = path(file->first);
  const char* const file_path = where.c_str();
  const std::string name = "user.test" + std::to_string(pick(3));
  const std::string value = bytes(1 + pick(60));
  const bool is_there = xattrs.contains(name);
  const int flag = is_there ? XATTR_REPLACE : XATTR_CREATE;
  must_fail(::setxattr(file_path, name.c_str(), value.data(), value.size(),
                       flag ^ (XATTR_REPLACE | XATTR_CREATE)),
            is_there ? EEXIST : ENODATA, where, "setxattr");
  if (!is_there) must_fail(::removexattr(file_path, name.c_str()), ENODATA, where, "removexattr");
  must(::setxattr(file_path, name.c_str(), value.data(), value.size(), flag), where, "setxattr");
  xattrs[name] = value;
  if (pick(3) == 0) {
    must(::removexattr(file_path, name.c_str()), where, "removexattr");
    xattrs.erase(name);
  }
  verify_node(where, *file->second, true);
}

void Tree::change_mode() {
  operation = "chmod";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  file->second->mode = static_cast<mode_t>(0600 | pick(0200));
  must(::chmod(path(file->first).c_str(), file->second->mode), path(file->first), "chmod");
  check_status(file->first, *file->second);
}

void Tree::change_owner() {
  operation = "chown";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  must(::chown(path(file->first).c_str(), static_cast<uid_t>(-1), ::getegid()), path(file->first),
       "chown");
  check_status(file->first, *file->second);
}

void Tree::change_times() {
  operation = "utimens";
  const auto file = some(Type::kFile);
  if (file == entries_.end()) return;
  const std::string where = path(file->first);
  const timespec times[2] = {{1000000 + pick(1000), 5}, {2000000 + pick(1000), 7}};
  must(::utimensat(AT_FDCWD, where.c_str(), times, 0), where, "utimensat");
  const struct stat status = status_of(where);
  expect(status.st_mtim.tv_sec == times[1].tv_sec && status.st_mtim.tv_nsec == 7, where,
         "has another mtime");
}

void Tree::map_shared() {
  operation = "mmap";
  const auto file = some_file_of(100);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR);
  void* const memory =
      ::mmap(nullptr, data.size(), PROT_READ | PROT_WRITE, MAP_SHARED, open.get(), 0);
  expect(memory != MAP_FAILED, where, std::string("mmap: ") + std::strerror(errno));
  const std::unique_ptr<void, std::function<void(void*)>> mapping(
      memory, [size = data.size()](void* mapped) { ::munmap(mapped, size); });
  expect_data(std::string(static_cast<char*>(memory), data.size()), data, where);
  const std::string more = bytes(50);
  const std::size_t at = pick(static_cast<unsigned>(data.size() - more.size()));
  std::memcpy(static_cast<char*>(memory) + at, more.data(), more.size());
  data.replace(at, more.size(), more);
  must(::msync(memory, data.size(), MS_SYNC), where, "msync");
  expect_data(read_some(open.get(), data.size() + 1, 0, where), data, where);
  open.close(where);
}

void Tree::direct() {
  operation = "O_DIRECT";
  const auto file = some_file_of(1);
  if (file == entries_.end()) return;
  std::string& data = file->second->data;
  const std::string where = path(file->first);
  Fd open = open_file(where, O_RDWR | O_DIRECT);
  const std::unique_ptr<char, decltype(&std::free)> block(
      static_cast<char*>(std::aligned_alloc(kBlock, kBlock)), std::free);
  const std::string more = bytes(kBlock);
  const std::size_t at = pick(4) * kBlock;
  std::memcpy(block.get(), more.data(), kBlock);
  const ssize_t put =
      must(::pwrite(open.get(), block.get(), kBlock, static_cast<off_t>(at)), where, "pwrite");
  expect(put == static_cast<ssize_t>(kBlock), where, "a short direct write");
  std::memset(block.get(), 0, kBlock);
  const ssize_t got =
      must(::pread(open.get(), block.get(), kBlock, static_cast<off_t>(at)), where, "pread");
  expect_data(std::string(block.get(), static_cast<std::size_t>(got)), more, where);
  if (data.size() < at + kBlock) data.resize(at + kBlock, '\0');
  data.replace(at, kBlock, more);
  open.close(where);
  check_data(file->first, *file->second);
}

void Tree::synchronise() {
  operation = "fsync";
  const auto file = some(Type::kFile);
  if (file == entries_.end() || pick(8) != 0) return;
  Fd open = open_file(path(file->first), O_WRONLY);
  must(::fsync(open.get()), path(file->first), "fsync");
  open.close(path(file->first));
}

void Tree::filesystem() {
  operation = "statfs";
  struct statvfs status {};
  must(::statvfs(directory_.c_str(), &status), directory_, "statvfs");
  expect(status.f_blocks != 0, directory_, "has no blocks");
}

// Nobody has it open for writing any more: ETXTBSY would be a lie.
void Tree::execute() {
  operation = "execve";
  if (pick(4) != 0) return;
  const std::string name = fresh();
  const std::string script = "#!/bin/sh\nexit 7\n";
  Fd file = open_file(path(name), O_CREAT | O_EXCL | O_WRONLY, 0755);
  write_all(file.get(), script, 0, path(name));
  file.close(path(name));
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(path(name).c_str(), name.c_str(), nullptr);
    ::_exit(errno);
  }
  int status = 0;
  must(::waitpid(child, &status, 0), path(name), "waitpid");
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 7, path(name),
         "ended with " + std::to_string(status >> 8));
  must(::unlink(path(name).c_str()), path(name), "unlink");
}

void Tree::step() {
  using Operation = void (Tree::*)();
  static constexpr Operation kGrowing[] = {&Tree::create,       &Tree::make_directory,
                                           &Tree::make_symlink, &Tree::make_link,
                                           &Tree::make_fifo,    &Tree::unnamed_file};
  static constexpr Operation kOthers[] = {
      &Tree::create_existing,  &Tree::remove_directory, &Tree::fill_directory, &Tree::unlink_some,
      &Tree::unlink_some,      &Tree::link_existing,    &Tree::rename_fresh,   &Tree::rename_over,
      &Tree::rename_noreplace, &Tree::exchange,         &Tree::unlinked_file,  &Tree::append,
      &Tree::overwrite,        &Tree::change_size,      &Tree::allocate,       &Tree::list,
      &Tree::change_xattrs,    &Tree::change_mode,      &Tree::change_owner,   &Tree::change_times,
      &Tree::map_shared,       &Tree::direct,           &Tree::synchronise,    &Tree::filesystem,
      &Tree::execute};
  if (pick(5) < 2 && entries_.size() < kMaxEntries) {
    (this->*kGrowing[pick(std::size(kGrowing))])();
  } else {
    (this->*kOthers[pick(std::size(kOthers))])();
  }
}

void Tree::verify_node(const std::string& path, const Node& node, bool is_view) {
  for (const auto& [name, value] : node.xattrs) {
    char found[256];
    const ssize_t size =
        must(::getxattr(path.c_str(), name.c_str(), found, sizeof found), path, "getxattr");
    expect_data(std::string(found, static_cast<std::size_t>(size)), value, path);
  }
  if (!is_view) return;  // the backing has some of its own
  char names[1024];
  const ssize_t size = must(::llistxattr(path.c_str(), names, sizeof names), path, "listxattr");
  std::size_t count = 0;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(std::strlen(names + at)) + 1) {
    if (std::strncmp(names + at, "user.", 5) == 0) ++count;
  }
  expect(count == node.xattrs.size(), path, "lists another number of xattrs");
}

void Tree::verify(const std::string& directory, bool is_view) const {
  operation = is_view ? "verify" : "verify the backing";
  const Fd open = open_file(directory, O_RDONLY | O_DIRECTORY);
  std::size_t ours = 0;
  for (const std::string& name :
       set_of(read_names(open.get(), directory, 100000), directory, tag_)) {
    if (name.starts_with(tag_)) ++ours;
  }
  expect(ours == entries_.size(), directory,
         "has " + std::to_string(ours) + " entries instead of " + std::to_string(entries_.size()));
  for (const auto& [name, node] : entries_) {
    const std::string where = directory + "/" + name;
    const struct stat status = status_of(where);
    expect((status.st_mode & S_IFMT) == type_bits(node->type), where, "is of another type");
    if (node->type != Type::kDirectory) expect(status.st_nlink == node->links, where, "links");
    if (is_view) check_status(name, *node);
    if (node->type == Type::kSymlink) {
      char target[256];
      const ssize_t size =
          must(::readlink(where.c_str(), target, sizeof target), where, "readlink");
      expect_data(std::string(target, static_cast<std::size_t>(size)), node->data, where);
    }
    if (node->type != Type::kFile) continue;
    const Fd file = open_file(where, O_RDONLY);
    expect_data(read_some(file.get(), kMaxFile * 3, 0, where), node->data, where);
    verify_node(where, *node, is_view);
  }
}

// --- what is held open over many operations, and so over deaths

class Held {
 public:
  Held(const std::string& directory, std::mt19937& random) : random_(random) {
    operation = "held files";
    directory_ = directory + "/held";
    must(::mkdir(directory_.c_str(), 0700), directory_, "mkdir");
    for (std::size_t i = 0; i < kHeldEntries; ++i) {
      const std::string name = "held-entry-" + std::to_string(i);
      Fd file = open_file(directory_ + "/" + name, O_CREAT | O_EXCL | O_WRONLY, 0600);
      wanted_.insert(name);
    }
    listing_ = open_file(directory_, O_RDONLY | O_DIRECTORY);
    unlinked_path_ = directory + "/unlinked";
    reopen_unlinked();
  }

  void step() {
    read_on();
    use_unlinked();
  }

 private:
  void reopen_unlinked() {
    file_ = open_file(unlinked_path_, O_CREAT | O_EXCL | O_RDWR, 0600);
    must(::unlink(unlinked_path_.c_str()), unlinked_path_, "unlink");
    data_.clear();
  }

  void use_unlinked() {
    operation = "a held unlinked file";
    if (random_() % 50 == 0) reopen_unlinked();
    const std::string more(1 + random_() % 500, static_cast<char>('a' + random_() % 26));
    if (data_.size() > kMaxFile) {
      must(::ftruncate(file_.get(), 10), unlinked_path_, "ftruncate");
      data_.resize(10);
    }
    write_all(file_.get(), more, static_cast<off_t>(data_.size()), unlinked_path_);
    data_ += more;
    struct stat status {};
    must(::fstat(file_.get(), &status), unlinked_path_, "fstat");
    expect(status.st_nlink == 0, unlinked_path_, "has a link");
    expect(status.st_size == static_cast<off_t>(data_.size()), unlinked_path_, "another size");
    expect_data(read_some(file_.get(), kMaxFile * 2, 0, unlinked_path_), data_, unlinked_path_);
  }

  // Some names at a time, sometimes going back to a position and reading the same again.
  void read_on() {
    operation = "a held directory";
    const off_t before = must(::lseek(listing_.get(), 0, SEEK_CUR), directory_, "telldir");
    const auto names = read_names(listing_.get(), directory_, 1 + random_() % 9);
    if (names.empty()) {
      expect(set_of(found_, directory_) == wanted_, directory_, "does not list all of its names");
      found_.clear();
      must(::lseek(listing_.get(), 0, SEEK_SET), directory_, "rewinddir");
      return;
    }
    if (random_() % 3 == 0) {
      must(::lseek(listing_.get(), before, SEEK_SET), directory_, "seekdir");
      expect(read_names(listing_.get(), directory_, names.size()) == names, directory_,
             "gives other names after seekdir");
    }
    found_.insert(found_.end(), names.begin(), names.end());
  }

  std::mt19937& random_;
  std::string directory_;
  std::string unlinked_path_;
  std::set<std::string> wanted_;
  std::vector<std::string> found_;
  Fd listing_;
  Fd file_;
  std::string data_;
};

// --- one process

class Process {
 public:
  Process(std::string root, std::string backing, unsigned index, unsigned seed)
      : root_(std::move(root)),
        backing_(std::move(backing)),
        index_(index),
        random_(seed + index) {}

  int run(unsigned seconds) {
    const time_t end = ::time(nullptr) + seconds;
    while (errors_ < kMaxErrors) {
      try {
        if (begin_anew(end)) break;
      } catch (const Unexpected& unexpected) {
        ++errors_;
        std::printf("UNEXPECTED: process %u: %s\n", index_, unexpected.what.c_str());
      }
    }
    std::printf("process %u: %lu steps, %d errors\n", index_, steps_, errors_);
    return errors_ == 0 ? 0 : 1;
  }

 private:
  // After an error we no longer know what there is: each try has directories of its own.
  bool begin_anew(time_t end) {
    operation = "begin";
    const std::string name = "p" + std::to_string(index_) + "-" + std::to_string(++tries_);
    const std::string own = root_ + "/" + name;
    must(::mkdir(own.c_str(), 0755), own, "mkdir");
    Tree tree(own, random_, "f");
    Tree shared(root_ + "/shared", random_, name + "-");
    Held held(own, random_);
    while (::time(nullptr) < end) {
      (random_() % 4 == 0 ? shared : tree).step();
      if (random_() % 4 == 0) held.step();
      ++steps_;
    }
    tree.verify(own, true);
    shared.verify(shared.directory(), true);
    if (backing_ == "-") return true;
    must(::seteuid(0), backing_, "seteuid");
    tree.verify(backing_ + "/" + name, false);
    shared.verify(backing_ + "/shared", false);
    return true;
  }

  std::string root_;
  std::string backing_;
  unsigned index_;
  std::mt19937 random_;
  unsigned tries_ = 0;
  unsigned long steps_ = 0;
  int errors_ = 0;
};

// Signals that interrupt whatever we wait for, and nothing may fail of it.
void be_interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  const itimerval often{{0, 7000}, {0, 7000}};
  if (::sigaction(SIGALRM, &action, nullptr) < 0 || ::setitimer(ITIMER_REAL, &often, nullptr) < 0) {
    std::perror("crash_load: setitimer");
  }
}

int run_process(const char* const* arguments, unsigned index) {
  const gid_t id = 101000 + index % 2;
  ::umask(0);
  // The saved id stays root's, for the comparison with the backing.
  if (::setgroups(0, nullptr) < 0 || ::setresgid(id, id, id) < 0 || ::setresuid(id, id, 0) < 0) {
    std::perror("crash_load: setresuid");
    return 1;
  }
  if (index % 2 == 1) be_interrupted();
  Process process(arguments[1], arguments[2], index,
                  static_cast<unsigned>(std::strtoul(arguments[5], nullptr, 10)));
  const int code = process.run(static_cast<unsigned>(std::strtoul(arguments[3], nullptr, 10)));
  std::fflush(stdout);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: crash_load DIRECTORY BACKING SECONDS PROCESSES SEED\n", stderr);
    return 2;
  }
  const std::string shared = std::string(argv[1]) + "/shared";
  if (::mkdir(shared.c_str(), 0777) < 0 && errno != EEXIST) {
    std::perror(shared.c_str());
    return 1;
  }
  if (::chmod(shared.c_str(), 0777) < 0) {
    std::perror(shared.c_str());
    return 1;
  }
  const auto processes = static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10));
  for (unsigned i = 0; i < processes; ++i) {
    if (::fork() == 0) ::_exit(run_process(argv, i));
  }
  int code = 0;
  int status = 0;
  while (::wait(&status) > 0) {
    if (status != 0) code = 1;
  }
  return code;
}
