#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "fit/fit.hpp"
#include "report/fit_text.hpp"
#include "report/model.hpp"
#include "store/journal.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

/// What the newest run of this very machine learned, or nothing.
struct Newest {
  std::optional<machine::Machine> machine;
  fit::Measured measured;
};

bool is_same(const machine::Machine& a, const machine::Machine& b) {
  return a.cpu.name == b.cpu.name && a.memory.total_bytes == b.memory.total_bytes &&
         a.os.version == b.os.version;
}

Newest newest_run(const machine::Machine& here, const std::filesystem::path& results) {
  const auto path = store::find_journal("last", results);
  if (!path) return {};
  const auto data = store::load_journal(*path);
  if (!data || !data->header.contains("machine") || data->header.contains("rehearsal")) return {};
  auto machine = machine::machine_from_json(data->header["machine"]);
  if (!is_same(machine, here)) return {};
  for (const auto& s : data->subjects) machine::merge_device_facts(machine, s.facts);
  Newest newest{.machine = machine,
                .measured = {.bandwidth_bytes_per_s = std::nullopt,
                             .flop_per_s = std::nullopt,
                             .source = path->filename().string()}};
  const std::string kind = machine.gpus.empty() ? "cpu" : "gpu";
  for (const auto& c : report::build_report(*data, path->string()).ceilings) {
    if (c.device_kind != kind) continue;
    if (c.resource == "bytes_per_s")
      newest.measured.bandwidth_bytes_per_s = c.rate;
    else
      newest.measured.flop_per_s = std::max(newest.measured.flop_per_s.value_or(0), c.rate);
  }
  return newest;
}

}  // namespace

int fit_command(const Context& context, const FitOptions& options) {
  machine::Machine here;
  fit::Measured measured;
  if (options.request.machine == "this") {
    auto found = machine::discover();
    if (!found) return report_error(context, found.error());
    here = std::move(*found);
    const auto results =
        options.results.empty() ? default_results_dir() : std::filesystem::path(options.results);
    auto newest = newest_run(here, results);
    if (newest.machine) {
      here.gpus = newest.machine->gpus;
      here.memory.gpu_working_set_bytes = newest.machine->memory.gpu_working_set_bytes;
      here.memory.largest_buffer_bytes = newest.machine->memory.largest_buffer_bytes;
      here.memory.gpu_limits_source = newest.machine->memory.gpu_limits_source;
      measured = std::move(newest.measured);
    }
  }
  const auto question = fit::resolve(options.request, here, measured);
  if (!question) return report_error(context, question.error());
  const auto answer = fit::answer(*question, options.request);
  if (!answer) return report_error(context, answer.error());
  if (context.json)
    print_json(context, fit::to_json(*answer));
  else
    context.out << report::fit_text(*answer);
  return kExitOk;
}

}  // namespace mlbench::cli
