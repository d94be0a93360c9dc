#include "daemon/circle_watch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "control/control_client.h"
#include "control/control_message.h"
#include "control/running_views.h"
#include "daemon/view_waits.h"
#include "locks/circle_search.h"
#include "sys/begin_thread.h"
#include "sys/credentials.h"
#include "sys/lock_calls.h"

namespace cvfs {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWaitsMs = 1000;

// The host's processes in a circle, with what tells whether they have woken.
using HostSleepers = std::map<std::int32_t, std::vector<sys::LockSleeper>>;

struct SeenCircle {
  WaitGraph::Circle circle;
  HostSleepers hosts;
};

// nullopt: of one nobody can see whether it sleeps.
std::optional<HostSleepers> sleepers_in(const WaitGraph::Circle& circle) {
  HostSleepers hosts;
  for (const GraphWait& wait : circle) {
    if (wait.host_pid == 0) continue;
    hosts[wait.host_pid] = sys::posix_sleepers_of(wait.host_pid);
    if (hosts[wait.host_pid].empty()) return std::nullopt;
  }
  return hosts;
}

// As GraphWait::since has it.
std::int64_t microseconds_before_now(Clock::duration ago) {
  const auto then = std::chrono::system_clock::now().time_since_epoch() - ago;
  return std::chrono::duration_cast<std::chrono::microseconds>(then).count();
}

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
  has_news_ = true;
  // Without it a circle beyond this view is not seen: whoever comes to wait next has it begun.
  if (!thread_.joinable()) (void)sys::begin_thread(thread_, [this] { run(); });
  changed_.notify_one();
}

void CircleWatch::run() {
  sys::prepare_serving_thread();
  Duration pause = kBetweenLooks;
  auto last_look = Clock::now();
  bool somebody_waits = false;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return somebody_waits || has_news_ || is_ending_; });
    changed_.wait_for(lock, pause, [this] { return is_ending_; });
    if (is_ending_) return;
    const bool has_news = std::exchange(has_news_, false);
    lock.unlock();
    const auto begin = Clock::now();
    bool has_young = false;
    if (has_news || locks_.has_waits_for_others() || begin >= last_look + kBetweenSeldomLooks) {
      has_young = look();
      last_look = Clock::now();
    }
    pause = pause_after(Clock::now() - begin);
    somebody_waits = locks_.has_posix_waits();
    lock.lock();
    has_news_ = has_news_ || has_young;
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

// True: some have not waited for long yet.
bool CircleWatch::look() {
  WaitGraph own = waits_of(view_);
  const std::int64_t young = microseconds_before_now(kBetweenLooks * 3 / 4);
  const auto is_young = [young](const GraphWait& wait) { return wait.since > young; };
  const bool has_young = std::erase_if(own.waits, is_young) != 0;
  if (!own.waits.empty()) refuse_circles(own);
  return has_young;
}

void CircleWatch::refuse_circles(const WaitGraph& own) {
  const WaitGraph before = everybody();
  const CircleSearch search(before);
  std::vector<SeenCircle> seen;
  for (const GraphWait& wait : own.waits) {
    auto circle = search.circle_of(wait);
    const GraphWait* victim = victim_of(circle);
    if (victim == nullptr || !victim->is(wait)) continue;
    auto hosts = sleepers_in(circle);
    if (hosts) seen.push_back({std::move(circle), std::move(*hosts)});
  }
  if (seen.empty()) return;
  const WaitGraph after = everybody();
  const CircleSearch again(after);
  for (const auto& [circle, hosts] : seen) {
    const GraphWait& wait = *victim_of(circle);
    if (!is_same(circle, again.circle_of(wait)) || sleepers_in(circle) != hosts) continue;
    (void)locks_.end_wait(wait.request, EDEADLK);
  }
}

}  // namespace cvfs
