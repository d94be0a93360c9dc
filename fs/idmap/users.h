// Users by name or number, from the machine's user database (passwd, LDAP …; getpwnam(3)).
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/operator_error.h"

namespace cvfs {

struct User {
  std::string name;
  std::uint32_t uid = kUnmappedId;
  bool is_known = false;            // to the user database
  std::uint32_t gid = kUnmappedId;  // the primary group's
};

// `text` is a login name or a uid; all digits are a uid, as dockerd has it. A user that the
// database does not know is no refusal: subuid(5) may still name it. Refused: a database that does
// not answer.
Outcome<User> find_user(std::string_view text);

}  // namespace cvfs
