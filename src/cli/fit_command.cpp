#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "fit/fit.hpp"
#include "report/fit_measured.hpp"
#include "report/fit_text.hpp"
#include "report/model.hpp"
#include "store/journal.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTokensOfACall = 16;  // what decode writes, as in `llm`
constexpr std::size_t kMostJournals = 20;    // read in search of a measured model

/// What the newest run of this very machine learned, or nothing.
struct Newest {
  std::optional<machine::Machine> machine;
  fit::Measured measured;
};

bool is_same(const machine::Machine& a, const machine::Machine& b) {
  return a.cpu.name == b.cpu.name && a.memory.total_bytes == b.memory.total_bytes &&
         a.os.version == b.os.version;
}

/// The run, where it was measured on this very machine.
std::optional<store::RunData> run_of(const machine::Machine& here, const fs::path& path) {
  auto data = store::load_journal(path);
  if (!data || !data->header.contains("machine") || data->header.contains("rehearsal"))
    return std::nullopt;
  if (!is_same(machine::machine_from_json(data->header["machine"]), here)) return std::nullopt;
  return *std::move(data);
}

Newest newest_run(const machine::Machine& here, const fs::path& results) {
  const auto path = store::find_journal("last", results);
  if (!path) return {};
  const auto data = run_of(here, *path);
  if (!data) return {};
  auto machine = machine::machine_from_json(data->header["machine"]);
  for (const auto& s : data->subjects) machine::merge_device_facts(machine, s.facts);
  return {.machine = machine,
          .measured = report::measured_of(report::build_report(*data, path->string()))};
}

void take(machine::Machine& here, const machine::Machine& newest) {
  here.gpus = newest.gpus;
  here.memory.gpu_working_set_bytes = newest.memory.gpu_working_set_bytes;
  here.memory.largest_buffer_bytes = newest.memory.largest_buffer_bytes;
  here.memory.gpu_limits_source = newest.memory.gpu_limits_source;
}

std::string framework_of(const fit::RuntimeChoice& runtime) {
  if (runtime.name == "torch") return "torch";
  return runtime.name == "llama.cpp" ? "" : "mlx";
}

std::string device_kind_of(const fit::Target& target) {
  return target.kind == fit::Target::Kind::cpu ? "cpu" : "gpu";
}

/// What a measured model of `run` says about the runtime of `question`.
std::optional<fit::Correction> correction_from(const store::RunData& run, const fs::path& path,
                                               const machine::Machine& here,
                                               const fit::Case& question) {
  const auto llm = report::build_llm_report(run, path.string());
  if (llm.model.empty()) return std::nullopt;
  const auto* subject =
      report::subject_of(llm, framework_of(question.runtime), device_kind_of(question.target));
  if (subject == nullptr) return std::nullopt;
  fit::Request request;
  request.model = llm.model, request.runtime = question.runtime.name;
  (llm.quant.empty() ? request.dtype : request.quant) = llm.quant.empty() ? llm.dtype : llm.quant;
  std::int64_t context = 0;
  for (const auto& e : subject->prefill) context = std::max(context, e.tokens);
  for (const auto& e : subject->decode) context = std::max(context, e.tokens + kTokensOfACall);
  if (context > 0) request.context = context;
  const auto measured = report::measured_of(report::build_report(run, path.string()));
  const auto asked = fit::resolve(request, here, measured);
  if (!asked) return std::nullopt;
  return report::correction_of(*asked, report::set_against(*asked, std::nullopt, llm, *subject));
}

/// That of the newest run here in which a model was measured with the question's runtime.
std::optional<fit::Correction> newest_correction(const machine::Machine& here,
                                                 const fs::path& results,
                                                 const fit::Case& question) {
  if (framework_of(question.runtime).empty()) return std::nullopt;
  std::error_code ignored;
  std::vector<fs::path> journals;
  for (const auto& entry : fs::directory_iterator(results, ignored)) {
    if (entry.path().extension() == ".jsonl") journals.push_back(entry.path());
  }
  std::sort(journals.rbegin(), journals.rend());
  if (journals.size() > kMostJournals) journals.resize(kMostJournals);
  for (const auto& path : journals) {
    const auto run = run_of(here, path);
    if (!run) continue;
    if (auto found = correction_from(*run, path, here, question)) return found;
  }
  return std::nullopt;
}

/// The cases of `llm` that answer `question`.
LlmOptions measurement_of(const FitOptions& options, const fit::Case& question) {
  LlmOptions o;
  o.model = options.request.model;
  o.dtype = question.format.is_quantised() ? "bfloat16" : question.format.name;
  if (!options.request.quant.empty()) o.quant = options.request.quant;
  if (o.quant == "int4") o.quant = "4bit";
  o.prompt = question.load.context, o.batch = question.load.batch;
  o.depths = {std::max<std::int64_t>(0, question.load.context - kTokensOfACall)};
  o.run.pytorch_only = framework_of(question.runtime) == "torch";
  o.run.mlx_only = !o.run.pytorch_only;
  o.run.device = device_kind_of(question.target);
  o.run.results = options.results, o.run.budget = options.budget;
  return o;
}

Status can_measure(const FitOptions& options) {
  const auto& r = options.request;
  if (r.machine != "this")
    return fail(ErrorKind::usage, "--measure runs the model on this machine; leave --machine away");
  if (!r.training.empty())
    return fail(ErrorKind::usage, "--measure knows no training; leave --train away");
  if (r.runtime.starts_with("llama.cpp")) {
    return fail(ErrorKind::unsupported,
                "llama.cpp is no framework of mlbench; --runtime torch or mlx can be measured");
  }
  return Done{};
}

struct Outcome {
  report::FitMeasured measured;
  int exit_code;
};

/// Runs the model; afterwards `question` is corrected by what was measured.
Result<Outcome> measure(const Context& context, const FitOptions& options,
                        const machine::Machine& here, fit::Case& question,
                        const std::vector<std::string>& command_line) {
  const auto earlier = question.constants.correction;
  auto journal = measure_llm(context, measurement_of(options, question), here, command_line);
  if (!journal) return journal.error();
  const auto path = journal->path();
  const auto llm = report::build_llm_report(journal->data(), path.string());
  const auto* subject =
      report::subject_of(llm, framework_of(question.runtime), device_kind_of(question.target));
  if (subject == nullptr)
    return fail(ErrorKind::unsupported, "nothing here runs " + question.runtime.name + " on a " +
                                            device_kind_of(question.target) +
                                            "; mlbench doctor says what is missing");
  auto request = options.request;
  request.runtime = question.runtime.name, request.context = question.load.context;
  auto now = fit::resolve(
      request, here, report::measured_of(report::build_report(journal->data(), path.string())));
  if (!now) return now.error();
  auto result = report::set_against(*now, earlier, llm, *subject);
  now->constants.correction = report::correction_of(*now, result);
  question = *std::move(now);
  return Outcome{.measured = std::move(result), .exit_code = exit_code_of(*journal)};
}

}  // namespace

int fit_command(const Context& context, const FitOptions& given,
                const std::vector<std::string>& command_line) {
  FitOptions options = given;
  machine::Machine here;
  fit::Measured measured;
  const auto results = options.results.empty() ? default_results_dir() : fs::path(options.results);
  if (options.measure) {
    if (auto ok = can_measure(options); !ok) return report_error(context, ok.error());
  }
  const bool is_here = options.request.machine == "this";
  if (is_here) {
    auto found = machine::discover();
    if (!found) return report_error(context, found.error());
    here = std::move(*found);
    auto newest = newest_run(here, results);
    if (newest.machine) {
      take(here, *newest.machine);
      measured = std::move(newest.measured);
    }
  }
  auto question = fit::resolve(options.request, here, measured);
  if (question && options.measure && framework_of(question->runtime).empty()) {
    options.request.runtime = "torch";  // what a card would run can be measured with PyTorch only
    question = fit::resolve(options.request, here, measured);
  }
  if (!question) return report_error(context, question.error());
  if (is_here) question->constants.correction = newest_correction(here, results, *question);
  std::optional<Outcome> outcome;
  if (options.measure) {
    auto run = measure(context, options, here, *question, command_line);
    if (!run) return report_error(context, run.error());
    outcome = *std::move(run);
  }
  const auto answer = fit::answer(*question, options.request);
  if (!answer) return report_error(context, answer.error());
  if (context.json) {
    Json json = fit::to_json(*answer);
    json["measured"] = outcome ? report::to_json(outcome->measured) : Json(nullptr);
    print_json(context, json);
  } else {
    context.out << report::fit_text(*answer);
    if (outcome) context.out << report::fit_measured_text(outcome->measured);
  }
  return outcome ? outcome->exit_code : kExitOk;
}

}  // namespace mlbench::cli
