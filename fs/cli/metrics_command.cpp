// cvfs metrics [VIEW...] [--http | --json]
#include <unistd.h>

#include <memory>

#include "cli/http_exchange.h"
#include "cli/prometheus_text.h"
#include "cli/subcommand.h"
#include "cli/view_answers.h"
#include "cli/view_counts.h"

namespace cvfs {
namespace {

constexpr const char* kMetricsPath = "/metrics";

struct MetricsOptions {
  std::vector<std::string> names;
  bool http = false;
  bool json = false;
};

std::vector<ViewAnswer> answers_of(const std::vector<RunningView>& views, bool are_named) {
  std::vector<ViewAnswer> answers;
  for (const RunningView& view : views) {
    ViewAnswer answer = ask(view, ControlCommand{ControlVerb::kMetrics, ""});
    if (are_named || !is_remnant(answer)) answers.push_back(std::move(answer));
  }
  return answers;
}

void print_metrics_json(const Console& console, const std::vector<ViewAnswer>& answers) {
  Json all = Json::array();
  for (const ViewAnswer& answer : answers) {
    Json json = to_json(answer.view);
    if (answer.reply) {
      json.update(metrics_in(answer));
    } else {
      json["error"] = to_json(answer.reply.error());
    }
    all.push_back(std::move(json));
  }
  console.out << to_indented_text(all) << std::endl;
}

// A view that does not answer is no failure of the scrape: it is `cvfs_up 0`.
int serve_http(const std::vector<RunningView>& views, bool are_named) {
  const bool is_served = exchange_http(STDIN_FILENO, STDOUT_FILENO, kMetricsPath, [&] {
    return prometheus_text(answers_of(views, are_named));
  });
  return exit_code(is_served ? ExitCode::kSuccess : ExitCode::kSystem);
}

int metrics(const MetricsOptions& options, const Console& console) {
  const auto views = views_to_ask(options.names);
  if (!views) {
    console.print_error(views.error());
    return exit_code(views.error().code);
  }
  const bool are_named = !options.names.empty();
  if (options.http) return serve_http(*views, are_named);
  const std::vector<ViewAnswer> answers = answers_of(*views, are_named);
  if (options.json) {
    print_metrics_json(console, answers);
  } else {
    console.out << prometheus_text(answers) << std::flush;
  }
  return exit_code(end_with(answers, console, options.json));
}

}  // namespace

void add_metrics_command(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<MetricsOptions>();
  CLI::App* command =
      app.add_subcommand("metrics", "what the views have counted, in Prometheus' text format");
  command->add_option("VIEW", options->names,
                      "a mount point, a source (toto:/data) or a number; without: all");
  auto* http = command->add_flag("--http", options->http,
                                 "answer one request of HTTP, GET /metrics, that comes on standard "
                                 "input, on standard output: for systemd's cvfs-metrics.socket");
  command->add_flag("--json", options->json, "an array of objects, one a view")->excludes(http);
  command->footer(
      "Nothing listens unless it is asked for: cvfs-metrics.socket is installed and not enabled.\n"
      "cvfs_up is 0 for a view that is dead or gives no answer; exit code 32 then.\n\n"
      "Examples:\n"
      "  cvfs metrics >/var/lib/prometheus/node-exporter/cvfs.prom\n"
      "  systemctl enable --now cvfs-metrics.socket && curl localhost:9823/metrics\n"
      "  cvfs metrics --json /srv/toto | jq '.[].operations.LOOKUP'");
  command->callback([options, &chosen] {
    chosen = [options](const Console& console) { return metrics(*options, console); };
  });
}

}  // namespace cvfs
