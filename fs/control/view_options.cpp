#include "control/view_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/result.h"
#include "control/edit_distance.h"
#include "control/foreign_options.h"
#include "control/printable.h"
#include "control/view_option_help.h"

namespace cvfs {
namespace {

constexpr double kMaxTtlSeconds = 86400;
constexpr unsigned kMaxThreads = 64;
constexpr unsigned kMaxHangSeconds = 86400;
constexpr std::uint32_t kMaxId = 0xFFFFFFFE;  // (uid_t)-1 is "no id"
constexpr unsigned long kAtimeModes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

// ---- mount(8)'s own options ----

struct FlagOption {
  std::string_view name;
  unsigned long set;
  unsigned long clear;  // before setting
};

constexpr auto kFlagOptions = std::to_array<FlagOption>({
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"suid", 0, MS_NOSUID},
    {"nosuid", MS_NOSUID, 0},
    {"dev", 0, MS_NODEV},
    {"nodev", MS_NODEV, 0},
    {"exec", 0, MS_NOEXEC},
    {"noexec", MS_NOEXEC, 0},
    {"atime", 0, MS_NOATIME},
    {"noatime", MS_NOATIME, kAtimeModes},
    {"diratime", 0, MS_NODIRATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"relatime", MS_RELATIME, kAtimeModes},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, kAtimeModes},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"lazytime", MS_LAZYTIME, 0},
    {"nolazytime", 0, MS_LAZYTIME},
});

// For mount(8), systemd or people; they reach the helper all the same.
constexpr auto kOthersOptions =
    std::to_array<std::string_view>({"auto", "noauto", "nofail", "_netdev", "user", "nouser",
                                     "users", "owner", "group", "defaults", "comment"});

bool is_for_others(std::string_view name, bool has_value) {
  if (name.starts_with("x-") || name.starts_with("X-")) return true;
  if (has_value && name != "comment") return false;  // owner=map is ours, owner is mount(8)'s
  return std::ranges::find(kOthersOptions, name) != kOthersOptions.end();
}

// ---- cvfs' own ----

template <class Number>
std::optional<Number> parse_number(std::string_view text, Number min, Number max) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  // Written so that a NaN is refused, too.
  if (error != std::errc{} || stop != end || !(number >= min && number <= max)) return {};
  return number;
}

template <class T>
bool assign(T& target, const std::optional<std::type_identity_t<T>>& value) {
  if (value) target = *value;
  return value.has_value();
}

template <class Word>
struct Spelling {
  std::string_view text;
  Word word;
};

template <class Word, std::size_t n>
bool assign_word(Word& target, std::string_view value, const Spelling<Word> (&words)[n]) {
  const auto* found = std::ranges::find(words, value, &Spelling<Word>::text);
  if (found == std::end(words)) return false;
  target = found->word;
  return true;
}

bool set_store_id(std::optional<std::uint32_t>& target, std::string_view value) {
  target = parse_number<std::uint32_t>(value, 0, kMaxId);
  return target.has_value();
}

bool set_owner(ViewOptions& options, std::string_view value) {
  return assign_word(options.owner, value,
                     {{"map", OwnerPolicy::kMap},
                      {"virtual", OwnerPolicy::kVirtual},
                      {"caller", OwnerPolicy::kCaller}});
}

bool set_passthrough(ViewOptions& options, std::string_view value) {
  return assign_word(options.passthrough, value,
                     {{"auto", PassthroughMode::kAuto}, {"off", PassthroughMode::kOff}});
}

bool set_locks(ViewOptions& options, std::string_view value) {
  return assign_word(
      options.locks, value,
      {{"shared", LockOption::kShared}, {"local", LockOption::kLocal}, {"off", LockOption::kOff}});
}

bool set_log_level(ViewOptions& options, std::string_view value) {
  return assign_word(options.log_level, value,
                     {{"error", LogLevel::kError},
                      {"warning", LogLevel::kWarning},
                      {"info", LogLevel::kInfo},
                      {"debug", LogLevel::kDebug}});
}

bool set_debug(ViewOptions& options, std::string_view value) {
  return assign_word(options.debug, value,
                     {{"off", DebugOption::kOff}, {"ops", DebugOption::kOperations}});
}

bool set_cache(ViewOptions& options, std::string_view value) {
  constexpr std::string_view kTtl = "ttl:";
  CacheOption cache;
  if (value == "none") {
    cache = {CacheMode::kNone, 0};
  } else if (value.starts_with(kTtl)) {
    cache.mode = CacheMode::kTtl;
    const auto seconds = parse_number<double>(value.substr(kTtl.size()), 0, kMaxTtlSeconds);
    if (!assign(cache.ttl_seconds, seconds)) return false;
  } else if (!assign_word(cache.mode, value,
                          {{"auto", CacheMode::kAuto}, {"notify", CacheMode::kNotify}})) {
    return false;
  }
  options.cache = cache;
  return true;
}

// What the value means is idmap/user_namespace.h's business.
bool set_text(std::string& target, std::string_view value) {
  target = value;
  return !value.empty();
}

bool set_containerdata(ViewOptions& options, std::string_view value) {
  return value.starts_with('/') && set_text(options.containerdata, value);
}

struct ValueOption {
  std::string_view name;
  std::string_view expects;  // "not EXPECTS" is the refusal
  std::string_view example;  // and this its hint
  std::string_view meaning;  // for the manual
  bool (*set)(ViewOptions&, std::string_view value);
};

constexpr auto kValueOptions = std::to_array<ValueOption>({
    {"userns", "auto, host, @NAME or pid:N", "userns=auto",
     "how container ids appear on the host: Docker's userns-remap or else as they are; as they "
     "are; NAME's subordinate ids; that process' maps",
     [](ViewOptions& o, std::string_view v) { return set_text(o.userns, v); }},
    {"uidmap", "CONTAINER:HOST:COUNT", "uidmap=0:100000:65536",
     "the same for uids spelled out, more ranges joined by colons",
     [](ViewOptions& o, std::string_view v) { return set_text(o.uidmap, v); }},
    {"gidmap", "CONTAINER:HOST:COUNT", "gidmap=0:100000:65536",
     "the same for gids; without it the uidmap serves both",
     [](ViewOptions& o, std::string_view v) { return set_text(o.gidmap, v); }},
    {"owner", "map, virtual or caller", "owner=map, owner=virtual or owner=caller",
     "how ownership is stored: in the tenant's subordinate ids, in an xattr, or not at all; map if "
     "the tenant has such ids, else virtual",
     set_owner},
    {"storeuid", "an id from 0 to 4294967294", "storeuid=1500",
     "what uid container root is stored as; the tenant's",
     [](ViewOptions& o, std::string_view v) { return set_store_id(o.store_uid, v); }},
    {"storegid", "an id from 0 to 4294967294", "storegid=1500",
     "what gid container root is stored as; the tenant's",
     [](ViewOptions& o, std::string_view v) { return set_store_id(o.store_gid, v); }},
    {"containerdata", "an absolute path", "containerdata=/containerdata",
     "where the tenants' directories are; /containerdata", set_containerdata},
    {"passthrough", "auto or off", "passthrough=auto or passthrough=off",
     "let the kernel read and write the backing file itself where it can; auto", set_passthrough},
    {"cache", "auto, notify, none or ttl:SECONDS (0 to 86400)",
     "cache=auto, cache=none or cache=ttl:1",
     "what the kernel believes of names and attributes without asking: what it is told of changes, "
     "nothing, or everything for a time; auto: notify or, where that is not possible, ttl:1",
     set_cache},
    {"locks", "shared, local or off", "locks=shared",
     "file locks hold between containers, views and the host, within this view only, or are "
     "refused; shared",
     set_locks},
    {"log", "error, warning, info or debug", "log=info",
     "what cvfsd says to syslog or the journal; info", set_log_level},
    {"debug", "ops or off", "debug=ops",
     "log each request with its ids before and after translation, at most some hundred a second; "
     "off",
     set_debug},
    {"threads", "a number from 1 to 64", "threads=4",
     "how many threads serve; chosen from the CPUs",
     [](ViewOptions& o, std::string_view v) {
       return assign(o.threads, parse_number<unsigned>(v, 1, kMaxThreads));
     }},
    {"hang", "a number of seconds from 0 (never) to 86400", "hang=120",
     "how long a request may take before it is looked at; 120",
     [](ViewOptions& o, std::string_view v) {
       return assign(o.hang_seconds, parse_number<unsigned>(v, 0, kMaxHangSeconds));
     }},
});

// Planned words, and what this version offers instead. No value: whatever is said.
struct UnavailableOption {
  std::string_view name;
  std::string_view value;
  std::string_view instead;
};

constexpr auto kUnavailableOptions = std::to_array<UnavailableOption>({
    {"lower", "", "leave it out (a view shows the tenant's tree alone)"},
    {"transport", "", "leave it out (requests come over /dev/fuse)"},
});

// ---- refusals ----

tl::unexpected<OperatorError> refuse_usage(std::string_view option, std::string what,
                                           std::string hint) {
  return refuse(
      OperatorError{ExitCode::kUsage, printable(option), std::move(what), std::move(hint)});
}

// What the operator may have meant; "" if nothing is near.
std::string suggestion(std::string_view name, std::string_view value) {
  std::size_t best = largest_slip(name) + 1;
  std::string suggested;
  const auto consider = [&](std::string_view known, const std::string& text) {
    const std::size_t distance = edit_distance(name, known);
    if (distance < best) {
      best = distance;
      suggested = text;
    }
  };
  for (const auto& known : kValueOptions) {
    consider(known.name, value.empty() ? std::string(known.example)
                                       : std::string(known.name) + "=" + printable(value));
  }
  for (const auto& known : kFlagOptions) consider(known.name, std::string(known.name));
  return suggested;
}

std::string known_options() {
  std::string text = "mount(8)'s own options or";
  for (const auto& known : kValueOptions) text.append(" ").append(known.name).append("=");
  return text;
}

tl::unexpected<OperatorError> refuse_unknown(std::string_view option, std::string_view name,
                                             std::string_view value) {
  std::string hint = suggestion(name, value);
  return refuse_usage(option, "no such option", hint.empty() ? known_options() : std::move(hint));
}

// ---- one option ----

struct Item {
  std::string_view text;  // "cache=none"
  std::string_view name;  // "cache"
  std::optional<std::string_view> value;
};

Item split(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {text, text, {}};
  return {text, text.substr(0, equals), text.substr(equals + 1)};
}

Outcome<void> apply_flag(ViewOptions& options, const FlagOption& flag, const Item& item) {
  if (item.value) return refuse_usage(item.text, "takes no value", std::string(flag.name));
  options.mount_flags = (options.mount_flags & ~flag.clear) | flag.set;
  return {};
}

Outcome<void> apply_value(ViewOptions& options, const ValueOption& known, const Item& item) {
  if (!item.value) return refuse_usage(item.text, "needs a value", std::string(known.example));
  if (!known.set(options, *item.value)) {
    return refuse_usage(item.text, "not " + std::string(known.expects), std::string(known.example));
  }
  return {};
}

const UnavailableOption* find_unavailable(const Item& item) {
  const auto* found = std::ranges::find_if(kUnavailableOptions, [&](const auto& unavailable) {
    return unavailable.name == item.name &&
           (unavailable.value.empty() || unavailable.value == item.value);
  });
  return found == kUnavailableOptions.end() ? nullptr : found;
}

tl::unexpected<OperatorError> refuse_foreign(const ForeignOption& foreign, const Item& item) {
  const std::string what = "is an option of " + std::string(foreign.whose) + ", not of cvfs";
  return refuse_usage(item.text, what, here(foreign, printable(item.value.value_or(""))));
}

template <class Options>
auto find_named(const Options& options, std::string_view name) {
  const auto* found =
      std::ranges::find(options, name, [](const auto& option) { return option.name; });
  return found == options.end() ? nullptr : found;
}

Outcome<void> apply(ViewOptions& options, const Item& item, bool sloppy);

// What every view is, or what is an option of ours by another name.
Outcome<void> apply_understood(ViewOptions& options, const ForeignOption& foreign,
                               const Item& item) {
  const bool takes_value = foreign.here.find('%') != std::string_view::npos;
  if (item.value && !takes_value) {
    return refuse_usage(item.text, "takes no value", std::string(foreign.name));
  }
  if (foreign.meaning == ForeignMeaning::kAlways) return {};
  const std::string same = here(foreign, item.value.value_or(""));
  return apply(options, split(same), false);
}

Outcome<void> apply(ViewOptions& options, const Item& item, bool sloppy) {
  if (is_for_others(item.name, item.value.has_value())) return {};
  if (const auto* planned = find_unavailable(item)) {
    return refuse_usage(item.text, "not available in this version", std::string(planned->instead));
  }
  if (const auto* flag = find_named(kFlagOptions, item.name)) {
    return apply_flag(options, *flag, item);
  }
  if (const auto* known = find_named(kValueOptions, item.name)) {
    return apply_value(options, *known, item);
  }
  const ForeignOption* foreign = find_foreign_option(item.name);
  const bool is_understood = foreign != nullptr && foreign->meaning != ForeignMeaning::kRefused;
  if (is_understood) return apply_understood(options, *foreign, item);
  if (sloppy) return {};
  if (foreign != nullptr) return refuse_foreign(*foreign, item);
  return refuse_unknown(item.text, item.name, item.value.value_or(""));
}

}  // namespace

std::vector<ViewOptionHelp> view_option_help() {
  std::vector<ViewOptionHelp> all;
  all.reserve(std::size(kValueOptions));
  for (const auto& known : kValueOptions) {
    all.push_back({known.name, known.expects, known.example, known.meaning});
  }
  return all;
}

std::vector<std::string_view> mount_flag_options() {
  std::vector<std::string_view> names;
  names.reserve(std::size(kFlagOptions));
  for (const auto& known : kFlagOptions) names.push_back(known.name);
  return names;
}

std::vector<std::string_view> passed_over_options() {
  return {kOthersOptions.begin(), kOthersOptions.end()};
}

const char* name_of(OwnerPolicy policy) {
  switch (policy) {
    case OwnerPolicy::kDefault:
      return "";
    case OwnerPolicy::kMap:
      return "map";
    case OwnerPolicy::kVirtual:
      return "virtual";
    case OwnerPolicy::kCaller:
      return "caller";
  }
  return "";
}

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "";
}

Outcome<ViewOptions> parse_view_options(std::string_view text, bool sloppy) {
  ViewOptions options;
  options.mount_flags = MS_NOSUID | MS_NODEV;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    if (!item.empty()) TRY(apply(options, split(item), sloppy));
  }
  return options;
}

}  // namespace cvfs
