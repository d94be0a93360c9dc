// What `cvfs top` shows: tables for a terminal, however small, and objects for programs. One
// thread.
#pragma once

#include <string>
#include <vector>

#include "cli/view_rates.h"

namespace cvfs {

struct TopScreen {
  std::vector<ViewRates> views;
  std::vector<ContainerRates> containers;
  double seconds = 0;  // between the two looks
};

// Lines without their ends, the most important columns first, the name last.
std::vector<std::string> top_lines(const TopScreen& screen);

Json top_json(const TopScreen& screen);

// "4.1k", "12"; "35 us", "1.2 ms".
std::string short_number(double number);
std::string short_time(double seconds);

}  // namespace cvfs
