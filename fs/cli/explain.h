// What `cvfs explain` finds out: the file, who asks, what they may do and why. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/container.h"
#include "cli/explained_view.h"

namespace cvfs {

struct ExplainOptions {
  std::string path;
  std::string container;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  bool host = false;  // the ids are the host's
  bool json = false;
};

// A verdict on one thing that can be done.
struct Answer {
  std::string action;  // "read", "write", "run"; "list", "create", "enter"; "remove"
  Verdict verdict;
};

struct Explanation {
  ExplainedView view;
  MountEntry mount;  // by which it is reached
  std::optional<Container> container;
  std::vector<ExplainedFile> way;  // from the mount's root on; the file is the last
  Asker asker;
  bool has_container_id = true;  // the asker, in the view's maps
  std::vector<Answer> answers;
  std::vector<std::string> changes;  // what would make a "no" a "yes"
  std::vector<std::string> notes;

  const ExplainedFile& file() const { return way.back(); }
};

Outcome<Explanation> explain(const ExplainOptions& options);

}  // namespace cvfs
