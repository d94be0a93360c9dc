#include "journal/crash_point.h"

#ifdef CVFS_CRASH_POINTS

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <semaphore>
#include <string>
#include <string_view>

namespace cvfs {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"received", "intent", "executed", "done",
                                                    "replied"};

enum class Deed { kKill, kFault, kPoison, kHang, kSpin, kStuck };

struct Misdeed {
  std::string_view name;
  Deed deed;
};
constexpr std::array<Misdeed, 5> kMisdeeds = {{{"fault", Deed::kFault},
                                               {"poison", Deed::kPoison},
                                               {"hang", Deed::kHang},
                                               {"spin", Deed::kSpin},
                                               {"stuck", Deed::kStuck}}};

struct Wish {
  CrashPoint point{};
  Deed deed = Deed::kKill;  // all others: at the intent
  unsigned one_in = 0;      // 0: never
  unsigned opcode = 0;      // 0: any
  unsigned time = 0;        // 0: each time
};

std::string wish_text() {
  std::string text;
  if (const char* path = std::getenv("CVFS_CRASH_FILE")) {
    std::getline(std::ifstream(path), text);
  } else if (const char* variable = std::getenv("CVFS_CRASH")) {
    text = variable;
  }
  return text;
}

Wish read_wish() {
  const std::string text = wish_text();
  Wish wish;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return wish;
  (void)std::sscanf(text.c_str() + colon, ":%u:%u:%u", &wish.one_in, &wish.opcode, &wish.time);
  const auto word = std::string_view(text).substr(0, colon);
  const auto* const misdeed = std::ranges::find(kMisdeeds, word, &Misdeed::name);
  if (misdeed != kMisdeeds.end()) wish.deed = misdeed->deed;
  const auto* const name = std::ranges::find(kNames, word);
  wish.point =
      name == kNames.end() ? CrashPoint::kIntent : static_cast<CrashPoint>(name - kNames.begin());
  return wish;
}

// Nobody has anything at such an address.
void fault() {
  volatile std::uintptr_t nowhere = 64;
  *reinterpret_cast<volatile int*>(nowhere) = 0;  // NOLINT(performance-no-int-to-ptr)
}

void hang() {
  std::binary_semaphore never(0);
  never.acquire();
}

void spin() {
  for (volatile unsigned rounds = 0;;) rounds = rounds + 1;
}

void misbehave(Deed deed) {
  if (deed == Deed::kFault) fault();
  if (deed == Deed::kHang) hang();
  if (deed == Deed::kSpin) spin();
  ::kill(::getpid(), SIGKILL);
}

thread_local std::uint32_t opcode_at_hand = 0;
thread_local unsigned times_here = 0;  // that the request at hand has come to the wish's point
thread_local bool is_spared = true;

}  // namespace

void hold_at_start() {
  while (wish_text() == "hold") ::usleep(1000);
}

void begin_crash_points(std::uint32_t opcode, bool resent) {
  opcode_at_hand = opcode;
  times_here = 0;
  is_spared = resent;
}

void crash_point(CrashPoint point) {
  // Workers are forked from a supervisor that never comes here: each reads it anew.
  static const Wish wish = read_wish();
  if (wish.one_in == 0 || point != wish.point) return;
  if (wish.opcode != 0 && wish.opcode != opcode_at_hand) return;
  if (wish.time != 0 && ++times_here != wish.time) return;
  if (wish.deed == Deed::kPoison) fault();
  if (wish.deed == Deed::kStuck) hang();
  if (is_spared) return;
  thread_local std::minstd_rand random(std::random_device{}());
  if (std::uniform_int_distribution<unsigned>(1, wish.one_in)(random) == 1) misbehave(wish.deed);
}

}  // namespace cvfs

#endif
