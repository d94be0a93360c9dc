// cvfs top [VIEW...] [--interval SECONDS] [--count N] [--json]
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "cli/subcommand.h"
#include "cli/top_text.h"

namespace cvfs {
namespace {

// What is wrong with it; empty: nothing.
std::string wrong_interval(const std::string& text) {
  constexpr double kLeast = 0.1;
  constexpr double kMost = 3600;
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  const bool is_whole = end != text.c_str() && *end == '\0';
  return is_whole && seconds >= kLeast && seconds <= kMost
             ? ""
             : "not a number of seconds from 0.1 to 3600";
}

struct TopOptions {
  std::vector<std::string> names;
  double interval = 2;
  unsigned count = 0;  // 0: until it is interrupted; of what is no terminal: one
  bool json = false;
};

struct TerminalSize {
  std::size_t lines = 24;
  std::size_t columns = 80;
};

TerminalSize terminal_size() {
  winsize size{};
  const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  if (!is_known || size.ws_row < 2 || size.ws_col < 2) return {};
  return {size.ws_row, size.ws_col};
}

// Cut where the terminal ends, between two characters of UTF-8.
std::string cut(std::string line, std::size_t columns) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xc0) != 0x80;
    if (begins && ++width > columns) return line.substr(0, i);
  }
  return line;
}

void draw(const Console& console, const TopScreen& screen, bool is_terminal) {
  const std::vector<std::string> lines = top_lines(screen);
  if (!is_terminal) {
    for (const std::string& line : lines) console.out << line << '\n';
    console.out << std::endl;
    return;
  }
  const TerminalSize size = terminal_size();
  console.out << "\033[H\033[J";
  for (std::size_t i = 0; i < std::min(lines.size(), size.lines - 1); ++i) {
    console.out << cut(lines[i], size.columns) << '\n';
  }
  console.out << std::flush;
}

ExitCode code_of(const TopScreen& screen) {
  for (const ViewRates& view : screen.views) {
    if (!view.answer.reply) return view.answer.reply.error().code;
  }
  return ExitCode::kSuccess;
}

// The views are found anew each time: some are mounted meanwhile, others go.
int top(const TopOptions& options, const Console& console) {
  const bool is_terminal = !options.json && ::isatty(STDOUT_FILENO) == 1;
  const unsigned count = options.count == 0 && !is_terminal ? 1 : options.count;
  const bool are_named = !options.names.empty();
  ExitCode code = ExitCode::kSuccess;
  ViewSample before;
  for (unsigned shown = 0; count == 0 || shown <= count; ++shown) {
    const auto views = views_to_ask(options.names);
    if (!views) {
      console.print_error(views.error());
      return exit_code(views.error().code);
    }
    ViewSample now = sample(*views, are_named);
    if (shown > 0) {
      const TopScreen screen = {rates_of_views(before, now), rates_of_containers(before, now),
                                static_cast<double>(now.at_us - before.at_us) / 1e6};
      if (options.json) {
        console.out << to_text(top_json(screen)) << std::endl;
      } else {
        draw(console, screen, is_terminal);
      }
      code = code_of(screen);
    }
    before = std::move(now);
    if (!console.out) break;
    if (count == 0 || shown < count) {
      std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
    }
  }
  return exit_code(code);
}

}  // namespace

void add_top_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "what the views do now, and for which containers");
  command->add_option("VIEW", options->names,
                      "a mount point, a source (toto:/data) or a number; without: all");
  command->add_option("--interval", options->interval, "seconds between two looks; 2")
      ->check(wrong_interval);
  command->add_option("--count", options->count,
                      "how many times; without: until Ctrl-C, or once where there is no terminal");
  command->add_flag("--json", options->json, "an object a look, each on a line");
  command->footer(
      "P50, P99: so many of a hundred requests took no longer in cvfsd, by powers of two. HITS: "
      "of\n"
      "the files that requests meant, how many were open. WAIT: requests that wait for a lock.\n"
      "DIED: processes of the view, since it was mounted. What the kernel answers by itself (its\n"
      "caches, reads and writes by passthrough) comes to no view. A CONTAINER's requests are\n"
      "counted by thread, and those of threads that have ended meanwhile are (ended).\n\n"
      "Examples:\n"
      "  cvfs top\n"
      "  cvfs top /srv/toto --interval 10\n"
      "  cvfs top --json --count 1 | jq '.containers[0]'");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return top(*options, console); };
  });
}

}  // namespace cvfs
