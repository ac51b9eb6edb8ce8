// Any text is a model's config or gets one sentence that names the file; what is accepted has a
// size, needs memory, its rotary embedding is of numbers, and its question can be answered; any
// text is a machine, a model's name or a refusal.
#include "fit/fit.hpp"
#include "fuzz.hpp"
#include "model/known_models.hpp"
#include "model/maths.hpp"

#include <algorithm>
#include <cmath>

namespace {

using namespace mlbench;

void answer_about(const model::ModelShape& shape) {
  const auto target = fit::find_target("M4 Max 40c 64GB");
  for (const char* runtime : {"mlx-lm", "llama.cpp", "torch"}) {
    fit::Case c;
    c.shape = shape, c.target = *target, c.runtime.name = runtime;
    c.constants = *fit::constants_for(c.runtime, c.target.kind);
    c.format = *fit::parse_quant("4bit", runtime, shape);
    const auto a = fit::answer(c, {});
    if (!a) continue;
    fuzz::require(a->need.total_bytes > 0 && a->need.largest_buffer_bytes > 0);
    fuzz::require(a->speed.decode && std::isfinite(a->speed.decode->value));
    fuzz::require(parse_json(dump_json(fit::to_json(*a))).has_value());
  }
}

/// What turns queries and keys is made of numbers, whatever the fields of the scaling say.
void turn(const model::Spec& spec) {
  const auto head_dim = std::min<std::int64_t>(spec.shape.head_dim, 4096);
  for (const auto* rope : {&spec.maths.rope, &spec.maths.local_rope}) {
    for (const std::int64_t context : {1, 1 << 20}) {
      const auto table = model::rope_table(*rope, head_dim, context);
      fuzz::require(std::isfinite(table.attention_factor));
      for (const float f : table.inverse_frequencies) fuzz::require(std::isfinite(f) && f >= 0);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto shape = model::parse_config(text, "config.json");
  if (shape) {
    fuzz::require(model::parameter_count(*shape) > 0);
    answer_about(*shape);
  } else {
    const std::string& sentence = shape.error().message;
    fuzz::require(sentence.starts_with("config.json: ") && sentence.size() < 1000);
    fuzz::require(sentence.find('\n') == std::string::npos);
  }
  const auto spec = model::parse_spec(text, "config.json");
  if (spec)
    turn(*spec);
  else
    fuzz::require(spec.error().message.find('\n') == std::string::npos);
  if (size < 200) {
    (void)fit::find_target(std::string(text));
    (void)model::find_model(std::string(text));
    (void)fit::parse_runtime(std::string(text));
  }
  return 0;
}
