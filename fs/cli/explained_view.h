// ExplainedView: a view with its maps, and its files as they are on disk and as it shows them. Asks
// the view at its control socket only, and looks at the tenant's tree itself: a view that hangs is
// explained like any other. One thread; needs root.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/operator_error.h"
#include "base/unique_fd.h"
#include "cli/access.h"
#include "control/running_views.h"
#include "idmap/identity.h"
#include "sys/file.h"

namespace cvfs {

// What a file is on disk, and as the view shows it (with its own ids: as owner=caller shows it to
// nobody in particular).
struct ExplainedFile {
  std::string path;  // in the view: "/data/file"
  sys::FileStatus on_disk;
  ShownFile shown;
  std::string note;  // "fresh volume ...", "its owner and mode are in an xattr"; empty: nothing
};

class ExplainedView {
 public:
  // Refused: it gives no answer, or says nothing of its maps (it is of an older version); its
  // source is not there any more.
  static Outcome<ExplainedView> ask(const RunningView& view);

  const RunningView& view() const { return view_; }
  const Identity& identity() const { return *identity_; }
  const std::string& owner() const { return owner_; }
  // "/containerdata/user-toto/data": where `path` of the view is on disk.
  std::string disk_path(const std::string& path) const;
  // "/srv/toto/data": where it is for the host; the path on disk where nothing is mounted here.
  std::string host_path(const std::string& path) const;

  // The directories on the way from `from` on, and the file itself at the end. No symlink is
  // followed. Refused: something is missing, or a symlink.
  Outcome<std::vector<ExplainedFile>> walk(const std::string& from, const std::string& path) const;

 private:
  ExplainedView() = default;
  Outcome<ExplainedFile> look(const UniqueFd& file, const std::string& path) const;
  void show(const UniqueFd& file, ExplainedFile& explained) const;
  void show_virtual(const UniqueFd& file, ExplainedFile& explained) const;

  RunningView view_;
  std::unique_ptr<Identity> identity_;
  std::string owner_;
  std::string disk_root_;
  UniqueFd source_;
};

}  // namespace cvfs
