#include "look.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>

namespace differential {

namespace {

std::string error_name() {
  return strerrorname_np(errno);
}

// Only a time that somebody has set can be compared.
std::string time_text(const statx_timestamp& time) {
  constexpr long long kFirstNow = 1'500'000'000;
  constexpr long long kLastNow = 4'000'000'000;
  if (time.tv_sec >= kFirstNow && time.tv_sec <= kLastNow) return "now";
  return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
}

std::string text_of(const struct statx& status) {
  char line[256];
  std::snprintf(line, sizeof line, "mode=0%o nlink=%u owner=%u:%u rdev=%u:%u", status.stx_mode,
                status.stx_nlink, status.stx_uid, status.stx_gid, status.stx_rdev_major,
                status.stx_rdev_minor);
  std::string text = line;
  // A directory's size is the business of the filesystem that it lies on.
  if (!S_ISDIR(status.stx_mode)) text += " size=" + std::to_string(status.stx_size);
  text += " blksize=" + std::to_string(status.stx_blksize);
  text += " atime=" + time_text(status.stx_atime) + " mtime=" + time_text(status.stx_mtime);
  if ((status.stx_mask & STATX_BTIME) == 0) text += " no btime";
  return text;
}

int status(int directory, const char* path, int at_flags, struct statx& found) {
  return ::statx(directory, path, at_flags, STATX_BASIC_STATS | STATX_BTIME, &found);
}

std::uint64_t hash_of(std::uint64_t hash, const char* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3;
  }
  return hash;
}

// Where there is data, and what; holes are passed over.
std::string contents_of(int fd) {
  std::uint64_t hash = 0xcbf29ce484222325;
  char buffer[65536];
  const off_t end = ::lseek(fd, 0, SEEK_END);
  for (off_t at = 0; at < end;) {
    at = ::lseek(fd, at, SEEK_DATA);
    if (at < 0) break;
    const ssize_t got = ::pread(fd, buffer, sizeof buffer, at);
    if (got <= 0) return "read " + error_name();
    const auto count = static_cast<std::size_t>(got);
    // Zeros count as a hole: what is allocated may differ.
    for (std::size_t i = 0; i < count; ++i) {
      if (buffer[i] == 0) continue;
      const std::uint64_t place = static_cast<std::uint64_t>(at) + i;
      hash = hash_of(hash, reinterpret_cast<const char*>(&place), sizeof place);
      hash = hash_of(hash, buffer + i, 1);
    }
    at += got;
  }
  char text[32];
  std::snprintf(text, sizeof text, "data=%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string xattrs_of(const char* path) {
  char names[65536];
  const ssize_t size = ::llistxattr(path, names, sizeof names);
  if (size < 0) return " listxattr=" + error_name();
  std::vector<std::string> all;
  for (const char* name = names; name < names + size; name += std::strlen(name) + 1) {
    if (is_acl_of_xfs(name)) continue;
    std::string value(65536, '\0');
    const ssize_t length = ::lgetxattr(path, name, value.data(), value.size());
    value.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    all.push_back(std::string(" ") + name + "=" + (length < 0 ? error_name() : quoted(value)));
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& one : all) text += one;
  return text;
}

std::string body_of(const char* path, mode_t mode) {
  char target[PATH_MAX + 1];
  if (S_ISLNK(mode)) {
    const ssize_t length = ::readlink(path, target, sizeof target);
    if (length < 0) return "readlink " + error_name();
    return "-> " + quoted(std::string(target, static_cast<std::size_t>(length)));
  }
  if (!S_ISREG(mode)) return "";
  const int fd = ::open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return "open " + error_name();
  std::string text = contents_of(fd);
  ::close(fd);
  return text;
}

using FirstNames = std::map<std::pair<std::uint64_t, std::uint64_t>, std::string>;

void add_tree(const std::string& path, FirstNames& seen, std::vector<std::string>& lines);

void add_file(const std::string& path, FirstNames& seen, std::vector<std::string>& lines) {
  struct statx found {};
  if (status(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, found) < 0) {
    lines.push_back(quoted(path) + ": " + error_name());
    return;
  }
  std::string line = quoted(path) + ": " + text_of(found) + " ";
  const auto key = std::pair(found.stx_ino, std::uint64_t{found.stx_dev_minor});
  const auto [first, is_new] = seen.try_emplace(key, path);
  if (!is_new) {
    lines.push_back(line + "same file as " + quoted(first->second));
    return;
  }
  lines.push_back(line + body_of(path.c_str(), found.stx_mode) + xattrs_of(path.c_str()));
  if (S_ISDIR(found.stx_mode)) add_tree(path, seen, lines);
}

void add_tree(const std::string& path, FirstNames& seen, std::vector<std::string>& lines) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) {
    lines.push_back(quoted(path) + ": opendir " + error_name());
    return;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (name != "." && name != "..") add_file(path + "/" + name, seen, lines);
  }
}

}  // namespace

bool is_acl_of_xfs(const std::string& xattr) {
  return xattr.starts_with("trusted.SGI_ACL_");
}

std::string quoted(const std::string& bytes) {
  constexpr std::size_t kMost = 300;
  std::string text = "\"";
  for (const char byte : bytes.substr(0, kMost)) {
    if (byte == '"' || byte == '\\') text += '\\';
    if (byte >= ' ' && byte <= '~') {
      text += byte;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\%03o", static_cast<unsigned char>(byte));
      text += escape;
    }
  }
  text += '"';
  if (bytes.size() <= kMost) return text;
  const std::uint64_t hash = hash_of(0, bytes.data(), bytes.size());
  return text + "...(" + std::to_string(bytes.size()) + " bytes, " + std::to_string(hash) + ")";
}

std::string status_of(int directory, const char* path, int at_flags) {
  struct statx found {};
  if (status(directory, path, at_flags, found) < 0) return "-1 " + error_name();
  return text_of(found);
}

std::string listing_of(int fd) {
  alignas(dirent64) char buffer[32768];
  std::vector<std::string> entries;
  for (;;) {
    const ssize_t size = ::getdents64(fd, buffer, sizeof buffer);
    if (size < 0) return "-1 " + error_name();
    if (size == 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      entries.push_back(quoted(entry->d_name) + ":" + std::to_string(entry->d_type));
      at += entry->d_reclen;
    }
  }
  std::sort(entries.begin(), entries.end());
  std::string text;
  for (const std::string& entry : entries) text += " " + entry;
  return text;
}

std::vector<std::string> tree_of(int root_fd) {
  std::vector<std::string> lines;
  if (::fchdir(root_fd) < 0) return {"fchdir " + error_name()};
  FirstNames seen;
  add_file(".", seen, lines);
  return lines;
}

Times::Times(int directory, std::string path, int at_flags)
    : directory_(directory), path_(std::move(path)), at_flags_(at_flags), before_(read()) {}

Times::Stamps Times::read() const {
  Stamps stamps;
  struct statx found {};
  if (status(directory_, path_.c_str(), at_flags_, found) < 0) return stamps;
  stamps.exists = true;
  const statx_timestamp* times[] = {&found.stx_atime, &found.stx_mtime, &found.stx_ctime};
  for (std::size_t i = 0; i < 3; ++i) {
    stamps.values[i][0] = times[i]->tv_sec;
    stamps.values[i][1] = times[i]->tv_nsec;
  }
  return stamps;
}

std::string Times::moved() const {
  const Stamps after = read();
  if (before_.exists != after.exists) return after.exists ? "appeared" : "gone";
  if (!after.exists) return "none";
  std::string text;
  for (std::size_t i = 0; i < 3; ++i) {
    if (std::memcmp(before_.values[i], after.values[i], sizeof after.values[i]) == 0) continue;
    text += "amc"[i];
  }
  return text.empty() ? "unmoved" : text;
}

}  // namespace differential
