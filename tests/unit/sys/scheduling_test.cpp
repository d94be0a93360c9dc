#include "sys/scheduling.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace cvfs::sys {
namespace {

cpu_set_t only(unsigned cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  return cpus;
}

TEST(Scheduling, AThreadIsSeenWhereItMayRun) {
  std::jthread([] {
    const auto allowed = allowed_cpus(0);
    ASSERT_TRUE(allowed);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &*allowed)) continue;
      ASSERT_TRUE(allow_cpus(::gettid(), only(cpu)));
      EXPECT_EQ(last_cpu_of(::gettid()), cpu);
    }
  }).join();
}

TEST(Scheduling, AThreadThatIsNotThereIsNowhere) {
  EXPECT_FALSE(last_cpu_of(0x7FFFFFFF));
  EXPECT_EQ(allowed_cpus(0x7FFFFFFF).error().value, ESRCH);
}

TEST(Scheduling, EachSleepIsATurn) {
  const auto before = own_cpu_waits();
  if (!before) GTEST_SKIP() << "the kernel does not count";
  ::usleep(1000);
  ::usleep(1000);
  const auto after = own_cpu_waits();
  ASSERT_TRUE(after);
  EXPECT_GE(after->turns, before->turns + 2);
  EXPECT_GE(after->waited_ns, before->waited_ns);
}

}  // namespace
}  // namespace cvfs::sys
