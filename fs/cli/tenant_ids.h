// Subordinate ids for a tenant, by usermod(8), which locks /etc/subuid and /etc/subgid but does not
// look whether a range is free: that is looked at before, and once more afterwards. One thread;
// whoever calls keeps other `cvfs tenant` away (Containerdata::lock()).
#pragma once

#include "base/operator_error.h"
#include "idmap/host_files.h"
#include "idmap/subordinate_ids.h"
#include "idmap/users.h"

namespace cvfs {

struct GivenIds {
  SubordinateIds ids;
  bool are_new = false;
};

// What the user has, and what it lacks of uids and gids: login.defs(5)'s count of them, that no
// line, no user and no group has. Refused: a range of its own that others have, too; none is free;
// there is no usermod, or it refuses.
Outcome<GivenIds> give_subordinate_ids(const User& user, const HostFiles& files = {});

// Its own ranges share no id with any other line. Refused: they do.
Outcome<void> check_no_overlap(const User& user, const HostFiles& files = {});

// "200000:65536, 400000:65536"; "none".
std::string text_of(const std::vector<SubordinateRange>& ranges);

}  // namespace cvfs
