// The protocol of a view's control socket: one command a connection, one line of JSON each way.
//
//   {"command":"status"}                         {"ok":true,"view":{...}}
//   {"command":"locks"}                          {"ok":true,"locks":[{...}]}
//   {"command":"metrics"}                        {"ok":true,"metrics":{...}}
//   {"command":"waits"}                          {"ok":true,"holds":[[..]],"waits":[[..]]}
//   {"command":"set","name":"log","value":"debug"}  {"ok":true,"was":"info","is":"debug"}
//   {"command":"upgrade","cvfsd":"/usr/..."}     {"ok":false,"error":{"code":32,"object":"..",..}}
//
// What arrives is not trusted: nothing here throws, or believes a type, a length or a character.
// Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/operator_error.h"

namespace cvfs {

using Json = nlohmann::json;

// Of a command's line, without its newline.
inline constexpr std::size_t kMaxCommandBytes = 4096;
// Of an answer: more than any view says.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{1} << 20;

enum class ControlVerb { kStatus, kUpgrade, kLocks, kWaits, kMetrics, kSet };

struct ControlCommand {
  ControlVerb verb = ControlVerb::kStatus;
  std::string cvfsd =
      {};  // kUpgrade: the build to go on with, an absolute path; empty: the installed
  std::string name = {};   // kSet: a mount option of cvfs
  std::string value = {};  // and what it is to be
};

// ---- in the view ----

// `line` is without its newline. Refused with ExitCode::kUsage: too long, no JSON object, no
// or an unknown command, an argument that the command does not have (it may be from a newer cvfs,
// and it means something there), a value of another type, a path that is not absolute.
Outcome<ControlCommand> parse_command(std::string_view line);

// One line with its newline; `fields` is an object, and "ok" is added to it. Bytes that are no
// UTF-8 become U+FFFD.
std::string ok_reply(Json fields);
std::string error_reply(const OperatorError& error);

// ---- in the client ----

// One line with its newline.
std::string to_line(const ControlCommand& command);

// An object whose "ok" is true. The view's own refusal otherwise; ExitCode::kInternal for what is
// no answer at all. What is nested deeper than answers are is left out.
Outcome<Json> parse_reply(std::string_view line);

// {"code":32,"object":"..","what":"..","hint":".."}
Json to_json(const OperatorError& error);

// On one line, or indented; never throws, whatever strings it holds (as ok_reply()).
std::string to_text(const Json& json);
std::string to_indented_text(const Json& json);

}  // namespace cvfs
