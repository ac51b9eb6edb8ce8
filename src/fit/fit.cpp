#include "fit/fit.hpp"

#include "core/text.hpp"
#include "fit/options.hpp"
#include "model/known_models.hpp"
#include "model/maths.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace mlbench::fit {
namespace {

constexpr std::int64_t kDefaultContext = 2048;
constexpr std::int64_t kMostTokens = 1'000'000'000, kMostSequences = 1'000'000;

bool is_a_path(const std::string& text) {
  std::error_code error;
  return text.ends_with(".json") || text.starts_with('.') || text.starts_with('/') ||
         std::filesystem::exists(text, error);
}

Result<model::ModelShape> find_shape(const std::string& model) {
  if (model.empty())
    return fail(
        ErrorKind::usage,
        "no model is named; give a name (Mistral-7B), a folder, a config.json or a GGUF file");
  if (is_a_path(model)) return model::read_config(model);
  if (model == model::kSmallModel || model == model::kMediumModel) {
    auto spec = model::spec_of(model);
    if (!spec) return spec.error();
    return std::move(spec->shape);
  }
  auto known = model::find_model(model);
  if (!known) return known.error();
  return known->shape;
}

Result<Load> load_of(const Request& r, const model::ModelShape& shape) {
  Load load;
  load.context =
      r.context.value_or(std::min(kDefaultContext, shape.max_context.value_or(kDefaultContext)));
  load.batch = r.batch.value_or(1);
  if (load.context < 1 || load.context > kMostTokens) {
    return fail(ErrorKind::usage,
                "--context must be from 1 to " + std::to_string(kMostTokens) + " tokens");
  }
  if (load.batch < 1 || load.batch > kMostSequences) {
    return fail(ErrorKind::usage,
                "--batch must be from 1 to " + std::to_string(kMostSequences) + " sequences");
  }
  if (r.training == "full")
    load.training = Load::Training::full;
  else if (r.training == "lora")
    load.training = Load::Training::lora;
  else if (!r.training.empty())
    return fail(ErrorKind::usage, "--train " + r.training + ": training is full or lora");
  return load;
}

/// Where none is named: the one that runs this kind of weights, else the machine's usual one.
std::string default_runtime(const Request& r, const model::ModelShape& shape, Target::Kind kind) {
  const bool as_stored = r.quant.empty() && r.dtype.empty();
  const std::string by_quant = runtime_of_quant(as_stored ? shape.quant.value_or("") : r.quant);
  if (!by_quant.empty()) return by_quant;
  if (!r.training.empty()) return kind == Target::Kind::apple ? "mlx-lm" : "torch";
  return kind == Target::Kind::apple  ? "mlx-lm"
         : kind == Target::Kind::cuda ? "llama.cpp"
                                      : "torch";
}

Result<Format> format_of(const Request& r, const model::ModelShape& shape,
                         const std::string& runtime) {
  if (!r.dtype.empty() && !r.quant.empty()) {
    return fail(ErrorKind::usage,
                "--dtype and --quant both say how weights are stored; give one of them");
  }
  if (!r.quant.empty()) return parse_quant(r.quant, runtime, shape);
  if (r.dtype.empty() && shape.quant) {
    auto stored = parse_quant(*shape.quant, runtime, shape);
    if (stored) return stored;
    return fail(ErrorKind::usage, "its weights are stored as " + *shape.quant +
                                      ", which is not known here as a kind of " + runtime +
                                      "; say with --quant or --dtype what is to be counted");
  }
  auto format = parse_dtype(r.dtype.empty() ? shape.dtype : r.dtype);
  if (!format || runtime != "llama.cpp" || format->bits != 16) return format;
  // llama.cpp's 16-bit files keep vectors at 32 bit.
  return parse_quant("f16", runtime, shape);
}

struct Use {
  LimitKind kind;
  std::int64_t need;
  std::optional<std::int64_t> limit;
};

}  // namespace

const char* name_of(LimitKind kind) {
  switch (kind) {
    case LimitKind::largest_buffer: return "largest_buffer";
    case LimitKind::working_set: return "working_set";
    case LimitKind::memory: return "memory";
  }
  return "memory";
}

const Limit& limit_of(const Target& t, LimitKind kind) {
  if (kind == LimitKind::largest_buffer) return t.largest_buffer;
  return kind == LimitKind::working_set ? t.working_set : t.memory;
}

std::int64_t need_for(const Need& need, LimitKind kind) {
  return kind == LimitKind::largest_buffer ? need.largest_buffer_bytes : need.total_bytes;
}

const char* in_words(LimitKind kind, const Target& t) {
  switch (kind) {
    case LimitKind::largest_buffer: return "the largest buffer that the GPU takes";
    case LimitKind::working_set:
      return t.kind == Target::Kind::cuda ? "the card's memory" : "the GPU's working set";
    case LimitKind::memory: return "the memory that the system leaves";
  }
  return "";
}

MemoryModel memory_model(const Case& question) {
  MemoryModel m = memory_model(question.runtime);
  const auto& correction = question.constants.correction;
  if (correction && correction->overhead_bytes)
    m.overhead_bytes = *correction->overhead_bytes, m.overhead_kv_share = 0;
  return m;
}

Result<Case> resolve(const Request& r, const machine::Machine& here, const Measured& measured) {
  Case c;
  auto shape = find_shape(r.model);
  if (!shape) return shape.error();
  c.shape = std::move(*shape);
  auto load = load_of(r, c.shape);
  if (!load) return load.error();
  c.load = *load;
  if (r.machine == "this") {
    c.target = target_of(here, measured);
  } else {
    auto target = find_target(r.machine);
    if (!target) return target.error();
    c.target = std::move(*target);
  }
  auto runtime =
      parse_runtime(r.runtime.empty() ? default_runtime(r, c.shape, c.target.kind) : r.runtime);
  if (!runtime) return runtime.error();
  c.runtime = *runtime;
  auto format = format_of(r, c.shape, c.runtime.name);
  if (!format) return format.error();
  c.format = *format;
  if (c.load.training == Load::Training::full && c.format.is_quantised()) {
    return fail(ErrorKind::usage, "--train full with " + c.format.name +
                                      " weights: full training needs dense weights (--dtype "
                                      "bfloat16); --train lora trains beside quantised ones");
  }
  auto constants = constants_for(c.runtime, c.target.kind);
  if (!constants) return constants.error();
  c.constants = std::move(*constants);
  return c;
}

Judgement judge(const Need& need, const Target& t) {
  const std::array<Use, 3> uses = {
      {{LimitKind::working_set, need.total_bytes, t.working_set.bytes},
       {LimitKind::memory, need.total_bytes, t.memory.bytes},
       {LimitKind::largest_buffer, need.largest_buffer_bytes, t.largest_buffer.bytes}}};
  Judgement j;
  double most = -1;
  for (const auto& use : uses) {
    if (!use.limit) continue;
    if (use.need > *use.limit) j.fits = false;
    const double used =
        static_cast<double>(use.need) / static_cast<double>(std::max<std::int64_t>(1, *use.limit));
    if (used > most) most = used, j.tightest = use.kind;
  }
  return j;
}

Result<Answer> answer(const Case& question, const Request& request) {
  const auto need = need_of(question.shape, question.format, question.load, memory_model(question));
  if (!need) return need.error();
  Answer a;
  a.question = question;
  a.model_word = request.model, a.machine_word = request.machine;
  a.parameters = parameter_count(question.shape);
  a.need = *need;
  const Judgement j = judge(a.need, question.target);
  a.fits = j.fits, a.tightest = j.tightest;
  if (!a.fits) a.binding = a.tightest;
  a.notes = question.shape.notes;
  a.notes.insert(a.notes.end(), question.target.notes.begin(), question.target.notes.end());
  if (question.load.training == Load::Training::none) {
    a.largest_context = largest_context(question), a.largest_batch = largest_batch(question);
    a.speed = predict_speed(question.shape, question.format, question.load, question.target,
                            question.constants, !question.runtime.version.empty());
    a.notes.insert(a.notes.end(), a.speed.notes.begin(), a.speed.notes.end());
  } else {
    a.notes.push_back("The speed of training is not predicted.");
  }
  if (question.shape.max_context && question.load.context > *question.shape.max_context) {
    a.notes.push_back("The model was made for at most " +
                      std::to_string(*question.shape.max_context) + " tokens of context.");
  }
  if (const auto& correction = question.constants.correction) {
    a.notes.push_back("Corrected by what was measured here: " + correction->source +
                      (speed_is_corrected(question.constants, question.format.name)
                           ? "."
                           : "; its speed was that of " + correction->format +
                                 " weights, so only memory is corrected."));
  }
  a.options = options_for(a, request);
  return a;
}

namespace {

Json to_json(const std::optional<Range>& r) {
  if (!r) return nullptr;
  return {{"value", r->value}, {"low", r->low}, {"high", r->high}};
}

Json options_json(const std::vector<Option>& options) {
  Json list = Json::array();
  for (const auto& o : options) {
    list.push_back({{"change", o.change},
                    {"fits", o.fits},
                    {"command", o.command.empty() ? Json(nullptr) : Json(o.command)},
                    {"total_bytes", to_json_or_null(o.total_bytes)},
                    {"decode_tokens_per_s", to_json(o.decode)}});
  }
  return list;
}

Json limits_json(const Target& t) {
  const auto source = [](const Limit& l) { return l.bytes ? Json(l.source) : Json(nullptr); };
  return {{"largest_buffer_bytes", to_json_or_null(t.largest_buffer.bytes)},
          {"working_set_bytes", to_json_or_null(t.working_set.bytes)},
          {"memory_bytes", to_json_or_null(t.memory.bytes)},
          {"largest_buffer_source", source(t.largest_buffer)},
          {"working_set_source", source(t.working_set)},
          {"memory_source", source(t.memory)}};
}

Json name_or_null(std::optional<LimitKind> kind) {
  return kind ? Json(name_of(*kind)) : Json(nullptr);
}

const char* training_name(Load::Training training) {
  return training == Load::Training::full   ? "full"
         : training == Load::Training::lora ? "lora"
                                            : nullptr;
}

}  // namespace

Json to_json(const Answer& a) {
  const Case& q = a.question;
  const Need& n = a.need;
  const char* training = training_name(q.load.training);
  return {
      {"schema", "mlbench.fit/1"},
      {"model", q.shape.name},
      {"machine", q.target.name},
      {"format", q.format.name},
      {"context_tokens", q.load.context},
      {"batch", q.load.batch},
      {"training", training == nullptr ? Json(nullptr) : Json(training)},
      {"fits", a.fits},
      {"binding_limit", name_or_null(a.binding)},
      {"tightest_limit", name_or_null(a.tightest)},
      {"parameters", a.parameters},
      {"bits_per_weight",
       static_cast<double>(n.weights_bytes) * 8 / static_cast<double>(a.parameters)},
      {"weights_bytes", n.weights_bytes},
      {"kv_bytes", n.kv_bytes},
      {"activation_bytes", n.activation_bytes},
      {"overhead_bytes", n.overhead_bytes},
      {"gradient_bytes", n.gradient_bytes},
      {"optimizer_bytes", n.optimizer_bytes},
      {"adapter_bytes", n.adapter_bytes},
      {"total_bytes", n.total_bytes},
      {"largest_buffer_bytes", n.largest_buffer_bytes},
      {"largest_buffer", n.largest_buffer},
      {"limits", limits_json(q.target)},
      {"largest_context_tokens", to_json_or_null(a.largest_context)},
      {"largest_batch", to_json_or_null(a.largest_batch)},
      {"decode_tokens_per_s", to_json(a.speed.decode)},
      {"decode_roof_tokens_per_s", to_json_or_null(a.speed.decode_roof)},
      {"prefill_tokens_per_s", to_json(a.speed.prefill)},
      {"bandwidth_bytes_per_s", to_json_or_null(q.target.bandwidth_bytes_per_s)},
      {"bandwidth_source",
       q.target.bandwidth_source.empty() ? Json(nullptr) : Json(q.target.bandwidth_source)},
      {"runtime", q.runtime.name},
      {"constants",
       {{"runtime", q.constants.runtime},
        {"version", q.constants.version.empty() ? Json(nullptr) : Json(q.constants.version)},
        {"fitted_on", q.constants.fitted_on}}},
      {"correction", q.constants.correction ? Json(q.constants.correction->source) : Json(nullptr)},
      {"options", options_json(a.options)},
      {"notes", a.notes}};
}

}  // namespace mlbench::fit
