#include "model/gguf.hpp"
#include "model/mapped_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace mlbench::model {
namespace {

/// What Hugging Face calls a tensor of a layer, and llama.cpp (gguf-py/gguf/tensor_mapping.py).
struct Name {
  const char* hugging_face;
  const char* gguf;
};
constexpr std::array<Name, 13> kNames = {{{"input_layernorm", "attn_norm"},
                                          {"self_attn.q_proj", "attn_q"},
                                          {"self_attn.k_proj", "attn_k"},
                                          {"self_attn.v_proj", "attn_v"},
                                          {"self_attn.qkv_proj", "attn_qkv"},
                                          {"self_attn.o_proj", "attn_output"},
                                          {"self_attn.q_norm", "attn_q_norm"},
                                          {"self_attn.k_norm", "attn_k_norm"},
                                          {"mlp.gate_proj", "ffn_gate"},
                                          {"mlp.up_proj", "ffn_up"},
                                          {"mlp.gate_up_proj", "ffn_up"},
                                          {"mlp.down_proj", "ffn_down"},
                                          {"pre_feedforward_layernorm", "ffn_norm"}}};

constexpr std::string_view kLayers = "model.layers.";

struct Split {
  std::string stem, suffix;  ///< "model.layers.0.mlp.up_proj", "weight".
};
Split split(const std::string& name) {
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

struct Packed {
  HostTensor words, scales, offsets;
};

std::byte* row_of(NewTensor& t, std::int64_t row) {
  return t.data + row * t.tensor.shape[1] * size_bytes(t.tensor.storage);
}

class GgufWeights final : public Weights {
 public:
  GgufWeights(std::string path, GgufHeader header, MappedFile file, DType dtype)
      : path_(std::move(path)),
        header_(std::move(header)),
        file_(std::move(file)),
        storage_(storage_of(dtype)),
        architecture_(find_string(header_.metadata, "general.architecture").value_or("")),
        heads_(count_of(".attention.head_count").value_or(1)),
        kv_heads_(count_of(".attention.head_count_kv").value_or(heads_)) {}

  [[nodiscard]] bool has(const std::string& name) const override {
    const auto [stem, suffix] = split(name);
    if (suffix != "scales" && suffix != "biases") return find(stem, suffix) != nullptr;
    const auto* entry = find(stem, "weight");
    return entry != nullptr && stays_packed(*entry->type);
  }

  [[nodiscard]] Result<HostTensor> get(const std::string& name,
                                       const std::vector<std::int64_t>& shape,
                                       std::int64_t fan_in) const override {
    static_cast<void>(fan_in);
    const auto [stem, suffix] = split(name);
    const auto* entry = find(stem, suffix);
    if (entry == nullptr) return missing(name);
    if (entry->shape != shape)
      return fail(ErrorKind::usage,
                  path_ + ": tensor " + name + " has not the shape that the metadata implies");
    auto numbers = as_numbers(*entry, name);
    if (!numbers) return numbers;
    return finished(stem, *std::move(numbers));
  }

  [[nodiscard]] Result<HostTensor> raw(const std::string& name) const override {
    const auto [stem, suffix] = split(name);
    const auto* entry = find(stem, "weight");
    if (entry == nullptr) return missing(name);
    if (!stays_packed(*entry->type)) return get(name, entry->shape, 0);
    if (entry->shape.size() != 2)
      return fail(ErrorKind::usage, path_ + ": tensor " + name + " is quantised, but no matrix");
    if (stem != last_stem_) last_ = pack(*entry), last_stem_ = stem;
    if (suffix == "scales") return finished(stem, last_.scales);
    if (suffix == "biases") return finished(stem, last_.offsets);
    return finished(stem, last_.words);
  }

  [[nodiscard]] std::string description() const override { return "weights of " + path_; }

 private:
  [[nodiscard]] bool is_gemma() const { return architecture_.starts_with("gemma"); }

  [[nodiscard]] std::optional<std::int64_t> count_of(const char* key) const {
    return find_int(header_.metadata, (architecture_ + key).c_str());
  }

  [[nodiscard]] Error missing(const std::string& name) const {
    return fail(ErrorKind::usage, path_ + ": there is no tensor for " + name +
                                      ", which the metadata implies; fetch the file again");
  }

  /// llama.cpp's name; empty where it has none.
  [[nodiscard]] std::string own_name(const std::string& stem) const {
    if (stem == "model.embed_tokens") return "token_embd";
    if (stem == "model.norm") return "output_norm";
    if (stem == "lm_head") return "output";
    if (!stem.starts_with(kLayers)) return {};
    const auto dot = stem.find('.', kLayers.size());
    if (dot == std::string::npos) return {};
    const std::string layer = "blk." + stem.substr(kLayers.size(), dot - kLayers.size()) + ".";
    const std::string part = stem.substr(dot + 1);
    // The norm after attention in Gemma, the one before the feed-forward block elsewhere.
    if (part == "post_attention_layernorm")
      return layer + (is_gemma() ? "post_attention_norm" : "ffn_norm");
    if (part == "post_feedforward_layernorm") return layer + "post_ffw_norm";
    for (const auto& name : kNames) {
      if (part == name.hugging_face) return layer + name.gguf;
    }
    return {};
  }

  [[nodiscard]] const GgufEntry* find(const std::string& stem, const std::string& suffix) const {
    const auto it = header_.tensors.find(own_name(stem) + "." + suffix);
    return it == header_.tensors.end() ? nullptr : &it->second;
  }

  [[nodiscard]] const std::byte* data_of(const GgufEntry& e) const { return file_.data + e.begin; }

  /// f32, f16 and bf16 where they lie; blocks as scale·q + offset.
  [[nodiscard]] Result<HostTensor> as_numbers(const GgufEntry& e, const std::string& name) const {
    const auto& type = *e.type;
    const auto storage = type.name == "f32"    ? std::optional(Storage::F32)
                         : type.name == "f16"  ? std::optional(Storage::F16)
                         : type.name == "bf16" ? std::optional(Storage::BF16)
                                               : std::nullopt;
    if (storage)
      return HostTensor{
          .storage = *storage, .shape = e.shape, .data = data_of(e), .owner = file_.owner};
    if (type.bits == 0)
      return fail(ErrorKind::unsupported, path_ + ": tensor " + name + " is of the type " +
                                              std::string(type.name) +
                                              ", which is not read here; q4_0, q4_1, q5_0, q5_1, "
                                              "q8_0, q4_k, q5_k and q6_k are");
    auto made = new_tensor(Storage::F32, e.shape);
    auto* out = reinterpret_cast<float*>(made.data);
    std::array<std::uint8_t, 256> q{};
    std::array<float, 16> scales{}, offsets{};
    for (std::int64_t b = 0; b < e.elements() / type.block; ++b, out += type.block) {
      unpack_gguf_block(type, data_of(e) + b * type.block_bytes, q.data(), scales.data(),
                        offsets.data());
      for (std::int64_t i = 0; i < type.block; ++i) {
        const auto g = static_cast<std::size_t>(i / type.group);
        out[i] = scales[g] * static_cast<float>(q[static_cast<std::size_t>(i)]) + offsets[g];
      }
    }
    return made.tensor;
  }

  /// MLX's affine packing: words of 32 bits, low bits first.
  [[nodiscard]] Packed pack(const GgufEntry& e) const {
    const auto& type = *e.type;
    const auto rows = e.shape[0], columns = e.shape[1], groups = columns / type.group;
    auto words = new_tensor(Storage::U32, {rows, columns * type.bits / 32});
    auto scales = new_tensor(storage_, {rows, groups}),
         offsets = new_tensor(storage_, {rows, groups});
    std::array<std::uint8_t, 256> q{};
    std::array<float, 16> scale{}, offset{};
    for (std::int64_t r = 0; r < rows; ++r) {
      std::byte* packed = row_of(words, r);
      for (std::int64_t b = 0; b < columns / type.block; ++b) {
        const auto at = r * (columns / type.block) + b;
        unpack_gguf_block(type, data_of(e) + at * type.block_bytes, q.data(), scale.data(),
                          offset.data());
        for (std::int64_t g = 0; g < type.block / type.group; ++g) {
          const auto to = r * groups + b * (type.block / type.group) + g;
          const auto i = static_cast<std::size_t>(g);
          write_float(scales.data, storage_, to, scale[i]);
          write_float(offsets.data, storage_, to, offset[i]);
        }
        for (std::int64_t i = 0; i < type.block; ++i) {
          const auto value = q[static_cast<std::size_t>(i)];
          const auto bit = (b * type.block + i) * type.bits;
          packed[bit / 8] |= static_cast<std::byte>(value << (bit % 8));
        }
      }
    }
    return {words.tensor, scales.tensor, offsets.tensor};
  }

  /// Undoes what the conversion to GGUF does beside packing.
  [[nodiscard]] HostTensor finished(const std::string& stem, HostTensor t) const {
    if (architecture_ == "llama" && stem.ends_with(".q_proj")) return halves_apart(t, heads_);
    if (architecture_ == "llama" && stem.ends_with(".k_proj")) return halves_apart(t, kv_heads_);
    if (is_gemma() && stem.ends_with("norm")) {  // stored as it multiplies, not less one
      auto values = to_floats(t);
      for (float& v : values) v -= 1;
      return from_floats(values, t.shape, Storage::F32);
    }
    return t;
  }

  /// For "llama", pairs of numbers that turn together were put side by side within each head
  /// (convert_hf_to_gguf.py, LlamaModel.permute): row 2i is row i, row 2i + 1 row i + width / 2.
  [[nodiscard]] static HostTensor halves_apart(const HostTensor& t, std::int64_t heads) {
    const auto rows = t.shape[0];
    if (heads <= 0 || rows % (2 * heads) != 0) return t;
    const auto width = rows / heads, bytes = t.bytes() / rows;
    auto made = new_tensor(t.storage, t.shape);
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto head = r / width, i = r % width;
      const auto from = head * width + (i < width / 2 ? 2 * i : 2 * (i - width / 2) + 1);
      std::memcpy(made.data + r * bytes, t.data + from * bytes, static_cast<std::size_t>(bytes));
    }
    return made.tensor;
  }

  std::string path_;
  GgufHeader header_;
  MappedFile file_;
  Storage storage_;
  std::string architecture_;
  std::int64_t heads_, kv_heads_;
  mutable std::string last_stem_;
  mutable Packed last_;
};

struct Opened {
  MappedFile file;
  GgufHeader header;
};

Result<Opened> open_gguf(const std::string& path) {
  auto file = map_file(path);
  if (!file) return file.error();
  auto header = parse_gguf(file->text());
  if (!header) return std::move(header.error()).in(path);
  return Opened{.file = *std::move(file), .header = *std::move(header)};
}

}  // namespace

Result<std::string> read_gguf_config(const std::string& path) {
  const auto opened = open_gguf(path);
  if (!opened) return opened.error();
  auto config = gguf_config(opened->header, opened->file.text());
  if (!config) return std::move(config.error()).in(path);
  return config;
}

Result<std::unique_ptr<Weights>> gguf_weights(const std::string& path, DType dtype) {
  auto opened = open_gguf(path);
  if (!opened) return opened.error();
  return std::unique_ptr<Weights>(std::make_unique<GgufWeights>(path, std::move(opened->header),
                                                                std::move(opened->file), dtype));
}

}  // namespace mlbench::model
