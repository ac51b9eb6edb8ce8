#include "model/checkpoint.hpp"

#include "model/gguf.hpp"
#include "model/mapped_file.hpp"
#include "model/safetensors.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace mlbench::model {
namespace {

/// Of a tensor as it is held: numbers in `dtype`, everything else as stored.
std::int64_t held_bytes(const HostTensor& t, DType dtype) {
  return is_floating(t.storage) ? t.elements() * size_bytes(dtype) : t.bytes();
}

bool is_router(const std::string& matrix) {
  constexpr std::array<const char*, 4> kRouters = {"mlp.gate", "mlp.router",
                                                   "block_sparse_moe.gate", "shared_expert_gate"};
  return std::any_of(kRouters.begin(), kRouters.end(),
                     [&](const char* r) { return matrix.ends_with(r); });
}

/// Of the language model, not of an encoder beside it.
bool is_of_language(const std::string& name) {
  return name.find("model.layers.") != std::string::npos ||
         name.find("language_model.layers.") != std::string::npos ||
         name.find("embed_tokens") != std::string::npos ||
         name.find("lm_head") != std::string::npos;
}

MatrixBytes folder_bytes(const std::map<std::string, HostTensor>& tensors, DType dtype) {
  MatrixBytes sum;
  for (const auto& [name, tensor] : tensors) {
    const auto stem = name.substr(0, name.rfind('.'));
    const bool part = name.ends_with(".scales") || name.ends_with(".biases");
    if ((!part && tensor.shape.size() < 2) || !is_of_language(name) || is_router(stem)) continue;
    (stem.ends_with("embed_tokens") ? sum.embedding : sum.others) += held_bytes(tensor, dtype);
  }
  return sum;
}

}  // namespace

bool is_checkpoint(const std::string& model) {
  std::error_code ignored;
  return std::filesystem::is_directory(model, ignored) ||
         (is_gguf(model) && std::filesystem::exists(model, ignored));
}

Result<std::unique_ptr<Weights>> checkpoint_weights(const std::string& model, DType dtype) {
  return is_gguf(model) ? gguf_weights(model, dtype) : folder_weights(model);
}

Result<MatrixBytes> checkpoint_bytes(const std::string& model, DType dtype) {
  if (!is_gguf(model)) {
    const auto tensors = folder_tensors(model);
    if (!tensors) return tensors.error();
    return folder_bytes(*tensors, dtype);
  }
  const auto file = map_file(model);
  if (!file) return file.error();
  const auto header = parse_gguf(file->text());
  if (!header) return Error(header.error()).in(model);
  MatrixBytes sum;
  for (const auto& [name, entry] : header->tensors) {
    if (entry.shape.size() < 2) continue;
    (name.starts_with("token_embd") ? sum.embedding : sum.others) += held_bytes(entry, dtype);
  }
  return sum;
}

}  // namespace mlbench::model
