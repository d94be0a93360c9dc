#include "fuse/cpu_follower.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "sys/scheduling.h"

namespace cvfs {
namespace {

// Longer than the time between two samples.
constexpr std::chrono::milliseconds kSample(8);

std::vector<unsigned> cpus_of(pid_t tid) {
  std::vector<unsigned> found;
  const auto allowed = sys::allowed_cpus(tid);
  for (unsigned cpu = 0; allowed && cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &*allowed)) found.push_back(cpu);
  }
  return found;
}

// A thread that stays on one CPU, asleep, as a caller that waits for an answer.
class Caller {
 public:
  explicit Caller(unsigned cpu)
      : thread_([this, cpu] {
          cpu_set_t one;
          CPU_ZERO(&one);
          CPU_SET(cpu, &one);
          EXPECT_TRUE(sys::allow_cpus(0, one));
          tid_.set_value(::gettid());
          end_.get_future().wait();
        }),
        tid(tid_.get_future().get()) {}
  ~Caller() { end_.set_value(); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

 private:
  std::promise<pid_t> tid_;
  std::promise<void> end_;
  std::jthread thread_;

 public:
  const pid_t tid;
};

class CpuFollowerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (all_.size() < 2) GTEST_SKIP() << "needs two CPUs";
  }

  // Answers the callers in turn, on a thread that follows, until that one may run on so many CPUs.
  // Where others want those CPUs, too, it may be let go and held again meanwhile.
  std::vector<unsigned> follow(const std::vector<pid_t>& callers, std::size_t cpus) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (std::size_t i = 0; std::chrono::steady_clock::now() < end; ++i) {
      follower_.follow(callers[i % callers.size()]);
      if (i > 2 * callers.size() && cpus_of(0).size() == cpus) break;
      std::this_thread::sleep_for(kSample);
    }
    return cpus_of(0);
  }

  const std::vector<unsigned> all_ = cpus_of(0);
  CpuFollower follower_;
};

TEST_F(CpuFollowerTest, GoesWhereItsOnlyCallerIs) {
  std::jthread([this] {
    follower_.join();
    for (const unsigned cpu : {all_.front(), all_.back()}) {
      const Caller caller(cpu);
      EXPECT_EQ(follow({caller.tid}, 1), std::vector{cpu});
    }
    follower_.leave();
  }).join();
}

TEST_F(CpuFollowerTest, IsFreeWithCallersOnSeveralCpus) {
  std::jthread([this] {
    follower_.join();
    const Caller first(all_.front());
    const Caller second(all_.back());
    EXPECT_EQ(follow({first.tid}, 1), std::vector{all_.front()});
    EXPECT_EQ(follow({first.tid, second.tid}, all_.size()), all_);
    follower_.leave();
  }).join();
}

TEST_F(CpuFollowerTest, LeavesAThreadAloneThatHasNotJoined) {
  const Caller caller(all_.front());
  for (int i = 0; i < 20; ++i) {
    follower_.follow(caller.tid);
    std::this_thread::sleep_for(kSample);
  }
  EXPECT_EQ(cpus_of(0), all_);
}

}  // namespace
}  // namespace cvfs
