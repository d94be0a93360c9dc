#include "cli/purge.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "base/result.h"
#include "control/printable.h"
#include "sys/file.h"

namespace cvfs {
namespace {

// Instead of going down, what is below comes up: a directory that is not empty is renamed to the
// top. So there are never more than two directories open, and never a path.
class Purge {
 public:
  explicit Purge(UniqueFd top) : top_(std::move(top)) {}

  // Until nothing is left, or nothing more can be done.
  Result<void> run() {
    for (;;) {
      const std::uint64_t before = deleted_ + raised_;
      TRY(clear(top_.get()));
      if (is_clear_) return {};
      if (deleted_ + raised_ == before) return fail(last_);
    }
  }

  std::uint64_t deleted() const { return deleted_; }
  const std::string& stuck() const { return stuck_; }

 private:
  Result<void> clear(int directory) {
    is_clear_ = true;
    for (const std::string& name : TRY(names_in(directory))) {
      const auto done = remove(directory, name);
      if (done) continue;
      is_clear_ = false;
      last_ = done.error();
      stuck_ = name;
    }
    return {};
  }

  static Result<std::vector<std::string>> names_in(int directory_fd) {
    UniqueFd own = TRY(sys::open_name(directory_fd, ".", O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(own.release()), ::closedir);
    if (!directory) return last_error();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    return names;
  }

  Result<void> unlink(int directory, const std::string& name, int flags) {
    TRY(succeeded(::unlinkat(directory, name.c_str(), flags)));
    ++deleted_;
    return {};
  }

  // An entry of the top.
  Result<void> remove(int directory, const std::string& name) {
    const auto unlinked = unlink(directory, name, 0);
    if (unlinked || unlinked.error().value != EISDIR) return unlinked;
    const auto removed = unlink(directory, name, AT_REMOVEDIR);
    if (removed || removed.error().value != ENOTEMPTY) return removed;
    const UniqueFd below = TRY(sys::open_name_on_mount(directory, name.c_str()));
    Result<void> failed;
    for (const std::string& child : TRY(names_in(below.get()))) {
      const auto done = raise(below.get(), child);
      if (!done) failed = done;
    }
    if (!failed) return failed;
    return unlink(directory, name, AT_REMOVEDIR);
  }

  // Deleted, or brought to the top under a name that nothing has.
  Result<void> raise(int directory, const std::string& name) {
    const auto unlinked = unlink(directory, name, 0);
    if (unlinked || unlinked.error().value != EISDIR) return unlinked;
    const auto removed = unlink(directory, name, AT_REMOVEDIR);
    if (removed || removed.error().value != ENOTEMPTY) return removed;
    for (;;) {
      const std::string target = "cvfs-purge-" + std::to_string(number_++);
      const auto renamed = succeeded(
          ::renameat2(directory, name.c_str(), top_.get(), target.c_str(), RENAME_NOREPLACE));
      if (renamed) ++raised_;
      if (renamed || renamed.error().value != EEXIST) return renamed;
    }
  }

  UniqueFd top_;
  std::uint64_t deleted_ = 0;
  std::uint64_t raised_ = 0;
  std::uint64_t number_ = 0;
  bool is_clear_ = false;
  Errno last_{EBUSY};
  std::string stuck_;
};

OperatorError refusal(const std::string& path, const std::string& stuck, Errno error) {
  std::string hint = "once more";
  if (error.value == EPERM) hint = "chattr -R -i -a " + path + ", and once more";
  if (error.value == EBUSY || error.value == EXDEV) {
    hint = "umount what findmnt -R " + path + " shows, and once more";
  }
  return {ExitCode::kSystem, printable(stuck.empty() ? path : path + "/**/" + stuck),
          std::string("cannot be deleted: ") + std::strerror(error.value), printable(hint)};
}

}  // namespace

Outcome<std::uint64_t> purge(int directory_fd, const std::string& name, const std::string& path) {
  auto top = sys::open_name_on_mount(directory_fd, name.c_str());
  if (!top) return refuse(refusal(path, "", top.error()));
  Purge purge(std::move(*top));
  const auto done = purge.run();
  if (!done) return refuse(refusal(path, purge.stuck(), done.error()));
  const auto removed = succeeded(::unlinkat(directory_fd, name.c_str(), AT_REMOVEDIR));
  if (!removed) return refuse(refusal(path, "", removed.error()));
  return purge.deleted();
}

}  // namespace cvfs
