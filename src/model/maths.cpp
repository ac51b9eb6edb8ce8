#include "model/maths.hpp"

#include "core/json.hpp"
#include "model/checkpoint.hpp"
#include "model/config_fields.hpp"
#include "model/known_models.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

namespace mlbench::model {
namespace {

using Activation = Maths::Activation;
using Order = Maths::Order;

bool is_any_of(const std::string& type, std::initializer_list<const char*> types) {
  return std::any_of(types.begin(), types.end(), [&](const char* t) { return type == t; });
}

/// What a family means in transformers, before a config changes it.
Maths family_maths(const std::string& family, const ModelShape& s) {
  Maths m;
  m.family = family;
  const bool gemma = family.starts_with("gemma");
  m.norm_adds_one = gemma;
  if (gemma) {
    m.activation = Activation::gelu_tanh;
    m.embedding_scale = std::sqrt(static_cast<double>(s.hidden));
  }
  if (is_any_of(family, {"phi", "starcoder2"})) m.activation = Activation::gelu_tanh;
  if (family == "gpt_oss") m.activation = Activation::clamped_swiglu, m.softmax_over_chosen = true;
  if (is_any_of(family, {"phi", "stablelm", "starcoder2", "gpt_oss", "mixtral"}))
    m.norm_epsilon = 1e-5;
  if (is_any_of(family, {"gemma2", "gemma3_text"})) m.order = Order::around;
  if (family == "olmo2") m.order = Order::after;
  if (s.norms_per_layer == 1) m.order = Order::parallel;
  if (is_any_of(family, {"qwen2_moe", "qwen3_moe"})) m.normalise_chosen = false;

  const bool scaled_query = is_any_of(family, {"gemma2", "gemma3_text"});
  m.attention_scale = 1 / std::sqrt(scaled_query ? 256.0 : static_cast<double>(s.head_dim));
  if (family == "granite") m.attention_scale = 1;
  if (family == "gemma2") m.attention_softcap = 50, m.logit_softcap = 30;

  if (family == "phi") m.rope.partial = 0.5;
  if (family == "stablelm") m.rope.partial = 0.25;
  if (family == "mixtral") m.rope.theta = 1e6;
  if (family == "smollm3") m.rope.theta = 2e6;
  if (family == "gemma3_text") m.rope.theta = 1e6;
  if (family == "gpt_oss") {
    m.rope.theta = 150000;
    m.rope.scaling = Rope::Scaling::yarn;
    m.rope.factor = 32;
    m.rope.original_context = 4096;
    m.rope.truncate = false;
  }
  m.local_rope = m.rope;
  if (family == "gemma3_text") m.local_rope.theta = 10000;
  return m;
}

Activation activation_of(ConfigFields& f, const Maths& m) {
  if (m.activation == Activation::clamped_swiglu) return m.activation;
  const char* key = f.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  if (!f.has(key)) return m.activation;
  const auto text = f.text(key, "");
  if (text == "silu" || text == "swish") return Activation::silu;
  if (text == "gelu_pytorch_tanh" || text == "gelu_new" || text == "gelu_fast")
    return Activation::gelu_tanh;
  // transformers reads Gemma's "gelu" as the approximation that the model was trained with.
  if (text == "gelu") return m.family == "gemma" ? Activation::gelu_tanh : Activation::gelu;
  f.refuse("its activation is \"" + text.substr(0, 60) + "\", which is not known here");
  return m.activation;
}

Rope::Scaling scaling_of(ConfigFields& f, const std::string& type) {
  if (type.empty() || type == "default") return Rope::Scaling::none;
  if (type == "linear") return Rope::Scaling::linear;
  if (type == "llama3") return Rope::Scaling::llama3;
  if (type == "yarn") return Rope::Scaling::yarn;
  if (type == "longrope" || type == "su") return Rope::Scaling::longrope;
  f.refuse("its rotary embedding is scaled by \"" + type.substr(0, 60) +
           "\", which is not known here");
  return Rope::Scaling::none;
}

/// One object of rope parameters: transformers 5 keeps everything in it, transformers 4 the
/// scaling alone.
void read_rope(ConfigFields& config, const Json& object, Rope& r) {
  ConfigFields f(object, "rope parameters: ");
  r.theta = f.number("rope_theta", r.theta);
  r.partial = f.number("partial_rotary_factor", r.partial);
  if (f.has("rope_type") || f.has("type")) {
    r.scaling = scaling_of(config, f.text("rope_type", f.text("type", "")));
  }
  const auto factor = f.number("factor");
  r.low_frequency_factor = f.number("low_freq_factor", r.low_frequency_factor);
  r.high_frequency_factor = f.number("high_freq_factor", r.high_frequency_factor);
  const double longest = config.number("max_position_embeddings", 0);
  r.original_context = f.number("original_max_position_embeddings",
                                config.number("original_max_position_embeddings", longest));
  r.factor = factor.value_or(r.original_context > 0 && longest > 0 ? longest / r.original_context
                                                                   : r.factor);
  r.beta_fast = f.number("beta_fast", r.beta_fast);
  r.beta_slow = f.number("beta_slow", r.beta_slow);
  r.truncate = f.boolean("truncate", r.truncate);
  r.attention_factor = f.number("attention_factor");
  r.mscale = f.number("mscale"), r.mscale_all_dim = f.number("mscale_all_dim");
  r.short_factor = f.numbers("short_factor"), r.long_factor = f.numbers("long_factor");
  if (f.error()) config.refuse(f.error()->message);
}

void read_ropes(ConfigFields& f, Maths& m) {
  // transformers 4: beside the scaling.
  m.rope.theta = f.number("rope_theta", m.rope.theta);
  m.rope.partial = f.number(f.has("partial_rotary_factor") ? "partial_rotary_factor" : "rope_pct",
                            m.rope.partial);
  m.local_rope = m.rope;
  if (m.family == "gemma3_text") {
    m.local_rope.theta = f.number("rope_local_base_freq", 10000);
    m.local_rope.scaling = Rope::Scaling::none;
  }
  const bool five = f.has("rope_parameters");
  if (!five && !f.has("rope_scaling")) return;
  const Json& object = f.object()[five ? "rope_parameters" : "rope_scaling"];
  if (!object.is_object()) return f.mistake("rope_parameters", "must be an object");
  if (five) m.rope.scaling = Rope::Scaling::none;
  const auto full = object.find("full_attention"), local = object.find("sliding_attention");
  if (full != object.end() && full->is_object()) {
    read_rope(f, *full, m.rope);
    if (local != object.end() && local->is_object()) {
      m.local_rope.scaling = Rope::Scaling::none;
      read_rope(f, *local, m.local_rope);
    }
    return;
  }
  read_rope(f, object, m.rope);
  if (m.family != "gemma3_text") m.local_rope = m.rope;
}

bool is_sane(const Rope& r) {
  const bool positive = r.theta > 0 && r.factor > 0 && r.partial > 0 && r.partial <= 1 &&
                        r.beta_fast > 0 && r.beta_slow > 0;
  const bool needs_context = r.scaling == Rope::Scaling::llama3 ||
                             r.scaling == Rope::Scaling::yarn ||
                             r.scaling == Rope::Scaling::longrope;
  const bool steps =
      r.scaling != Rope::Scaling::llama3 ||
      (r.low_frequency_factor > 0 && r.high_frequency_factor > r.low_frequency_factor);
  return positive && steps && (!needs_context || r.original_context > 0);
}

/// Whether pairs turn by numbers: a base of 10^-300, or a list with a zero, gives none.
bool turns_by_numbers(const Rope& r, std::int64_t head_dim) {
  for (const std::int64_t context : {std::int64_t{1}, std::int64_t{1} << 40}) {
    const auto table = rope_table(r, head_dim, context);
    const auto& f = table.inverse_frequencies;
    const bool good =
        std::all_of(f.begin(), f.end(), [](float x) { return std::isfinite(x) && x >= 0; });
    if (!good || !std::isfinite(table.attention_factor)) return false;
  }
  return true;
}

/// Sliding layers spread over the model as the family has them.
std::vector<bool> spread(const ModelShape& s, const std::string& family) {
  std::vector<bool> slides(static_cast<std::size_t>(s.layers), false);
  const auto count = static_cast<std::size_t>(s.layers);
  for (std::size_t i = 0; i < count; ++i) {
    if (s.sliding_layers == s.layers)
      slides[i] = true;
    else if (s.sliding_layers > 0 && is_any_of(family, {"gemma2", "gpt_oss"}))
      slides[i] = i % 2 == 0;
    else if (s.sliding_layers > 0 && family == "gemma3_text")
      slides[i] = (i + 1) % 6 != 0;
    else  // Qwen: the last ones
      slides[i] = static_cast<std::int64_t>(i) >= s.layers - s.sliding_layers;
  }
  return slides;
}

void read_layers(ConfigFields& f, const ModelShape& s, Maths& m) {
  const auto count = static_cast<std::size_t>(s.layers);
  m.slides = spread(s, m.family);
  const auto types = f.texts("layer_types");
  if (types.size() == count && s.sliding_layers > 0) {
    for (std::size_t i = 0; i < count; ++i) m.slides[i] = types[i] == "sliding_attention";
  } else if (m.family == "gemma3_text") {
    const char* key =
        f.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
    const auto pattern = static_cast<std::size_t>(f.integer(key, 1, 4096, 6));
    for (std::size_t i = 0; i < count; ++i)
      m.slides[i] = s.sliding_layers > 0 && (i + 1) % pattern != 0;
  }
  m.turns.assign(count, true);
  if (m.family == "smollm3") {
    const auto listed = f.integers("no_rope_layers");
    const auto step = static_cast<std::size_t>(f.integer("no_rope_layer_interval", 1, 4096, 4));
    for (std::size_t i = 0; i < count; ++i)
      m.turns[i] = listed.size() == count ? listed[i] != 0 : (i + 1) % step != 0;
  }
  m.is_mixture.assign(count, s.is_mixture());
  if (!s.is_mixture()) return;
  const auto step = static_cast<std::size_t>(f.integer("decoder_sparse_step", 1, 4096, 1));
  const auto listed = f.integers("mlp_only_layers");
  const std::set<std::int64_t> plain(listed.begin(), listed.end());
  for (std::size_t i = 0; i < count; ++i) {
    m.is_mixture[i] = s.dense_layers == 0 ||
                      (!plain.contains(static_cast<std::int64_t>(i)) && (i + 1) % step == 0);
  }
}

void read_numbers(ConfigFields& f, const ModelShape& s, Maths& m) {
  for (const char* key : {"rms_norm_eps", "layer_norm_eps", "norm_epsilon"})
    m.norm_epsilon = f.number(key, m.norm_epsilon);
  m.activation = activation_of(f, m);
  m.swiglu_alpha = f.number("swiglu_alpha", m.swiglu_alpha);
  m.swiglu_limit = f.number("swiglu_limit", m.swiglu_limit);
  if (m.family == "gemma2" || m.family == "gemma3_text") {
    m.attention_scale = 1 / std::sqrt(f.number("query_pre_attn_scalar", 256));
    const auto cap = [&](const char* key, std::optional<double> fallback) {
      return f.object().contains(key) ? f.number(key) : fallback;  // an explicit null: none
    };
    m.attention_softcap = cap("attn_logit_softcapping", m.attention_softcap);
    m.logit_softcap = cap("final_logit_softcapping", m.logit_softcap);
  }
  if (m.family == "granite") {
    m.attention_scale = f.number("attention_multiplier", 1);
    m.embedding_scale = f.number("embedding_multiplier", 1);
    m.residual_scale = f.number("residual_multiplier", 1);
    m.logit_scale = 1 / f.number("logits_scaling", 1);
  }
  if (m.family.ends_with("_moe")) m.normalise_chosen = f.boolean("norm_topk_prob", false);
  static_cast<void>(s);
}

/// Models of our own, small enough to be measured anywhere with invented weights.
constexpr const char* kSmall =
    R"({"model_type": "llama", "num_hidden_layers": 8, "hidden_size": 512,
  "num_attention_heads": 8, "num_key_value_heads": 4, "intermediate_size": 1408, "vocab_size": 8192,
  "max_position_embeddings": 32768, "rms_norm_eps": 1e-5, "rope_theta": 500000})";
constexpr const char* kMedium =
    R"({"model_type": "llama", "num_hidden_layers": 12, "hidden_size": 768,
  "num_attention_heads": 12, "num_key_value_heads": 4, "intermediate_size": 2048, "vocab_size": 32000,
  "max_position_embeddings": 32768, "rms_norm_eps": 1e-5, "rope_theta": 500000})";

}  // namespace

Result<Spec> parse_spec(std::string_view text, const std::string& name) {
  auto shape = parse_config(text, name);
  if (!shape) return shape.error();
  const auto top = parse_json(text);
  if (!top) return top.error();
  const Json config = language_part(*top);
  Spec spec{.shape = *std::move(shape), .maths = {}};
  spec.maths = family_maths(find_string(config, "model_type").value_or(""), spec.shape);
  ConfigFields f(config);
  read_numbers(f, spec.shape, spec.maths);
  read_ropes(f, spec.maths);
  read_layers(f, spec.shape, spec.maths);
  const auto turns = [&](const Rope& r) {
    return is_sane(r) && turns_by_numbers(r, spec.shape.head_dim);
  };
  if (!f.error() && !(turns(spec.maths.rope) && turns(spec.maths.local_rope)))
    f.mistake("rope_parameters", "has a number that makes no rotary embedding");
  if (!f.error() && !(std::isfinite(spec.maths.attention_scale) && spec.maths.norm_epsilon >= 0))
    f.mistake("query_pre_attn_scalar", "must be more than 0, and epsilons not less");
  if (f.error()) return Error(*f.error()).in(name);
  return spec;
}

Result<Spec> read_spec(const std::string& path) {
  const auto config = read_config_text(path);
  if (!config) return config.error();
  return parse_spec(config->text, config->file);
}

Result<Spec> find_spec(const std::string& name) {
  if (name == kSmallModel) return parse_spec(kSmall, name);
  if (name == kMediumModel) return parse_spec(kMedium, name);
  auto known = find_model(name);
  if (!known) return known.error();
  Spec spec{.shape = std::move(known->shape), .maths = {}};
  spec.maths = family_maths(known->model_type, spec.shape);
  const Json nothing = Json::object();
  ConfigFields f(nothing);
  read_layers(f, spec.shape, spec.maths);
  return spec;
}

Result<Spec> spec_of(const std::string& model) {
  std::error_code ignored;
  const bool is_path = model.find('/') != std::string::npos || model.ends_with(".json");
  if (std::filesystem::exists(model, ignored)) {
    auto spec = read_spec(model);
    if (spec && !is_checkpoint(model)) spec->shape.stored.clear();  // a config alone has no weights
    return spec;
  }
  auto known = find_spec(model);
  if (!known && is_path && !model.ends_with(".json")) return known;
  return is_path && !known ? read_spec(model) : std::move(known);
}

}  // namespace mlbench::model
