// Actor: what one process of the test has: its identity, its working directory, its descriptors.
// Lives in that process alone.
#pragma once

#include <sys/types.h>

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

// Under owner=caller everybody owns everything. What comes nearest natively is that all actors are
// one and the same user, this one, and root is that user with root's capabilities.
constexpr unsigned kEverybody = 3000;
bool is_everybody(const Policy& policy, Where where);

struct Actor {
  Policy policy;
  Identity identity;
  bool is_everybody = false;
  std::array<int, kSlots> slots;
  int proc_fd = -1;  // /proc/self/fd, which cannot be reached from within

  int slot(int number) const { return slots[static_cast<std::size_t>(number)]; }
  void put(int number, int fd);
  // The descriptor that the step's path is relative to.
  int directory(const Step& step) const;
  // What the actor has to tell chown(2) instead of these ids.
  uid_t meant_uid(std::int64_t uid) const;
  gid_t meant_gid(std::int64_t gid) const;
};

// In a child process: makes it actor `number` below the directory `root_fd`.
Actor become(int number, int root_fd, const Policy& policy, Where where);

// Is the open file immutable or append-only? A view's kernel does not know that, and what it does
// not ask for goes on where natively it is refused (docs/semantics.md).
bool is_protected(const Actor& actor, int fd);

// "= 3" or "= -1 ENOENT".
std::string answer(long result);

}  // namespace differential
