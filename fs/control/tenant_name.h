// What a tenant may be called, and what its directory is called. Pure; any thread.
#pragma once

#include <string_view>

namespace cvfs {

// "user-toto" below containerdata= is the tree of the tenant toto.
inline constexpr std::string_view kTenantPrefix = "user-";

// useradd(8)'s rule: [a-zA-Z0-9_.][a-zA-Z0-9_.-]*, one '$' may follow, not "." or "..", not only
// digits, at most 32 characters.
inline bool is_tenant_name(std::string_view name) {
  constexpr std::size_t kMaxName = 32;
  constexpr std::string_view kCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (name.empty() || name.size() > kMaxName || name == "." || name == "..") return false;
  if (name.front() == '-' || name.front() == '$') return false;
  if (name.find_first_not_of("0123456789") == std::string_view::npos) return false;
  if (name.back() == '$') name.remove_suffix(1);
  return name.find_first_not_of(kCharacters) == std::string_view::npos;
}

}  // namespace cvfs
