#include "idmap/users.h"

#include <pwd.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "idmap/parse_number.h"

namespace cvfs {
namespace {

// getpwnam_r(3), ERRORS: each of these may mean "no such user".
bool means_not_found(int error) {
  return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

// `look_up(entry, buffer, size, found)` is getpwnam_r or getpwuid_r without its key.
template <class LookUp>
Outcome<User> look_up_user(User user, LookUp look_up) {
  std::vector<char> buffer(1024);
  passwd entry = {};
  passwd* found = nullptr;
  int error = 0;
  while ((error = look_up(&entry, buffer.data(), buffer.size(), &found)) == ERANGE) {
    buffer.resize(buffer.size() * 2);
  }
  if (found) return User{found->pw_name, found->pw_uid, true, found->pw_gid};
  if (means_not_found(error)) return user;
  return refuse(user.name,
                "the user cannot be looked up: " + std::generic_category().message(error),
                "getent passwd " + user.name);
}

}  // namespace

Outcome<User> find_user(std::string_view text) {
  User user{std::string(text)};
  const auto uid = parse_number(text);
  if (uid && *uid != kUnmappedId) {
    user.uid = *uid;
    return look_up_user(user, [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
      return ::getpwuid_r(*uid, entry, buffer, size, found);
    });
  }
  return look_up_user(user, [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwnam_r(user.name.c_str(), entry, buffer, size, found);
  });
}

}  // namespace cvfs
