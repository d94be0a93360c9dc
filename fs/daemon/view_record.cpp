#include "daemon/view_record.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace cvfs {

namespace {

using nlohmann::json;

tl::unexpected<OperatorError> refuse_record(const std::string& what) {
  return refuse({ExitCode::kSystem, "state memory", "the record of the view: " + what,
                 "unmount the view and mount it again with this version"});
}

// JSON is UTF-8, a path is any bytes: each byte becomes the character of its number, and back.
std::string from_bytes(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x80) {
      text += byte;
    } else {
      text += static_cast<char>(0xC0 | code >> 6);
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return text;
}

std::string to_bytes(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = static_cast<unsigned char>(text[i]);
    if (code < 0x80 || i + 1 == text.size()) {
      bytes += text[i];
    } else {
      bytes += static_cast<char>(code << 6 | (text[++i] & 0x3F));
    }
  }
  return bytes;
}

// ---- writing

json options_record(const ViewOptions& options) {
  return {{"passthrough", options.passthrough == PassthroughMode::kAuto},
          {"ttl", options.cache.ttl_seconds},
          {"cache", static_cast<int>(options.cache.mode)},
          {"locks", static_cast<int>(options.locks)},
          {"containerdata", from_bytes(options.containerdata)},
          {"log", static_cast<int>(options.log_level)},
          {"debug", static_cast<int>(options.debug)},
          {"threads", options.threads},
          {"hang", options.hang_seconds},
          {"mount_flags", options.mount_flags}};
}

json source_record(const TenantSource& source) {
  return {{"tenant", source.tenant},
          {"path", from_bytes(source.path)},
          {"name", from_bytes(source.name)},
          {"owner_uid", source.owner_uid},
          {"owner_gid", source.owner_gid},
          {"tenant_root", source.tenant_root.get()},
          {"directory", source.directory.get()}};
}

json identity_record(const Identity& identity) {
  return {{"origin", from_bytes(identity.userns().origin)},
          {"uids", identity.userns().uids.text()},
          {"gids", identity.userns().gids.text()},
          {"stored_uids", identity.store().uids.text()},
          {"stored_gids", identity.store().gids.text()}};
}

json handshake_record(const Handshake& handshake) {
  return {
      {"flags", handshake.flags},
      {"minor", handshake.minor},
      {"request", std::vector<std::uint8_t>(handshake.request.begin(), handshake.request.end())}};
}

json record_of(const ServedView& view) {
  return {{"version", view.version},
          {"program", from_bytes(view.program)},
          {"syslog", view.to_syslog},
          {"mounted_at", view.mounted_at},
          {"target", from_bytes(view.plan.target)},
          {"owner", name_of(view.plan.owner)},
          {"stack_depth", view.plan.stack_depth},
          {"options", options_record(view.plan.options)},
          {"source", source_record(view.plan.source)},
          {"identity", identity_record(*view.plan.identity)},
          {"handshake", handshake_record(view.handshake)},
          {"device", view.device.get()},
          {"mount_namespace", view.plan.mount_namespace.get()},
          {"watch", view.watch.get()},
          {"watch_place", view.watch_place.get()},
          {"signals", view.signals.get()},
          {"worker_bell", view.worker_bell.get()},
          {"standby_bell", view.standby_bell.get()},
          {"control", view.control},
          {"control_path", view.control_path}};
}

// ---- reading; json's exceptions end in parse_record()

UniqueFd descriptor(const json& record, const char* name) {
  return UniqueFd(record.value(name, -1));
}

ViewOptions read_options(const json& record) {
  ViewOptions options;
  options.passthrough =
      record.value("passthrough", true) ? PassthroughMode::kAuto : PassthroughMode::kOff;
  options.cache.ttl_seconds = record.value("ttl", options.cache.ttl_seconds);
  options.cache.mode =
      static_cast<CacheMode>(record.value("cache", static_cast<int>(CacheMode::kTtl)));
  options.locks = static_cast<LockOption>(record.value("locks", static_cast<int>(options.locks)));
  if (record.contains("containerdata")) {
    options.containerdata = to_bytes(record.at("containerdata"));
  }
  options.log_level = static_cast<LogLevel>(record.value("log", static_cast<int>(LogLevel::kInfo)));
  options.debug = static_cast<DebugOption>(record.value("debug", static_cast<int>(options.debug)));
  options.threads = record.value("threads", 0U);
  options.hang_seconds = record.value("hang", options.hang_seconds);
  options.mount_flags = record.value("mount_flags", 0UL);
  return options;
}

TenantSource read_source(const json& record) {
  TenantSource source;
  source.tenant = record.at("tenant");
  source.path = to_bytes(record.at("path"));
  source.name = to_bytes(record.at("name"));
  source.owner_uid = record.at("owner_uid");
  source.owner_gid = record.at("owner_gid");
  source.tenant_root = descriptor(record, "tenant_root");
  source.directory = descriptor(record, "directory");
  return source;
}

Outcome<Identity> read_identity(const json& record) {
  const auto map = [&](const char* name) {
    return parse_id_map(record.at(name).get<std::string>(), name);
  };
  UserNamespaceMap userns{TRY(map("uids")), TRY(map("gids")), to_bytes(record.at("origin"))};
  StoreMap stored{TRY(map("stored_uids")), TRY(map("stored_gids"))};
  return Identity(std::move(userns), std::move(stored));
}

Handshake read_handshake(const json& record) {
  Handshake handshake;
  handshake.flags = record.at("flags");
  handshake.minor = record.at("minor");
  const auto request = record.at("request").get<std::vector<std::uint8_t>>();
  handshake.request.assign(request.begin(), request.end());
  return handshake;
}

Outcome<OwnerPolicy> read_owner(const std::string& name) {
  for (const auto policy : {OwnerPolicy::kMap, OwnerPolicy::kVirtual, OwnerPolicy::kCaller}) {
    if (name == name_of(policy)) return policy;
  }
  return refuse_record("owner=" + name + " is not known here");
}

Outcome<ServedView> view_of(const json& record) {
  ServedView view;
  view.version = record.at("version");
  view.program = to_bytes(record.at("program"));
  view.to_syslog = record.at("syslog");
  view.mounted_at = record.at("mounted_at");
  view.plan.target = to_bytes(record.at("target"));
  view.plan.owner = TRY(read_owner(record.at("owner")));
  view.plan.stack_depth = record.at("stack_depth");
  view.plan.options = read_options(record.at("options"));
  view.plan.source = read_source(record.at("source"));
  view.plan.identity = std::make_unique<Identity>(TRY(read_identity(record.at("identity"))));
  view.plan.mount_namespace = descriptor(record, "mount_namespace");
  view.handshake = read_handshake(record.at("handshake"));
  view.device = descriptor(record, "device");
  view.watch = descriptor(record, "watch");
  view.watch_place = descriptor(record, "watch_place");
  view.signals = descriptor(record, "signals");
  view.worker_bell = descriptor(record, "worker_bell");
  view.standby_bell = descriptor(record, "standby_bell");
  view.control = record.value("control", -1);
  view.control_path = record.value("control_path", "");
  return view;
}

Outcome<ServedView> parse_record(std::span<const std::byte> record) {
  const auto* text = reinterpret_cast<const char*>(record.data());
  const std::size_t length = ::strnlen(text, record.size());
  try {
    return view_of(json::parse(text, text + length));
  } catch (const json::exception& error) {
    return refuse_record(error.what());
  }
}

}  // namespace

Outcome<void> write_view_record(const ServedView& view) {
  const std::span<std::byte> section = view.state->section(Section::kPlan);
  const std::string text = record_of(view).dump();
  if (text.size() >= section.size()) return refuse_record("it does not fit");
  std::memcpy(section.data(), text.c_str(), text.size() + 1);
  return {};
}

Outcome<ServedView> read_view_record(std::shared_ptr<StateMemory> state) {
  auto view = parse_record(state->section(Section::kPlan));
  if (view) view->state = std::move(state);
  return view;
}

Outcome<void> check_view_record(std::span<const std::byte> record) {
  ServedView view = TRY(parse_record(record));
  for (UniqueFd* fd : {&view.device, &view.signals, &view.worker_bell, &view.standby_bell,
                       &view.watch, &view.watch_place, &view.plan.mount_namespace,
                       &view.plan.source.tenant_root, &view.plan.source.directory}) {
    (void)fd->release();
  }
  return {};
}

}  // namespace cvfs
