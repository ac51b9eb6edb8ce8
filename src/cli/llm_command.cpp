#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/run_options.hpp"
#include "core/units.hpp"
#include "fit/fit.hpp"
#include "model/maths.hpp"
#include "report/llm.hpp"
#include "workload/language.hpp"

#include <algorithm>
#include <filesystem>

namespace mlbench::cli {
namespace {

constexpr std::int64_t kTokensOfACall = 16, kSmallDepth = 128;

/// The framework that has this kind of weights, where only one has; else whichever is usual here.
std::string runtime_of(const std::string& quant) {
  if (quant == "mxfp4" || quant == "nvfp4") return "mlx";
  return quant == "int8" ? "torch" : "";
}

/// fit's answer before anything is loaded: a model that cannot fit would only make the machine
/// swap. Our own small models are not in its list, and always fit.
Status refuse_if_too_large(const LlmOptions& o, const std::string& dtype, bool is_stored_quantised,
                           const machine::Machine& here, std::int64_t context) {
  if (o.model == model::kSmallModel || o.model == model::kMediumModel) return Done{};
  fit::Request request;
  request.model = o.model, request.context = context, request.batch = o.batch;
  // What a checkpoint is stored as, fit reads from it.
  if (!o.quant.empty())
    request.quant = o.quant, request.runtime = runtime_of(o.quant);
  else if (!is_stored_quantised)
    request.dtype = dtype;
  const auto question = fit::resolve(request, here, {});
  if (!question) return question.error();
  const auto answer = fit::answer(*question, request);
  if (!answer) return answer.error();
  if (answer->fits) return Done{};
  const auto binding = answer->binding.value_or(fit::LimitKind::memory);
  const auto& target = answer->question.target;
  const auto limit = fit::limit_of(target, binding).bytes.value_or(0);
  std::string text = o.model + " does not fit this machine: it needs " +
                     format_bytes(static_cast<double>(fit::need_for(answer->need, binding))) +
                     " of the " + format_bytes(static_cast<double>(limit)) + " of " +
                     fit::in_words(binding, target) + " (" + fit::name_of(binding) + ")";
  for (const auto& option : answer->options) {
    if (option.fits && !option.command.empty()) {
      text += "; " + option.change + " would fit: " + option.command;
      break;
    }
  }
  return fail(ErrorKind::unsupported, text + "; mlbench fit " + o.model + " says why");
}

Status add_case(std::vector<workload::Case>& cases, const char* name, workload::DType dtype,
                Json params) {
  auto c = workload::make_case(name, dtype, std::move(params));
  if (!c) return c.error();
  cases.push_back(*std::move(c));
  return Done{};
}

/// Kinds of weights to measure: "8bit" is MLX's 8-bit kind and int8 PyTorch's; neither has the
/// other's, so both are cases of their own. A checkpoint that is quantised already has one kind.
std::vector<std::string> kinds_of(const std::string& quant, const std::string& stored) {
  if (quant.empty()) return {stored};
  if (quant == "8bit" && stored.empty()) return {"8bit", "int8"};
  return {quant};
}

Status add_product(std::vector<workload::Case>& cases, workload::DType dtype, std::int64_t n) {
  return add_case(cases, "gemm", dtype, {{"m", n}, {"n", n}, {"k", n}});
}

/// On CPUs, of dense weights, a small model beside the one asked for: together they tell what a
/// layer takes however small it is, so that `fit` may predict others (docs/fit.md, "`--measure`").
Status add_small_model(std::vector<workload::Case>& cases, const LlmOptions& o,
                       workload::DType dtype) {
  const bool is_small = o.model == model::kSmallModel;
  const Json decode = {{"model", is_small ? model::kMediumModel : model::kSmallModel},
                       {"batch", 1},
                       {"depth", kSmallDepth},
                       {"tokens", kTokensOfACall}};
  return add_case(cases, "decode", dtype, decode);
}

Result<std::vector<workload::Case>> cases_of(const LlmOptions& o, workload::DType dtype,
                                             const std::string& stored, bool on_cpu) {
  std::vector<workload::Case> cases;
  for (const auto& kind : kinds_of(o.quant, stored)) {
    Json model = {{"model", o.model}, {"batch", o.batch}};
    if (!kind.empty()) model["quant"] = kind;
    Json prefill = model;
    prefill["prompt"] = o.prompt;
    if (auto ok = add_case(cases, "prefill", dtype, prefill); !ok) return ok.error();
    for (const auto depth : o.depths) {
      Json decode = model;
      decode["depth"] = depth, decode["tokens"] = kTokensOfACall;
      if (auto ok = add_case(cases, "decode", dtype, decode); !ok) return ok.error();
    }
    if (!on_cpu || !kind.empty()) continue;
    if (auto ok = add_small_model(cases, o, dtype); !ok) return ok.error();
  }
  // What the rates are set against.
  if (auto ok = add_product(cases, dtype, 1024); !ok) return ok.error();
  if (auto ok = add_case(cases, "memory", workload::DType::float32,
                         {{"op", "read"}, {"bytes", std::int64_t{256} << 20}});
      !ok)
    return ok.error();
  return cases;
}

}  // namespace

Result<store::Journal> measure_llm(const Context& context, const LlmOptions& given,
                                   const machine::Machine& machine,
                                   const std::vector<std::string>& command_line) {
  LlmOptions o = given;
  const auto spec = model::spec_of(o.model);
  if (!spec) return spec.error();
  const std::string dtype_name = o.dtype.empty() ? spec->shape.dtype : o.dtype;
  const auto dtype = workload::parse_dtype(dtype_name);
  if (!dtype || *dtype == workload::DType::float64) {
    return fail(ErrorKind::usage,
                "--dtype: \"" + dtype_name + "\" is none of float32, float16 and bfloat16");
  }
  if (o.depths.empty()) o.depths = {o.prompt};
  const auto deepest = *std::max_element(o.depths.begin(), o.depths.end());
  const auto most = std::max(o.prompt, deepest + kTokensOfACall);
  const auto& stored = spec->shape.stored;
  if (auto ok = refuse_if_too_large(o, dtype_name, !stored.empty(), machine, most); !ok)
    return ok.error();
  auto options = resolve(o.run, machine);
  if (!options) return options.error();
  const bool on_cpu = machine.gpus.empty() || o.run.device == "cpu";
  auto cases = cases_of(o, *dtype, stored, on_cpu);
  if (!cases) return cases.error();
  options->cases = *std::move(cases);
  // A product of 1024 leaves most of a large GPU idle; one of 4096 takes a CPU seconds.
  if (auto ok = add_product(options->gpu_cases, *dtype, 4096); !ok) return ok.error();
  // A call takes seconds and a process loads the model: few block pairs, few rounds.
  options->settings.rows = 2;
  options->settings.min_rounds = o.rounds;
  if (o.run.budget.empty()) options->settings.budget_s = 180;
  options->limits.reset();  // seconds that say nothing of this model
  return measured(context, *options, machine, command_line);
}

int llm_command(const Context& context, const LlmOptions& options,
                const std::vector<std::string>& command_line) {
  const auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  auto journal = measure_llm(context, options, *machine, command_line);
  if (!journal) return report_error(context, journal.error());
  const auto report = report::build_llm_report(journal->data(), journal->path().string());
  if (context.json)
    print_json(context, report::to_json(report));
  else
    context.out << report::llm_text(report) << "JOURNAL  " << journal->path().string() << "\n";
  return exit_code_of(*journal);
}

}  // namespace mlbench::cli
