// What arrives at a view's control socket, by way of a connection; and what a view may answer.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "control/control_connection.h"
#include "control/control_message.h"
#include "fuzz.h"

namespace cvfs {
namespace {

void parse(std::string_view line) {
  const auto command = parse_command(line);
  if (!command) return fuzz::require_readable(command.error());
  std::string said = to_line(*command);
  said.pop_back();
  const auto again = parse_command(said);
  fuzz::require(again && again->verb == command->verb && again->cvfsd == command->cvfsd,
                "a command that is sent again is the same");
}

void read_reply(std::string_view line) {
  const auto reply = parse_reply(line);
  if (!reply) return fuzz::require_readable(reply.error());
  fuzz::require(!to_indented_text(*reply).empty(), "what was read can be shown");
}

// In two pieces, and then nothing more.
void connect(std::string_view bytes) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return;
  const UniqueFd client(ends[1]);
  auto connection = ControlConnection::begin(UniqueFd(ends[0]));
  fuzz::require(connection.has_value(), "a socket is one");
  const auto handler = [](const ControlCommand&, int) { return std::optional(ok_reply({})); };
  const std::string_view first = bytes.substr(0, bytes.size() / 2);
  (void)!::write(client.get(), first.data(), first.size());
  bool goes_on = connection->advance(handler);
  bytes.remove_prefix(first.size());
  if (goes_on) (void)!::write(client.get(), bytes.data(), bytes.size());
  ::shutdown(client.get(), SHUT_WR);
  for (int turn = 0; goes_on && turn < 100; ++turn) goes_on = connection->advance(handler);
  fuzz::require(!goes_on, "a connection that is over ends");
}

}  // namespace
}  // namespace cvfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text = cvfs::fuzz::text_of(data, size);
  cvfs::parse(text);
  cvfs::read_reply(text);
  cvfs::connect(text);
  return 0;
}
