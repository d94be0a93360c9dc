// Upgrade: how a supervisor hands its view over to another build of cvfsd (docs/crash.md):
// checks that the build understands the state while the worker serves on, drains the worker, offers
// the state (daemon/handover.h), and becomes the build (execve(2)). Whatever fails on the way, the
// view is served on by the build that served it. One thread, with a poll(2) loop.
#pragma once

#include <poll.h>

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/served_view.h"

namespace cvfs {

// How long a worker that is told to end may take to answer what it has, from
// ViewState::died_at_us on: containers wait meanwhile. The journal knows what one that is killed
// then was at.
inline constexpr std::uint64_t kDrainUs = 300'000;

class Upgrade {
 public:
  explicit Upgrade(const ServedView& view) : view_(view) {}

  // Starts the check of `program`. `client_fd` is told how it ends (-1: nobody), and is ours.
  void begin(const std::string& program, int client_fd);

  std::vector<int> descriptors() const;
  void add_to(std::vector<pollfd>& polled) const;
  int timeout_ms() const;  // -1: none
  // To be called after each poll(2).
  void go_on();

  bool is_under_way() const { return stage_ != Stage::kIdle; }
  // The worker has been told to end, and may take kDrainUs for it: when it has, hand_over().
  bool is_draining() const { return stage_ == Stage::kDraining; }
  // Becomes the other build; returns only if that cannot be.
  void hand_over();
  // Ends it here, and says so: the view is served on.
  void fail(const OperatorError& error);

 private:
  enum class Stage { kIdle, kChecking, kDraining };

  Outcome<void> start_check();
  void follow_check(bool is_late);
  void read_check();
  void end_check(const std::string& fault);
  void drain();

  const ServedView& view_;
  Stage stage_ = Stage::kIdle;
  std::string program_;
  UniqueFd check_;         // pidfd of who checks
  UniqueFd check_output_;  // what it says
  std::string said_;
  std::uint64_t deadline_us_ = 0;
};

// Offers the state to `program` and becomes it. Returns only if that fails (errno: execve(2)'s):
// the offer is taken back then. All descriptors stay open over it. Allocates nothing.
// `is_confined`: this process is, and its successor will be.
void become_program(const ServedView& view, const char* program, bool is_confined);

// ---- in the build that has taken over, or in the one that goes on

// Says how the upgrade ended: to the log, to who asked for it, to the view's events.
void report_upgraded(const ServedView& view);
void report_upgrade_failed(const ServedView& view, const OperatorError& error);

}  // namespace cvfs
