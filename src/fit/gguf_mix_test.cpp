#include "fit/test_files.hpp"
#include "model/gguf.hpp"

#include <unistd.h>

namespace mlbench::fit {
namespace {

template <class T>
void put(std::string& text, T value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
void put_text(std::string& text, const std::string& value) {
  put<std::uint64_t>(text, value.size());
  text += value;
}

constexpr std::uint32_t kF32 = 0, kQ8_0 = 8, kQ4_K = 12, kQ6_K = 14;
constexpr std::int64_t kHidden = 256, kWidth = 512, kVocab = 64, kLayers = 2;

struct Entry {
  std::string name;
  std::vector<std::int64_t> shape;  ///< Row-major.
  std::uint32_t type;
};

/// As llama.cpp's Q4_K_M: half of the values and of the downs in Q6_K, vectors in float32.
std::vector<Entry> entries() {
  std::vector<Entry> all = {{"token_embd.weight", {kVocab, kHidden}, kQ4_K},
                            {"output.weight", {kVocab, kHidden}, kQ6_K},
                            {"output_norm.weight", {kHidden}, kF32}};
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const std::string l = "blk." + std::to_string(i) + ".";
    const std::uint32_t better = i == 0 ? kQ6_K : kQ4_K;
    all.insert(all.end(), {{l + "attn_q.weight", {kHidden, kHidden}, kQ4_K},
                           {l + "attn_k.weight", {kHidden, kHidden}, kQ8_0},
                           {l + "attn_v.weight", {kHidden, kHidden}, better},
                           {l + "attn_output.weight", {kHidden, kHidden}, kQ4_K},
                           {l + "ffn_gate.weight", {kWidth, kHidden}, kQ4_K},
                           {l + "ffn_up.weight", {kWidth, kHidden}, kQ4_K},
                           {l + "ffn_down.weight", {kHidden, kWidth}, better},
                           {l + "attn_norm.weight", {kHidden}, kF32},
                           {l + "ffn_norm.weight", {kHidden}, kF32}});
  }
  return all;
}

std::int64_t bytes_of(const Entry& e) {
  const auto* type = model::find_gguf_type(e.type);
  std::int64_t elements = 1;
  for (const auto n : e.shape) elements *= n;
  return elements / type->block * type->block_bytes;
}

/// A whole file; its numbers are zeros.
std::string file_of(const std::vector<Entry>& tensors) {
  const std::vector<std::pair<std::string, std::uint32_t>> numbers = {
      {"block_count", kLayers}, {"embedding_length", kHidden}, {"feed_forward_length", kWidth},
      {"context_length", 2048}, {"attention.head_count", 4},   {"attention.head_count_kv", 4}};
  std::string t = "GGUF";
  put<std::uint32_t>(t, 3), put<std::uint64_t>(t, tensors.size());
  put<std::uint64_t>(t, numbers.size() + 2);
  put_text(t, "general.architecture"), put<std::uint32_t>(t, 8), put_text(t, "llama");
  put_text(t, "llama.attention.layer_norm_rms_epsilon"), put<std::uint32_t>(t, 6), put(t, 1e-5F);
  for (const auto& [key, value] : numbers)
    put_text(t, "llama." + key), put<std::uint32_t>(t, 4), put(t, value);
  std::uint64_t offset = 0;
  for (const auto& e : tensors) {
    put_text(t, e.name), put<std::uint32_t>(t, static_cast<std::uint32_t>(e.shape.size()));
    for (auto n = e.shape.rbegin(); n != e.shape.rend(); ++n)
      put<std::uint64_t>(t, static_cast<std::uint64_t>(*n));
    put(t, e.type), put(t, offset);
    offset += static_cast<std::uint64_t>((bytes_of(e) + 31) / 32 * 32);
  }
  t.resize((t.size() + 31) / 32 * 32);
  return t + std::string(offset, '\0');
}

struct File {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("mlbench-mix-" + std::to_string(getpid()) + "-q4_k_m.gguf");
  File() { std::ofstream(path, std::ios::binary) << file_of(entries()); }
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

std::int64_t weights_of(const File& file, const char* runtime) {
  Request r;
  r.model = file.path.string(), r.runtime = runtime, r.machine = "M4 10c 16GB";
  return must_ask(r).need.weights_bytes;
}

}  // namespace

TEST_CASE("a GGUF file's tensors are counted each in its own kind") {
  const File file;
  std::int64_t in_file = 0, held = 0;
  for (const auto& e : entries()) {
    in_file += bytes_of(e);
    std::int64_t elements = 1;
    for (const auto n : e.shape) elements *= n;
    // As mlx: 4 and 8 bits with scale and offset of 16 bits for 32 numbers; others 16 bits.
    const int bits = e.type == kQ4_K ? 5 : (e.type == kQ8_0 ? 9 : 16);
    held += elements * bits / 8;
  }
  CHECK(weights_of(file, "llama.cpp") == in_file);
  CHECK(weights_of(file, "mlx") == held);
  // All in Q4_K but the output in Q6_K, as other answers count it, would be less.
  const auto one_kind = model::read_config(file.path.string());
  REQUIRE(one_kind);
  auto without = *one_kind;
  without.file_bytes.reset();
  CHECK(weight_bytes(without, *parse_quant("q4_k", "llama.cpp", without)) < in_file * 9 / 10);
}

}  // namespace mlbench::fit
