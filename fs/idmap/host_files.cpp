#include "idmap/host_files.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

namespace cvfs {
namespace {

Outcome<std::optional<std::string>> missing_or_refused(const std::string& path, int error) {
  if (error == ENOENT || error == ESRCH) return std::optional<std::string>();
  return refuse(path, "cannot be read: " + std::generic_category().message(error), "ls -l " + path);
}

}  // namespace

Outcome<std::optional<std::string>> read_host_file(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  if (!file) return missing_or_refused(path, errno);
  std::string contents;
  char buffer[4096];
  for (;;) {
    errno = 0;
    const std::size_t length = std::fread(buffer, 1, sizeof buffer, file.get());
    contents.append(buffer, length);
    if (length < sizeof buffer) break;
  }
  if (std::ferror(file.get())) return missing_or_refused(path, errno);
  return std::optional(std::move(contents));
}

}  // namespace cvfs
