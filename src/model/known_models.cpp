#include "model/known_models.hpp"

#include "core/json.hpp"
#include "core/text.hpp"
#include "models_json.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mlbench::model {
namespace {

std::int64_t number(const Json& entry, const char* key) {
  return find_int(entry, key).value_or(0);
}
bool flag(const Json& entry, const char* key) {
  return find_bool(entry, key).value_or(false);
}

ModelShape shape_of(const Json& e) {
  ModelShape s;
  s.name = find_string(e, "name").value_or("");
  s.layers = number(e, "layers"), s.hidden = number(e, "hidden"), s.vocab = number(e, "vocab");
  s.heads = number(e, "heads"), s.kv_heads = number(e, "kv_heads"),
  s.head_dim = number(e, "head_dim");
  s.intermediate = number(e, "intermediate");
  s.max_context = find_int(e, "max_context");
  s.dtype = find_string(e, "dtype").value_or("bfloat16");
  s.quant = find_string(e, "quant");
  s.tied = flag(e, "tied"), s.fused = flag(e, "fused");
  s.gated = find_string(e, "mlp") != "plain";
  s.layer_norm = flag(e, "layernorm");
  s.norms_per_layer = find_int(e, "norms_per_layer").value_or(2);
  if (flag(e, "qk_norm")) s.qk_norm = ModelShape::QkNorm::head;
  s.qkv_bias = flag(e, "qkv_bias") || flag(e, "all_bias");
  s.out_bias = flag(e, "all_bias");
  s.mlp_bias = flag(e, "all_bias");
  s.head_bias = flag(e, "head_bias"), s.sinks = flag(e, "sinks");
  s.experts = number(e, "experts"), s.experts_per_token = number(e, "experts_per_token");
  s.expert_intermediate =
      find_int(e, "moe_intermediate").value_or(s.is_mixture() ? s.intermediate : 0);
  s.expert_bias = flag(e, "expert_bias"), s.router_8bit = flag(e, "router_8bit");
  s.sliding_layers = number(e, "sliding_layers"), s.sliding_window = number(e, "sliding_window");
  return s;
}

std::vector<KnownModel> load() {
  std::vector<KnownModel> models;
  const auto json = parse_json(machine::kModelsJson);
  if (!json) return models;
  for (const Json& e : (*json)["models"]) {
    models.push_back({.shape = shape_of(e),
                      .hf = find_string(e, "hf").value_or(""),
                      .model_type = find_string(e, "model_type").value_or(""),
                      .parameters = number(e, "parameters"),
                      .parameters_read_per_token = number(e, "parameters_read_per_token")});
  }
  return models;
}

/// Lower-case letters and digits only.
std::string bare(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0) out.push_back(static_cast<char>(std::tolower(u)));
  }
  return out;
}

/// Without an organisation and without the words that fine-tuned versions of one shape add.
std::string core_of(std::string_view name) {
  if (const auto slash = name.rfind('/'); slash != std::string_view::npos)
    name = name.substr(slash + 1);
  std::string text = bare(name);
  for (const std::string_view word : {"instruct", "chat"}) {
    if (const auto at = text.find(word); at != std::string::npos) text.erase(at, word.size());
  }
  constexpr std::array<std::string_view, 5> endings = {"it", "base", "hf", "2507", "mxfp4"};
  for (bool found = true; found;) {
    found = false;
    for (const auto ending : endings) {
      if (text.size() > ending.size() && text.ends_with(ending)) {
        text.resize(text.size() - ending.size());
        found = true;
      }
    }
  }
  // "Meta-Llama-3-8B" and "Llama-3-8B" are one model.
  return text.starts_with("metallama") ? text.substr(4) : text;
}

/// Versions of one model differ by the vocabulary at most.
bool same_size(const std::vector<const KnownModel*>& models) {
  const auto [low, high] = std::minmax_element(
      models.begin(), models.end(),
      [](const auto* a, const auto* b) { return a->parameters < b->parameters; });
  return static_cast<double>((*high)->parameters) < 1.01 * static_cast<double>((*low)->parameters);
}

std::string names_of(const std::vector<const KnownModel*>& models) {
  std::vector<std::string> names;
  for (const auto* m : models) names.push_back(m->shape.name);
  return join(names, ", ");
}

std::optional<std::string> nearest_name(const std::string& wanted) {
  std::vector<std::string> bare_names;
  for (const auto& m : known_models()) {
    // Without the version: "mistral7x" is near "mistral7b", not near "mistral7bv03".
    const std::string& name = m.shape.name;
    bare_names.push_back(bare(name.substr(0, name.find("-v0"))));
  }
  const auto near = nearest(wanted, bare_names);
  if (!near) return std::nullopt;
  const auto at = std::find(bare_names.begin(), bare_names.end(), *near) - bare_names.begin();
  return known_models()[static_cast<std::size_t>(at)].shape.name;
}

Error unknown(const std::string& name, const std::string& core) {
  constexpr const char* other = "; give its folder or config.json instead";
  if (const auto near = nearest_name(core)) {
    return fail(ErrorKind::usage, "no model is known as \"" + name + "\"; did you mean " + *near +
                                      "? If not, " + (other + 2));
  }
  std::vector<const KnownModel*> all;
  for (const auto& m : known_models()) all.push_back(&m);
  return fail(ErrorKind::usage,
              "no model is known as \"" + name + "\"" + other + ". Known are " + names_of(all));
}

}  // namespace

const std::vector<KnownModel>& known_models() {
  static const std::vector<KnownModel> models = load();
  return models;
}

Result<KnownModel> find_model(const std::string& name) {
  const std::string core = core_of(name);
  std::vector<const KnownModel*> beginning;
  for (const auto& m : known_models()) {
    if (core == core_of(m.shape.name) || core == core_of(m.hf)) return m;
    if (core.size() >= 3 && core_of(m.shape.name).starts_with(core)) beginning.push_back(&m);
  }
  if (beginning.empty()) return unknown(name, core);
  if (!same_size(beginning)) {
    return fail(ErrorKind::usage,
                "\"" + name + "\" could be any of " + names_of(beginning) + "; name one");
  }
  return *beginning.back();
}

}  // namespace mlbench::model
