#include "daemon/circle_watch.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/log.h"
#include "control/control_client.h"
#include "control/control_message.h"
#include "control/running_views.h"
#include "daemon/view_waits.h"
#include "locks/circle_search.h"
#include "sys/begin_thread.h"
#include "sys/credentials.h"

namespace cvfs {

namespace {

constexpr int kWaitsMs = 1000;

std::string_view tenant_of(std::string_view source) {
  return source.substr(0, source.find(':'));
}

WaitGraph ask(const RunningView& view) {
  const auto line =
      ask_view(control_socket_of(view.id), to_line({ControlVerb::kWaits, ""}), kWaitsMs);
  const auto reply = line ? parse_reply(*line) : refuse(OperatorError{});
  return reply ? wait_graph_from(*reply) : WaitGraph();
}

}  // namespace

CircleWatch::Duration CircleWatch::pause_after(Duration look) {
  constexpr int kTimesAsLong = 20;
  return std::max(kBetweenLooks, look * kTimesAsLong);
}

CircleWatch::CircleWatch(const ServedView& view, FileLocks& locks) : view_(view), locks_(locks) {
  locks_.on_posix_wait([this] { wake(); });
}

CircleWatch::~CircleWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void CircleWatch::wake() {
  const std::lock_guard lock(mutex_);
  somebody_waits_ = true;
  // Without it a circle beyond this view is not seen: whoever comes to wait next has it begun.
  if (!thread_.joinable()) (void)sys::begin_thread(thread_, [this] { run(); });
  changed_.notify_one();
}

void CircleWatch::run() {
  sys::prepare_serving_thread();
  Duration pause = kBetweenLooks;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return somebody_waits_ || is_ending_; });
    changed_.wait_for(lock, pause, [this] { return is_ending_; });
    if (is_ending_) return;
    somebody_waits_ = false;
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    // A circle leaves this view by one of ours who waits for somebody else.
    if (locks_.has_waits_for_others()) look();
    pause = pause_after(std::chrono::steady_clock::now() - begin);
    lock.lock();
    somebody_waits_ = somebody_waits_ || locks_.has_posix_waits();
  }
}

// Of views of the tenant that cannot be asked no circle is seen.
WaitGraph CircleWatch::everybody() const {
  WaitGraph all = waits_of(view_);
  all.add(waits_of_host());
  for (const RunningView& view : find_running_views().value_or(std::vector<RunningView>())) {
    const bool is_ours = control_socket_of(view.id) == view_.control_path;
    const bool is_tenants =
        view.source.empty() || tenant_of(view.source) == tenant_of(view_.plan.source.name);
    if (view.has_socket && is_tenants && !is_ours) all.add(ask(view));
  }
  return all;
}

void CircleWatch::look() {
  const WaitGraph own = waits_of(view_);
  if (own.waits.empty()) return;
  const WaitGraph before = everybody();
  std::vector<WaitGraph::Circle> circles;
  for (const GraphWait& wait : own.waits) {
    auto circle = CircleSearch(before).circle_of(wait);
    const GraphWait* victim = victim_of(circle);
    if (victim != nullptr && victim->is(wait)) circles.push_back(std::move(circle));
  }
  if (circles.empty()) return;
  const WaitGraph after = everybody();
  for (const WaitGraph::Circle& circle : circles) {
    const GraphWait& wait = *victim_of(circle);
    if (is_same(circle, CircleSearch(after).circle_of(wait)))
      (void)locks_.end_wait(wait.request, EDEADLK);
  }
}

}  // namespace cvfs
