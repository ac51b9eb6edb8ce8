#pragma once

#include "kit/backend_for_tests.hpp"
#include "workload/input.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

/// Checkpoints as mlx-lm writes them, made here number by number: the words and scales of each
/// matrix are chosen, and what they stand for by MLX's documentation of its formats goes into a
/// second folder of float32 numbers, which the reference reads.
namespace mlbench::kit {

/// How matrices are packed: MLX's affine mode in any bits, or "mxfp4".
struct Packing {
  int bits = 4, group = 64;
  std::string mode = "affine";

  [[nodiscard]] std::string name() const {
    if (mode != "affine") return mode;
    return std::to_string(bits) + "bit" + (group == 64 ? "" : "-g" + std::to_string(group));
  }
};

class MlxCheckpoint {
 public:
  /// `family`: "llama", "qwen3_moe" or "mixtral".
  MlxCheckpoint(const std::string& family, const Packing& packing)
      : packing_(packing),
        root_(std::filesystem::temp_directory_path() /
              ("mlbench-mlx-" + family + packing.name() + std::to_string(getpid()))) {
    add_model(family);
    write(packed(), packed_, config(family, true));
    write(dense(), dense_, config(family, false));
  }
  ~MlxCheckpoint() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  MlxCheckpoint(const MlxCheckpoint&) = delete;
  MlxCheckpoint& operator=(const MlxCheckpoint&) = delete;

  [[nodiscard]] std::string packed() const { return (root_ / "packed").string(); }
  [[nodiscard]] std::string dense() const { return (root_ / "dense").string(); }

 private:
  using Shape = std::vector<std::int64_t>;
  struct Stored {
    std::string type;
    Shape shape;
    std::string bytes;
  };
  using Tensors = std::map<std::string, Stored>;
  static constexpr std::int64_t kHidden = 128, kWidth = 256, kHeads = 4, kKvHeads = 2, kVocab = 64,
                                kLayers = 2, kExperts = 4;

  /// Numbers that look arbitrary and are the same everywhere.
  std::uint32_t next() {
    state_ = state_ * 1664525U + 1013904223U;
    return state_ >> 8;
  }

  template <class Number>
  static std::string bytes_of(const std::vector<Number>& numbers) {
    std::string bytes(numbers.size() * sizeof(Number), '\0');
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
  }

  /// [copies, rows, columns], without the first for one copy.
  static Shape shape_of(std::int64_t copies, std::int64_t rows, std::int64_t columns) {
    return copies == 0 ? Shape{rows, columns} : Shape{copies, rows, columns};
  }

  void add_vector(const std::string& name, std::int64_t n) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < n; ++i) values.push_back(1 + static_cast<float>(next() % 8) / 32);
    packed_[name] = dense_[name] = {"F32", {n}, bytes_of(values)};
  }

  void add_matrix(const std::string& name, std::int64_t copies, std::int64_t rows,
                  std::int64_t columns, const Packing& p) {
    constexpr std::array<float, 8> kE2m1 = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6};
    const auto count = std::max<std::int64_t>(copies, 1) * rows * columns;
    std::vector<std::uint32_t> words(static_cast<std::size_t>(count * p.bits / 32));
    std::vector<float> values, scales, offsets;
    std::vector<std::uint8_t> exponents;
    const bool affine = p.mode == "affine";
    const std::uint32_t codes = 1U << p.bits;
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % p.group == 0) {
        // Few bits, so that every number here is exact in bfloat16 too.
        scales.push_back(static_cast<float>(3 + next() % 3) / static_cast<float>(codes * 16));
        offsets.push_back(-scales.back() * static_cast<float>(codes / 2));
        exponents.push_back(static_cast<std::uint8_t>(121 + next() % 2));
      }
      const auto code = next() % codes;
      words[static_cast<std::size_t>(i * p.bits / 32)] |= code << (i * p.bits % 32);
      const float float4 = kE2m1[code % 8] * (code < 8 ? 1.0F : -1.0F);
      values.push_back(affine ? scales.back() * static_cast<float>(code) + offsets.back()
                              : std::ldexp(float4, exponents.back() - 127));
    }
    dense_[name + ".weight"] = {"F32", shape_of(copies, rows, columns), bytes_of(values)};
    packed_[name + ".weight"] = {"U32", shape_of(copies, rows, columns * p.bits / 32),
                                 bytes_of(words)};
    const auto groups = shape_of(copies, rows, columns / p.group);
    packed_[name + ".scales"] = {affine ? "F32" : "U8", groups,
                                 affine ? bytes_of(scales) : bytes_of(exponents)};
    if (affine) packed_[name + ".biases"] = {"F32", groups, bytes_of(offsets)};
  }

  void add_mlp(const std::string& prefix, std::int64_t copies) {
    for (const char* name : {"gate_proj", "up_proj"})
      add_matrix(prefix + name, copies, kWidth, kHidden, packing_);
    add_matrix(prefix + "down_proj", copies, kHidden, kWidth, packing_);
  }

  void add_model(const std::string& family) {
    const auto head = kHidden / kHeads;
    add_matrix("model.embed_tokens", 0, kVocab, kHidden, packing_);
    add_matrix("lm_head", 0, kVocab, kHidden, packing_);
    add_vector("model.norm.weight", kHidden);
    for (std::int64_t i = 0; i < kLayers; ++i) {
      const std::string l = "model.layers." + std::to_string(i) + ".";
      add_vector(l + "input_layernorm.weight", kHidden);
      add_vector(l + "post_attention_layernorm.weight", kHidden);
      add_matrix(l + "self_attn.q_proj", 0, kHidden, kHidden, packing_);
      add_matrix(l + "self_attn.k_proj", 0, kKvHeads * head, kHidden, packing_);
      add_matrix(l + "self_attn.v_proj", 0, kKvHeads * head, kHidden, packing_);
      add_matrix(l + "self_attn.o_proj", 0, kHidden, kHidden, packing_);
      if (family == "llama") {
        add_mlp(l + "mlp.", 0);
        continue;
      }
      const std::string moe = l + (family == "mixtral" ? "block_sparse_moe." : "mlp.");
      add_mlp(moe + "switch_mlp.", kExperts);
      // mlx-lm keeps Qwen3's routers at 8 bits, whatever the rest is.
      add_matrix(moe + "gate", 0, kExperts, kHidden, {.bits = 8});
      if (family != "qwen3_moe") continue;
      add_vector(l + "self_attn.q_norm.weight", head);
      add_vector(l + "self_attn.k_norm.weight", head);
    }
  }

  [[nodiscard]] Json config(const std::string& family, bool packed) const {
    Json c = {{"model_type", family},
              {"hidden_size", kHidden},
              {"num_hidden_layers", kLayers},
              {"num_attention_heads", kHeads},
              {"num_key_value_heads", kKvHeads},
              {"head_dim", kHidden / kHeads},
              {"intermediate_size", kWidth},
              {"vocab_size", kVocab},
              {"max_position_embeddings", 128},
              {"rms_norm_eps", 1e-6},
              {"rope_theta", 10000.0},
              {"hidden_act", "silu"},
              {"tie_word_embeddings", false},
              {"torch_dtype", "float32"}};
    if (family == "qwen3_moe")
      c.update({{"num_experts", kExperts},
                {"moe_intermediate_size", kWidth},
                {"norm_topk_prob", true},
                {"decoder_sparse_step", 1},
                {"mlp_only_layers", Json::array()}});
    if (family == "mixtral") c["num_local_experts"] = kExperts;
    if (family != "llama") c["num_experts_per_tok"] = 2;
    if (!packed) return c;
    c["quantization"] = {{"group_size", packing_.group}, {"bits", packing_.bits}};
    if (packing_.mode != "affine") c["quantization"]["mode"] = packing_.mode;
    return c;
  }

  static void write(const std::string& folder, const Tensors& tensors, const Json& config) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/config.json") << config.dump();
    Json header = Json::object();
    std::string data;
    for (const auto& [name, t] : tensors) {
      header[name] = {{"dtype", t.type},
                      {"shape", t.shape},
                      {"data_offsets", {data.size(), data.size() + t.bytes.size()}}};
      data += t.bytes;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const auto length = static_cast<std::uint64_t>(text.size());
    std::ofstream file(folder + "/model.safetensors", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << text << data;
  }

  Packing packing_;
  std::filesystem::path root_;
  std::uint32_t state_ = 20240229;
  Tensors packed_, dense_;
};

inline workload::Case checkpoint_decode(const std::string& folder, DType dtype,
                                        const std::string& quant) {
  Json params = {{"model", folder}, {"batch", 1}, {"depth", 5}, {"tokens", 4}};
  if (!quant.empty()) params["quant"] = quant;
  return make("decode", dtype, params);
}

/// Root of the mean square of the differences, as a share of that of `expected`.
inline double relative_error(const std::vector<double>& actual,
                             const std::vector<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  double differences = 0, size = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    differences += std::pow(actual[i] - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  return std::sqrt(differences / size);
}

/// `backend`, given the packed folder, computes the logits of the numbers that it stands for.
inline void check_mlx_checkpoint(Backend& backend, DType dtype, const std::string& family,
                                 const Packing& packing, double most) {
  CAPTURE(family);
  CAPTURE(packing.name());
  const MlxCheckpoint files(family, packing);
  const auto c = checkpoint_decode(files.packed(), dtype, packing.name());
  auto kernel = backend.prepare(c, "cpu", 7);
  REQUIRE_MESSAGE(kernel, (kernel ? "" : kernel.error().message));
  const std::string name = (*kernel)->facts().kernel;
  const bool packed = name.find("quantized_matmul") != std::string::npos ||
                      name.find("int4pack") != std::string::npos;
  CHECK_MESSAGE(packed, name);
  (*kernel)->run(2);
  const auto output = (*kernel)->output();
  const auto dense = workload::language_reference(checkpoint_decode(files.dense(), dtype, ""), 7);
  REQUIRE_MESSAGE(dense, (dense ? "" : dense.error().message));
  CHECK(relative_error(workload::to_double(output.bytes, output.dtype), *dense) < most);
  // Rounding, not chance, bounds it: the numbers of other words are far away.
  const MlxCheckpoint other(family, {.bits = packing.bits == 4 ? 8 : 4});
  const auto unlike = workload::language_reference(checkpoint_decode(other.dense(), dtype, ""), 7);
  REQUIRE(unlike);
  CHECK(relative_error(*unlike, *dense) > 10 * most);
}

}  // namespace mlbench::kit
