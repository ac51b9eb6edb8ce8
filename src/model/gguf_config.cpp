#include "model/gguf.hpp"

#include <array>
#include <cstring>
#include <filesystem>

namespace mlbench::model {
namespace {

/// Architectures that can be read, and what transformers calls them.
struct Architecture {
  const char* gguf;
  const char* model_type;
};
constexpr std::array<Architecture, 6> kArchitectures = {{{"llama", "llama"},
                                                         {"qwen2", "qwen2"},
                                                         {"qwen3", "qwen3"},
                                                         {"phi3", "phi3"},
                                                         {"gemma2", "gemma2"},
                                                         {"gemma3", "gemma3_text"}}};

std::string known_architectures() {
  std::string names;
  for (const auto& a : kArchitectures) names += (names.empty() ? "" : ", ") + std::string(a.gguf);
  return names;
}

Error not_known(const std::string& what) {
  return fail(ErrorKind::unsupported,
              what +
                  ", which is not known here, so no guess is made; give the folder of the "
                  "model's safetensors instead");
}

/// The metadata of one architecture: its keys begin with the name.
class Keys {
 public:
  Keys(const Json& metadata, std::string prefix)
      : metadata_(metadata), prefix_(std::move(prefix)) {}

  /// Puts the value of `key` under `name`, where there is one.
  void move(const char* key, Json& config, const char* name) const {
    if (const auto it = metadata_.find(prefix_ + key); it != metadata_.end()) config[name] = *it;
  }
  [[nodiscard]] std::optional<std::int64_t> whole(const char* key) const {
    return find_int(metadata_, (prefix_ + key).c_str());
  }
  [[nodiscard]] std::optional<double> number(const char* key) const {
    return find_number(metadata_, (prefix_ + key).c_str());
  }
  [[nodiscard]] std::optional<std::string> text(const char* key) const {
    return find_string(metadata_, (prefix_ + key).c_str());
  }

 private:
  const Json& metadata_;
  std::string prefix_;
};

void sizes(const Keys& keys, const GgufHeader& header, Json& config) {
  keys.move("block_count", config, "num_hidden_layers");
  keys.move("embedding_length", config, "hidden_size");
  keys.move("feed_forward_length", config, "intermediate_size");
  keys.move("context_length", config, "max_position_embeddings");
  keys.move("attention.head_count", config, "num_attention_heads");
  keys.move("attention.head_count_kv", config, "num_key_value_heads");
  keys.move("attention.key_length", config, "head_dim");
  keys.move("attention.layer_norm_rms_epsilon", config, "rms_norm_eps");
  const auto embedding = header.tensors.find("token_embd.weight");
  if (embedding != header.tensors.end() && !embedding->second.shape.empty())
    config["vocab_size"] = embedding->second.shape.front();
  config["tie_word_embeddings"] = !header.tensors.contains("output.weight");
  if (header.tensors.contains("blk.0.attn_q.bias")) config["attention_bias"] = true;
}

/// llama.cpp stores how Llama 3 stretches its rotary embedding as one factor a frequency, which is
/// the form of transformers' longrope without the factor on attention.
Status rope(const Keys& keys, const GgufHeader& header, std::string_view file, Json& config) {
  keys.move("rope.freq_base", config, "rope_theta");
  for (const char* name : {"rope_factors_long.weight", "rope_factors_short.weight"}) {
    if (header.tensors.contains(name)) return not_known("it stretches its context by LongRoPE");
  }
  const auto hidden = find_int(config, "hidden_size"),
             heads = find_int(config, "num_attention_heads");
  const auto head =
      hidden && heads.value_or(0) > 0 ? std::optional(*hidden / *heads) : std::nullopt;
  const auto width = find_int(config, "head_dim").value_or(head.value_or(0));
  if (keys.whole("rope.dimension_count").value_or(width) != width)
    return not_known("only a part of a head's numbers turns in it");
  if (const auto it = header.tensors.find("rope_freqs.weight"); it != header.tensors.end()) {
    const auto& entry = it->second;
    if (entry.type->name != "f32") return not_known("its rope_freqs are no float32 numbers");
    std::vector<float> factors(static_cast<std::size_t>(entry.elements()));
    std::memcpy(factors.data(), file.data() + entry.begin, factors.size() * sizeof(float));
    config["rope_scaling"] = {{"rope_type", "longrope"},
                              {"short_factor", factors},
                              {"long_factor", factors},
                              {"attention_factor", 1.0}};
    return Done{};
  }
  const auto kind = keys.text("rope.scaling.type").value_or("none");
  if (kind == "none") return Done{};
  if (kind != "linear") return not_known("its rotary scaling is \"" + kind.substr(0, 40) + "\"");
  config["rope_scaling"] = {{"rope_type", "linear"},
                            {"factor", keys.number("rope.scaling.factor").value_or(1)}};
  return Done{};
}

/// Gemma's scores are scaled by the head's width, but in the 27B models by the hidden size over the
/// heads; the file does not say which (llama.cpp too tells them by their number of layers).
void gemma(const Keys& keys, Json& config) {
  const auto layers = find_int(config, "num_hidden_layers").value_or(0);
  const auto hidden = find_int(config, "hidden_size").value_or(0);
  const auto heads = find_int(config, "num_attention_heads").value_or(0);
  const bool is_27b = (config["model_type"] == "gemma2" && layers == 46) ||
                      (config["model_type"] == "gemma3_text" && layers == 62);
  if (is_27b && heads > 0)
    config["query_pre_attn_scalar"] = hidden / heads;
  else
    config["query_pre_attn_scalar"] = find_int(config, "head_dim").value_or(256);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  keys.move("attention.sliding_window", config, "sliding_window");
  if (config["model_type"] == "gemma2") {
    keys.move("attn_logit_softcapping", config, "attn_logit_softcapping");
    keys.move("final_logit_softcapping", config, "final_logit_softcapping");
  }
}

bool is_matrix_of_a_layer(const std::string& name, const GgufEntry& entry) {
  return name.starts_with("blk.") && entry.shape.size() == 2;
}

/// Bytes of all tensors, each in its own kind, by what they are: a file that is called Q4_K_M
/// holds Q4_K, Q6_K and float32.
Json bytes_by_role(const GgufHeader& header, std::int64_t (*bytes_of)(const GgufEntry&)) {
  std::map<std::string, std::int64_t> sums = {
      {"embedding", 0}, {"head", 0}, {"matrices", 0}, {"vectors", 0}};
  for (const auto& [name, entry] : header.tensors) {
    const char* role = entry.shape.size() < 2            ? "vectors"
                       : name.starts_with("token_embd.") ? "embedding"
                       : name.starts_with("output.")     ? "head"
                                                         : "matrices";
    sums[role] += bytes_of(entry);
  }
  return sums;
}

}  // namespace

std::int64_t held_bytes(const GgufEntry& e, DType dtype) {
  if (!stays_packed(*e.type)) return e.elements() * size_bytes(dtype);
  return e.elements() * e.type->bits / 8 + 2 * e.elements() / e.type->group * size_bytes(dtype);
}

std::string main_type(const GgufHeader& header) {
  std::map<std::string_view, std::int64_t> numbers;
  for (const auto& [name, entry] : header.tensors) {
    if (is_matrix_of_a_layer(name, entry)) numbers[entry.type->name] += entry.elements();
  }
  std::pair<std::string_view, std::int64_t> most{};
  for (const auto& kind : numbers) {
    if (kind.second > most.second) most = kind;
  }
  const bool dense = most.first == "f32" || most.first == "f16" || most.first == "bf16";
  return dense ? "" : std::string(most.first);
}

bool is_gguf(const std::string& path) {
  return std::filesystem::path(path).extension() == ".gguf";
}

Result<std::string> gguf_config(const GgufHeader& header, std::string_view file) {
  if (find_int(header.metadata, "split.count").value_or(1) > 1)
    return fail(ErrorKind::unsupported,
                "it is one part of a model that was split; join the parts with llama-gguf-split");
  const auto name = find_string(header.metadata, "general.architecture").value_or("");
  const Architecture* known = nullptr;
  for (const auto& a : kArchitectures) {
    if (name == a.gguf) known = &a;
  }
  if (known == nullptr) {
    return fail(ErrorKind::unsupported, "its architecture is \"" + name.substr(0, 40) +
                                            "\", which is not known here; known in GGUF are " +
                                            known_architectures());
  }
  const Keys keys(header.metadata, name + ".");
  if (keys.whole("expert_count").value_or(0) > 0)
    return not_known("it is a mixture of experts in GGUF");
  Json config = {{"model_type", known->model_type}, {"dtype", "float16"}};
  sizes(keys, header, config);
  if (auto ok = rope(keys, header, file, config); !ok) return ok.error();
  if (name.starts_with("gemma")) gemma(keys, config);
  if (name == "phi3") keys.move("attention.sliding_window", config, "sliding_window");
  if (const auto type = main_type(header); !type.empty())
    config["quantization_config"] = {
        {"quant_method", "gguf"},
        {"type", type},
        {"file_bytes", bytes_by_role(header, [](const GgufEntry& e) { return e.bytes(); })},
        {"held_bytes",
         bytes_by_role(header, [](const GgufEntry& e) { return held_bytes(e, DType::bfloat16); })}};
  return config.dump();
}

}  // namespace mlbench::model
