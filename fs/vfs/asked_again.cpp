#include "vfs/asked_again.h"

#include <algorithm>

namespace cvfs {

AskedAgain::Question& AskedAgain::place_of(std::uint64_t directory, pid_t pid) {
  // Fibonacci hashing: the highest bits are those of all.
  constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;
  const std::uint64_t mixed = (directory * 31 + static_cast<std::uint64_t>(pid)) * kGoldenRatio;
  const std::size_t set = (mixed >> 32) % kSets;
  const auto ways = questions_.subspan(set * kWays, kWays);
  const auto found = std::ranges::find_if(ways, [&](const Question& question) {
    return question.directory == directory && question.pid == pid;
  });
  return found != ways.end() ? *found : *std::ranges::min_element(ways, {}, &Question::first);
}

bool AskedAgain::is_first(std::uint64_t directory, pid_t pid, std::uint64_t request) {
  const MutexLock lock(mutex_);
  Question& question = place_of(directory, pid);
  const bool is_known = question.directory == directory && question.pid == pid;
  if (is_known && question.first == request) return true;
  if (is_known && (question.second == 0 || question.second == request)) {
    question.second = request;
    return false;
  }
  question = {directory, request, 0, pid, 0};
  return true;
}

}  // namespace cvfs
