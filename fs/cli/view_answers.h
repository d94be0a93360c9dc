// What the views on a command line say to a command, asked one after the other. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/operator_error.h"
#include "cli/console.h"
#include "control/control_message.h"
#include "control/running_views.h"

namespace cvfs {

struct ViewAnswer {
  RunningView view;
  Outcome<Json> reply;   // the error names the view
  bool is_dead = false;  // nobody listens
};

// The last error's code, or success; each error is printed, but beside JSON, which says it itself.
ExitCode end_with(const std::vector<ViewAnswer>& answers, const Console& console, bool is_json);

// The views that are meant, each once; all of them for no name. Refused: not root, a name that
// means none.
Outcome<std::vector<RunningView>> views_to_ask(const std::vector<std::string>& names);

ViewAnswer ask(const RunningView& view, const ControlCommand& command);

// A socket that is left of a view that has been unmounted: nothing that an operator asked about.
inline bool is_remnant(const ViewAnswer& answer) {
  return answer.is_dead && !answer.view.is_mounted();
}

// For --json: {"id":53,"source":"toto","target":"/srv/toto"}, where it is mounted.
Json to_json(const RunningView& view);

}  // namespace cvfs
