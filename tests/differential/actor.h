// Actor: what one process of the test has: its identity, its working directory, its descriptors.
// Lives in that process alone.
#pragma once

#include <array>
#include <string>

#include "step.h"

namespace differential {

struct Identity {
  unsigned uid;
  unsigned gid;
  std::vector<unsigned> groups;
};

// Who the actors are; ids of the container where they live in one.
const std::array<Identity, kActors>& identities();

struct Actor {
  Policy policy;
  std::array<int, kSlots> slots;
  int proc_fd = -1;  // /proc/self/fd, which cannot be reached from within

  int slot(int number) const { return slots[static_cast<std::size_t>(number)]; }
  void put(int number, int fd);
  // The descriptor that the step's path is relative to.
  int directory(const Step& step) const;
};

// In a child process: makes it actor `number` below the directory `root_fd`.
Actor become(int number, int root_fd, const Policy& policy);

// "= 3" or "= -1 ENOENT".
std::string answer(long result);

}  // namespace differential
