#include "daemon/view_status.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "daemon/live_settings.h"
#include "journal/statistics.h"
#include "journal/watch_area.h"
#include "sys/fuse_opcode.h"
#include "vfs/handle_table.h"
#include "vfs/inode_table.h"

namespace cvfs {

namespace {

using nlohmann::json;

const char* name_of(ViewEventKind kind) {
  switch (kind) {
    case ViewEventKind::kWorkerDied:
      return "worker";
    case ViewEventKind::kSupervisorDied:
      return "supervisor";
    case ViewEventKind::kStandbyDied:
      return "standby";
    case ViewEventKind::kUpgraded:
      return "upgrade";
    case ViewEventKind::kUpgradeFailed:
      return "failed upgrade";
    case ViewEventKind::kWorkerHung:
      return "hang";
  }
  return "unknown";
}

// null: nothing is watched.
json watch_of(const ServedView& view) {
  if (!view.watch) return nullptr;
  const WatchArea& area = WatchArea::in(view.state->section(Section::kWatch));
  return {{"events", area.events.load()},
          {"invalidations", area.invalidations.load()},
          {"overflows", area.overflows.load()},
          {"stalls", area.stalls.load()}};
}

json restarts_of(const ViewState& memory) {
  return {{"worker", memory.restarts.load()},
          {"supervisor", memory.supervisor_deaths.load()},
          {"standby", memory.standby_deaths.load()},
          {"upgrades", memory.upgrades.load()},
          {"hung", memory.hangs.load()},
          {"longest_pause_us", memory.longest_pause_us.load()}};
}

// Oldest first.
json events_of(const ViewState& memory) {
  json events = json::array();
  const std::uint64_t count = memory.event_count;
  for (std::uint64_t i = count - std::min<std::uint64_t>(count, ViewState::kEvents); i < count;
       ++i) {
    const ViewEvent& event = memory.events[i % ViewState::kEvents];
    events.push_back({{"at", event.at},
                      {"what", name_of(event.kind)},
                      {"why", event.why},
                      {"pause_us", event.pause_us}});
  }
  return events;
}

json requests_of(const ServedView& view) {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  json by_opcode = json::object();
  const auto counts = Statistics(view.state->section(Section::kStatistics)).sum();
  for (std::uint32_t opcode = 0; opcode < counts.size(); ++opcode) {
    const OpcodeCount& count = counts[opcode];
    if (count.answered == 0) continue;
    answered += count.answered;
    failed += count.errors;
    by_opcode[sys::fuse_opcode_name(opcode)] = {{"answered", count.answered},
                                                {"errors", count.errors}};
  }
  return {{"answered", answered},
          {"failed", failed},
          {"resent", view.memory().resent.load()},
          {"by_opcode", std::move(by_opcode)}};
}

// As idmap/id_map.h reads them.
json maps_of(const Identity& identity) {
  return {
      {"userns",
       {{"uids", identity.userns().uids.text()}, {"gids", identity.userns().gids.text()}}},
      {"store", {{"uids", identity.store().uids.text()}, {"gids", identity.store().gids.text()}}}};
}

}  // namespace

json status_of(const ServedView& view) {
  const ViewState& memory = view.memory();
  // "/run/cvfs/53.sock": the number was found once, when it was made.
  const std::string socket = std::filesystem::path(view.control_path).stem();
  return {{"id", std::atoi(socket.c_str())},
          {"source", view.plan.source.name},
          {"target", view.target()},
          {"owner", name_of(view.plan.owner)},
          {"userns", view.plan.identity->userns().origin},
          {"containerdata", view.plan.options.containerdata},
          {"maps", maps_of(*view.plan.identity)},
          {"version", view.version},
          {"build", view.program},
          {"since", view.mounted_at},
          {"processes",
           {{"supervisor", memory.supervisor.pid.load()},
            {"standby", memory.standby.pid.load()},
            {"worker", memory.worker.pid.load()}}},
          {"restarts", restarts_of(memory)},
          {"events", events_of(memory)},
          {"requests", requests_of(view)},
          {"inodes", InodeTable::live_in(view.state->section(Section::kInodes))},
          {"open_files", HandleTable::open_in(view.state->section(Section::kHandles))},
          {"passthrough", view.handshake.passthrough()},
          {"fuse", "7." + std::to_string(view.handshake.minor)},
          {"cache", shown_cache_of(view)},
          {"log", name_of(log_level_of(view))},
          {"debug", traces_requests(view) ? "ops" : "off"},
          {"hang", hang_limit_of(view).count()},
          {"watch", watch_of(view)}};
}

}  // namespace cvfs
