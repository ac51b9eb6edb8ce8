#include "model/model_shape.hpp"

#include "core/json.hpp"
#include "core/text.hpp"
#include "model/config_fields.hpp"
#include "model/gguf.hpp"
#include "model/tensors.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace mlbench::model {
namespace {

// Larger than any model that exists by orders of magnitude, and small enough that no product of two
// overflows; check_shape() bounds the product of all.
constexpr std::int64_t kMaxLayers = 4096, kMaxWidth = 1 << 22, kMaxHeads = 65536,
                       kMaxExperts = 65536;
constexpr std::int64_t kMaxVocab = 1 << 27, kMaxTokens = std::int64_t{1} << 40;
constexpr double kMaxParameters = 1e15;
constexpr std::uintmax_t kMaxConfigBytes = 4 << 20;

enum class Sliding {
  none,          ///< Never.
  all,           ///< Every layer, where sliding_window is set.
  on_request,    ///< Only where use_sliding_window is true (Qwen).
  even,          ///< Layers 0, 2, 4, ...
  all_but_every  ///< All but each sliding_window_pattern-th.
};

/// What a model type means in transformers, with its config class's defaults where models rely on
/// them.
struct Family {
  const char* type;
  Sliding sliding = Sliding::none;
  bool tied = false;
  std::int64_t head_dim = 0;  ///< 0: hidden / heads.
  std::int64_t kv_heads = 0;  ///< 0: as many as heads.
  std::int64_t window = 0;    ///< Where the config has no sliding_window key.
  ModelShape shape = {};      ///< Norms, gating and fixed biases.
};

ModelShape with(void (*change)(ModelShape&)) {
  ModelShape shape;
  change(shape);
  return shape;
}

const std::vector<Family>& families() {
  using QkNorm = ModelShape::QkNorm;
  static const std::vector<Family> list = {
      {.type = "llama"},
      {.type = "granite"},
      {.type = "mistral", .sliding = Sliding::all, .kv_heads = 8, .window = 4096},
      {.type = "mixtral", .sliding = Sliding::all, .kv_heads = 8},
      {.type = "smollm3", .sliding = Sliding::on_request, .tied = true, .kv_heads = 4},
      {.type = "qwen2", .sliding = Sliding::on_request, .shape = with([](ModelShape& s) {
                                                          s.qkv_bias = true;
                                                        })},
      {.type = "qwen2_moe", .sliding = Sliding::on_request, .shape = with([](ModelShape& s) {
                                                              s.qkv_bias = true;
                                                            })},
      {.type = "qwen3",
       .sliding = Sliding::on_request,
       .head_dim = 128,
       .shape = with([](ModelShape& s) { s.qk_norm = QkNorm::head; })},
      {.type = "qwen3_moe",
       .sliding = Sliding::on_request,
       .head_dim = 128,
       .shape = with([](ModelShape& s) { s.qk_norm = QkNorm::head, s.router_8bit = true; })},
      {.type = "phi", .shape = with([](ModelShape& s) {
                        s.layer_norm = s.qkv_bias = s.out_bias = s.mlp_bias = s.head_bias = true;
                        s.gated = false;
                        s.norms_per_layer =
                            1;  // attention and feed-forward block read the same norm
                      })},
      {.type = "phi3", .sliding = Sliding::all, .shape = with([](ModelShape& s) {
                                                  s.fused = true;
                                                })},
      {.type = "gemma", .tied = true, .head_dim = 256},
      {.type = "gemma2",
       .sliding = Sliding::even,
       .tied = true,
       .head_dim = 256,
       .kv_heads = 4,
       .window = 4096,
       .shape = with([](ModelShape& s) { s.norms_per_layer = 4; })},
      {.type = "gemma3_text",
       .sliding = Sliding::all_but_every,
       .tied = true,
       .head_dim = 256,
       .kv_heads = 4,
       .window = 4096,
       .shape = with([](ModelShape& s) { s.norms_per_layer = 4, s.qk_norm = QkNorm::head; })},
      {.type = "gpt_oss",
       .sliding = Sliding::even,
       .head_dim = 64,
       .kv_heads = 8,
       .window = 128,
       .shape = with([](ModelShape& s) {
         s.qkv_bias = s.out_bias = s.expert_bias = s.sinks = s.router_8bit = true;
       })},
      {.type = "olmo2", .shape = with([](ModelShape& s) { s.qk_norm = QkNorm::full; })},
      {.type = "starcoder2",
       .sliding = Sliding::all,
       .tied = true,
       .kv_heads = 2,
       .shape = with([](ModelShape& s) { s.layer_norm = true, s.gated = false; })},
      {.type = "stablelm", .shape = with([](ModelShape& s) { s.layer_norm = true; })},
  };
  return list;
}

/// Parts of field names that stand for a memory or a computation that is not modelled here.
constexpr std::array<std::string_view, 29> kNotUnderstood = {"lora_rank",
                                                             "mamba",
                                                             "ssm_",
                                                             "state_size",
                                                             "conv_kernel",
                                                             "d_conv",
                                                             "linear_attn",
                                                             "linear_key",
                                                             "linear_value",
                                                             "linear_num",
                                                             "linear_conv",
                                                             "recurrent",
                                                             "rwkv",
                                                             "attn_layer_period",
                                                             "block_types",
                                                             "layers_block_type",
                                                             "attn_type_list",
                                                             "hybrid",
                                                             "nextn_predict",
                                                             "cross_attention_layers",
                                                             "add_cross_attention",
                                                             "altup",
                                                             "laurel",
                                                             "per_layer_input",
                                                             "num_kv_shared_layers",
                                                             "index_topk",
                                                             "n_routed_experts",
                                                             "multi_query",
                                                             "attention_chunk_size"};

/// false, 0, "" and empty lists switch a feature off.
bool is_off(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  return (value.is_string() || value.is_structured()) && value.empty();
}

std::optional<std::string> not_understood(const Json& config) {
  for (const auto& [key, value] : config.items()) {
    for (const auto part : kNotUnderstood) {
      if (key.find(part) != std::string::npos && !is_off(value)) return key;
    }
  }
  return std::nullopt;
}

const Family* find_family(const std::string& type) {
  const auto& list = families();
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const Family& f) { return type == f.type; });
  return it == list.end() ? nullptr : &*it;
}

std::string known_types() {
  std::vector<std::string> names;
  for (const auto& f : families()) names.emplace_back(f.type);
  return join(names, ", ");
}

void read_sizes(ConfigFields& f, const Family& family, ModelShape& s) {
  s.layers = f.integer("num_hidden_layers", 1, kMaxLayers);
  s.hidden = f.integer("hidden_size", 1, kMaxWidth);
  // Multimodal Gemma 3 leaves these to the class: 8 heads and 262208 tokens.
  const bool gemma3 = family.type == std::string_view("gemma3_text");
  using Default = std::optional<std::int64_t>;
  s.heads = f.integer("num_attention_heads", 1, kMaxHeads, gemma3 ? Default(8) : Default());
  s.vocab = f.integer("vocab_size", 1, kMaxVocab, gemma3 ? Default(262208) : Default());
  s.kv_heads = f.integer("num_key_value_heads", 1, kMaxHeads,
                         family.kv_heads > 0 ? family.kv_heads : s.heads);
  const bool divides = s.heads > 0 && s.hidden % s.heads == 0;
  if (!f.has("head_dim") && family.head_dim == 0 && !divides) {
    f.mistake("hidden_size", "is not a multiple of num_attention_heads, and there is no head_dim");
  }
  s.head_dim = f.integer(
      "head_dim", 1, kMaxWidth,
      family.head_dim > 0 ? family.head_dim : std::max<std::int64_t>(1, s.hidden / s.heads));
  if (s.heads % s.kv_heads != 0) {
    f.mistake("num_attention_heads", "must be a multiple of num_key_value_heads");
  }
  if (f.has("max_position_embeddings") || gemma3) {
    s.max_context = f.integer("max_position_embeddings", 1, kMaxTokens, 131072);
  }
}

void read_biases(ConfigFields& f, const std::string& type, ModelShape& s) {
  s.tied = f.boolean("tie_word_embeddings", s.tied);
  if (type != "phi" && type != "starcoder2" && type != "stablelm") {
    s.qkv_bias = f.boolean("attention_bias", s.qkv_bias);
    // Qwen2 has biases for q, k and v alone, whatever attention_bias says.
    s.out_bias = type.starts_with("qwen2") ? false : f.boolean("attention_bias", s.out_bias);
    s.mlp_bias = f.boolean("mlp_bias", s.mlp_bias);
  }
  if (type == "qwen2_moe") s.qkv_bias = f.boolean("qkv_bias", true);
  if (type == "starcoder2") s.qkv_bias = s.out_bias = s.mlp_bias = f.boolean("use_bias", true);
  if (type == "stablelm") s.qkv_bias = f.boolean("use_qkv_bias", false);
  if (f.boolean("use_parallel_residual", false)) s.norms_per_layer = 1;
  if (f.boolean("qk_layernorm", false)) {
    f.refuse("it sets qk_layernorm, whose norms are not known here, so its size would be a guess");
  }
}

/// Layers of a mixture that have a plain feed-forward block (transformers: Qwen2Moe, Qwen3Moe).
std::int64_t plain_layers(ConfigFields& f, std::int64_t layers) {
  const auto step = f.integer("decoder_sparse_step", 1, kMaxLayers, 1);
  const auto listed = f.integers("mlp_only_layers");
  const std::set<std::int64_t> plain(listed.begin(), listed.end());
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < layers; ++i)
    count += (plain.contains(i) || (i + 1) % step != 0) ? 1 : 0;
  return count;
}

void read_experts(ConfigFields& f, const std::string& type, ModelShape& s) {
  const bool mixture = type == "mixtral" || type == "gpt_oss" || type.ends_with("_moe");
  if (!mixture) {
    for (const char* key : {"num_experts", "num_local_experts", "moe_intermediate_size"}) {
      if (f.has(key) && !is_off(f.object()[key])) {
        f.refuse("it has " + std::string(key) + ", which a " + type +
                 " model does not have, so its size would be a guess");
      }
    }
    s.intermediate = f.integer("intermediate_size", 1, kMaxWidth);
    return;
  }
  const char* key = f.has("num_local_experts") ? "num_local_experts" : "num_experts";
  s.experts = f.integer(key, 1, kMaxExperts);
  s.experts_per_token = f.integer("num_experts_per_tok", 1, s.experts);
  s.intermediate = f.integer("intermediate_size", 1, kMaxWidth);
  s.expert_intermediate =
      type.ends_with("_moe") ? f.integer("moe_intermediate_size", 1, kMaxWidth) : s.intermediate;
  if (type.ends_with("_moe")) s.dense_layers = plain_layers(f, s.layers);
  if (type == "qwen2_moe")
    s.shared_intermediate = f.integer("shared_expert_intermediate_size", 1, kMaxWidth);
}

/// Which layers slide, where the config does not list them.
std::int64_t sliding_by_rule(ConfigFields& f, const Family& family, std::int64_t layers) {
  switch (family.sliding) {
    case Sliding::none: return 0;
    case Sliding::all: return layers;
    case Sliding::even: return (layers + 1) / 2;
    case Sliding::on_request: {
      if (!f.boolean("use_sliding_window", false)) return 0;
      return std::max<std::int64_t>(0, layers - f.integer("max_window_layers", 0, kMaxLayers, 28));
    }
    case Sliding::all_but_every: {
      const char* key =
          f.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
      return layers - layers / f.integer(key, 1, kMaxLayers, 6);
    }
  }
  return 0;
}

std::int64_t sliding_listed(ConfigFields& f, const std::vector<std::string>& types,
                            std::int64_t layers) {
  if (std::ssize(types) != layers)
    f.mistake("layer_types", "must name each of the num_hidden_layers layers");
  std::int64_t count = 0;
  for (const auto& type : types) {
    if (type == "sliding_attention")
      ++count;
    else if (type != "full_attention") {
      f.refuse("layer_types has \"" + shown(type) +
               "\", whose memory and speed are not known here, so no guess is made");
    }
  }
  return count;
}

void read_sliding(ConfigFields& f, const Family& family, ModelShape& s) {
  const auto types = f.texts("layer_types");
  std::int64_t sliding =
      types.empty() ? sliding_by_rule(f, family, s.layers) : sliding_listed(f, types, s.layers);
  // An explicit null switches windows off; a missing key means the class's default.
  const bool missing = !f.object().contains("sliding_window");
  const auto window = f.integer("sliding_window", 0, kMaxTokens, missing ? family.window : 0);
  if (window == 0) sliding = 0;
  s.sliding_layers = sliding;
  s.sliding_window = sliding > 0 ? window : 0;
}

/// "4bit"; "4bit-g32" where a scale is not for 64 weights.
std::string affine_name(std::int64_t bits, std::int64_t group) {
  return std::to_string(bits) + "bit" + (group == 64 ? "" : "-g" + std::to_string(group));
}

/// Whether MLX packs weights so (mlx::core::quantize, mode affine).
bool is_affine(const std::string& mode, std::int64_t bits, std::int64_t group) {
  const bool packs = bits == 8 || (bits >= 2 && bits <= 6);
  return mode == "affine" && packs && (group == 32 || group == 64 || group == 128);
}

/// What gguf_config() states of the tensors; nullopt where it is not there whole.
std::optional<ModelShape::TensorBytes> tensor_bytes(const Json& quantisation, const char* key) {
  constexpr std::int64_t kMost = std::int64_t{1} << 60;
  const auto it = quantisation.find(key);
  if (it == quantisation.end() || !it->is_object()) return std::nullopt;
  ModelShape::TensorBytes bytes;
  for (const auto& [name, field] :
       {std::pair{"embedding", &bytes.embedding}, std::pair{"head", &bytes.head},
        std::pair{"matrices", &bytes.matrices}, std::pair{"vectors", &bytes.vectors}}) {
    const auto value = find_int(*it, name);
    if (!value || *value < 0 || *value > kMost) return std::nullopt;
    *field = *value;
  }
  return bytes;
}

/// Checkpoints that are already quantised: MLX writes `quantization`, others `quantization_config`.
void read_quantisation(const Json& top, ModelShape& s) {
  const char* key = top.contains("quantization") ? "quantization" : "quantization_config";
  const auto it = top.find(key);
  if (it == top.end() || !it->is_object()) return;
  const auto method = find_string(*it, "quant_method");
  const auto bits = find_int(*it, "bits"), group = find_int(*it, "group_size");
  const auto mode = find_string(*it, "mode").value_or("affine");
  if (method == "mxfp4") {
    s.quant = s.stored = "mxfp4";
  } else if (method == "gguf") {  // gguf_config()
    s.quant = s.stored = find_string(*it, "type").value_or("");
    s.file_bytes = tensor_bytes(*it, "file_bytes"), s.held_bytes = tensor_bytes(*it, "held_bytes");
  } else if (!method && bits && (mode == "mxfp4" || mode == "nvfp4")) {
    s.quant = s.stored = mode;
  } else if (!method && bits && group && is_affine(mode, *bits, *group)) {
    s.quant = s.stored = affine_name(*bits, *group);
  } else {
    if (!method && bits && group) s.stored = affine_name(*bits, *group);
    s.notes.push_back(
        "The config says that its weights are quantised (" + shown(method.value_or(mode)) +
        ") in a way that is not known here: give --quant for the kind that you mean.");
  }
}

std::string dtype_of(ConfigFields& f, const Json& top) {
  for (const char* key : {"dtype", "torch_dtype"}) {
    for (const Json* object : {&f.object(), &top}) {
      if (const auto text = find_string(*object, key)) {
        if (*text == "float32" || *text == "float16" || *text == "bfloat16") return *text;
      }
    }
  }
  return "bfloat16";
}

Result<ModelShape> shape_of(const Json& config, const Json& top, const std::string& where) {
  ConfigFields f(config, where);
  const std::string type = f.text("model_type", "");
  if (f.error()) return *f.error();
  const Family* family = find_family(type);
  if (family == nullptr) {
    return fail(
        ErrorKind::unsupported,
        (type.empty() ? "it names no model_type" : "its model_type is \"" + shown(type) + "\"") +
            ", whose memory and speed are not known here, so no guess is made; known are " +
            known_types());
  }
  if (f.boolean("is_encoder_decoder", false)) {
    return fail(
        ErrorKind::unsupported,
        "it is an encoder-decoder model; only decoders are known here, so no guess is made");
  }
  if (const auto key = not_understood(config)) {
    return fail(
        ErrorKind::unsupported,
        "it sets " + shown(*key) +
            ", which changes memory or speed in a way that is not known here, so no guess is made");
  }
  ModelShape s = family->shape;
  s.tied = family->tied;
  read_sizes(f, *family, s);
  if (!f.error()) read_biases(f, type, s);
  if (!f.error()) read_experts(f, type, s);
  if (!f.error()) read_sliding(f, *family, s);
  if (!f.error()) read_quantisation(top, s);
  s.dtype = dtype_of(f, top);
  if (f.error()) return *f.error();
  return s;
}

}  // namespace

Status check_shape(const ModelShape& s) {
  double parameters = 0;
  for (const auto& t : tensors_of(s)) {
    parameters += static_cast<double>(t.stack) * static_cast<double>(t.rows) *
                  static_cast<double>(t.columns) * static_cast<double>(t.copies);
  }
  if (parameters > kMaxParameters) {
    return fail(ErrorKind::usage,
                "its sizes make more than 10^15 parameters, which no machine holds; one of them "
                "must be wrong");
  }
  return Done{};
}

bool is_multimodal(const Json& top) {
  const auto nested = top.find("text_config");
  return nested != top.end() && nested->is_object();
}

Json language_part(const Json& top) {
  if (!is_multimodal(top)) return top;
  Json config = top["text_config"];
  // Older files give the outer type only ("gemma3"), and tying there.
  const auto outer = find_string(top, "model_type").value_or("");
  if (!config.contains("model_type"))
    config["model_type"] = outer == "gemma3" ? "gemma3_text" : outer;
  if (!config.contains("tie_word_embeddings") && top.contains("tie_word_embeddings")) {
    config["tie_word_embeddings"] = top["tie_word_embeddings"];
  }
  return config;
}

Result<ModelShape> parse_config(std::string_view text, const std::string& name) {
  const auto top = parse_json(text);
  if (!top) return fail(ErrorKind::usage, name + ": not valid JSON: " + top.error().message);
  if (!top->is_object()) return fail(ErrorKind::usage, name + ": a config.json is one JSON object");

  const bool multimodal = is_multimodal(*top);
  const Json config = language_part(*top);
  auto shape = shape_of(config, *top, multimodal ? "text_config." : "");
  if (!shape) return std::move(shape.error()).in(name);
  shape->name = name;
  if (multimodal) {
    shape->notes.push_back(
        "Only the language model is counted; the config also describes an encoder for images or "
        "sound.");
  }
  if (auto ok = check_shape(*shape); !ok) return std::move(ok.error()).in(name);
  return shape;
}

Result<ModelShape> read_config(const std::string& path) {
  const auto text = read_config_text(path);
  if (!text) return text.error();
  return parse_config(text->text, text->file);
}

Result<ConfigText> read_config_text(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path file =
      fs::is_directory(path, error) ? fs::path(path) / "config.json" : fs::path(path);
  if (!fs::is_regular_file(file, error)) {
    return fail(
        ErrorKind::usage,
        file.string() +
            ": there is no such file; give a model's folder, its config.json, a GGUF file, or a "
            "name that mlbench knows");
  }
  if (is_gguf(file.string())) {
    auto text = read_gguf_config(file.string());
    if (!text) return text.error();
    return ConfigText{.file = file.string(), .text = *std::move(text)};
  }
  const auto size = fs::file_size(file, error);
  if (error || size > kMaxConfigBytes) {
    return fail(
        ErrorKind::usage,
        file.string() + ": larger than any config.json (4 MiB at most); is it another file?");
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream.good() && !stream.eof())
    return fail(ErrorKind::io, file.string() + ": cannot be read; check its permissions");
  return ConfigText{.file = file.string(), .text = text.str()};
}

}  // namespace mlbench::model
