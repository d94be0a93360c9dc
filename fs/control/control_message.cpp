#include "control/control_message.h"

#include <algorithm>
#include <array>
#include <climits>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "control/printable.h"

namespace cvfs {
namespace {

constexpr const char* kWrongCommand = "the command is not understood";
constexpr const char* kNoReason = "refused without a reason";
constexpr std::size_t kMaxQuoted = 64;  // of what was sent, in a message
constexpr int kMaxReplyDepth = 16;

struct Verb {
  std::string_view name;
  ControlVerb verb;
};
constexpr auto kVerbs = std::to_array<Verb>({
    {"status", ControlVerb::kStatus},
    {"upgrade", ControlVerb::kUpgrade},
    {"locks", ControlVerb::kLocks},
    {"waits", ControlVerb::kWaits},
    {"metrics", ControlVerb::kMetrics},
    {"set", ControlVerb::kSet},
});

tl::unexpected<OperatorError> refuse_command(std::string_view object, std::string what,
                                             std::string hint = {}) {
  return refuse(OperatorError{ExitCode::kUsage, printable(object.substr(0, kMaxQuoted)),
                              std::move(what), std::move(hint)});
}

std::string known_verbs() {
  std::string text;
  for (const Verb& known : kVerbs) {
    text.append(text.empty() ? "" : ", ").append(known.name);
  }
  return text;
}

Outcome<ControlVerb> verb_of(const Json& message) {
  const auto command = message.find("command");
  if (command == message.end()) return refuse_command("", R"(there is no "command")");
  if (!command->is_string()) return refuse_command("command", "is not a string");
  const auto& name = command->get_ref<const std::string&>();
  const auto* known = std::ranges::find(kVerbs, name, &Verb::name);
  if (known == kVerbs.end()) {
    return refuse_command(name, "this view does not know the command", known_verbs());
  }
  return known->verb;
}

Outcome<std::string> path_of(const std::string& name, const Json& value) {
  if (!value.is_string()) return refuse_command(name, "is not a string");
  const auto& path = value.get_ref<const std::string&>();
  const bool is_path = path.starts_with('/') && path.find('\0') == std::string::npos;
  if (!is_path || path.size() >= PATH_MAX) return refuse_command(path, "is not an absolute path");
  return path;
}

Outcome<std::string> text_of(const std::string& name, const Json& value) {
  if (!value.is_string()) return refuse_command(name, "is not a string");
  return value.get<std::string>();
}

// A field that says something else than "command".
Outcome<void> take_argument(ControlCommand& command, const std::string& name, const Json& value) {
  if (name == "command") return {};
  if (command.verb == ControlVerb::kUpgrade && name == "cvfsd") {
    command.cvfsd = TRY(path_of(name, value));
    return {};
  }
  if (command.verb == ControlVerb::kSet && (name == "name" || name == "value")) {
    (name == "name" ? command.name : command.value) = TRY(text_of(name, value));
    return {};
  }
  return refuse_command(name, "this view does not know the argument");
}

// A field of an answer; "" where it is missing or no string.
std::string string_at(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? printable(field->get<std::string>()) : "";
}

ExitCode code_of(const Json& error) {
  const auto code = error.find("code");
  if (code == error.end() || !code->is_number_integer()) return ExitCode::kInternal;
  // Of another build, perhaps: whatever it is, it is no success.
  const auto value = code->get<std::int64_t>();
  return value > 0 && value <= UCHAR_MAX ? static_cast<ExitCode>(value) : ExitCode::kInternal;
}

OperatorError refusal_in(const Json& reply) {
  const auto error = reply.find("error");
  if (error == reply.end() || !error->is_object()) {
    return {ExitCode::kInternal, "", kNoReason, "journalctl -t cvfsd"};
  }
  OperatorError refusal{code_of(*error), string_at(*error, "object"), string_at(*error, "what"),
                        string_at(*error, "hint")};
  if (refusal.what.empty()) refusal.what = kNoReason;
  return refusal;
}

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Outcome<ControlCommand> parse_command(std::string_view line) {
  if (line.size() > kMaxCommandBytes) return refuse_command("", "the command is too long");
  constexpr bool kThrows = false;
  // A NUL ends what the parser reads: what came after it would be passed over.
  const bool has_nul = line.find('\0') != std::string_view::npos;
  const Json message = has_nul ? Json() : Json::parse(line, nullptr, kThrows);
  if (!message.is_object()) {
    return refuse_command("", kWrongCommand, R"({"command":"status"} on a line)");
  }
  ControlCommand command;
  command.verb = TRY(verb_of(message));
  for (const auto& [name, value] : message.items()) TRY(take_argument(command, name, value));
  return command;
}

std::string to_text(const Json& json) {
  return dump(json, -1);
}

std::string to_indented_text(const Json& json) {
  return dump(json, 2);
}

std::string ok_reply(Json fields) {
  if (!fields.is_object()) fields = Json::object();
  fields["ok"] = true;
  return to_text(fields) + '\n';
}

std::string error_reply(const OperatorError& error) {
  return to_text({{"ok", false}, {"error", to_json(error)}}) + '\n';
}

std::string to_line(const ControlCommand& command) {
  const auto* known = std::ranges::find(kVerbs, command.verb, &Verb::verb);
  Json message = {{"command", known->name}};
  if (!command.cvfsd.empty()) message["cvfsd"] = command.cvfsd;
  if (command.verb == ControlVerb::kSet) {
    message["name"] = command.name;
    message["value"] = command.value;
  }
  return to_text(message) + '\n';
}

Outcome<Json> parse_reply(std::string_view line) {
  constexpr bool kThrows = false;
  const auto not_too_deep = [](int depth, Json::parse_event_t /*event*/, const Json& /*parsed*/) {
    return depth <= kMaxReplyDepth;
  };
  Json reply = Json::parse(line, not_too_deep, kThrows);
  const auto ok = reply.is_object() ? reply.find("ok") : reply.end();
  if (ok == reply.end() || !ok->is_boolean()) {
    return refuse(OperatorError{ExitCode::kInternal, "", "answers what this cvfs cannot read",
                                "the cvfs of the same version"});
  }
  if (!ok->get<bool>()) return refuse(refusal_in(reply));
  return reply;
}

Json to_json(const OperatorError& error) {
  return {{"code", static_cast<int>(error.code)},
          {"object", error.object},
          {"what", error.what},
          {"hint", error.hint}};
}

}  // namespace cvfs
