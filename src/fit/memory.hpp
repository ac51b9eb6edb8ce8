#pragma once

#include "fit/format.hpp"

#include <cstdint>
#include <string>

namespace mlbench::fit {

/// What the model is to do.
struct Load {
  std::int64_t context = 2048;  ///< Tokens of one sequence: prompt and answer together.
  std::int64_t batch = 1;       ///< Sequences at once.
  enum class Training { none, full, lora } training = Training::none;
  std::int64_t lora_rank = 16;
  /// Training keeps the input of each layer alone, and all of the one layer that it computes again
  /// (gradient checkpointing). Source: Chen et al., "Training Deep Nets with Sublinear Memory
  /// Cost", arXiv:1604.06174 (2016), section 4.
  bool recompute = false;
};

/// Constants of a runtime that decide memory. Source: data/fit_constants.json, "peak".
struct MemoryModel {
  std::int64_t prefill_chunk = 2048;  ///< Prompt tokens that pass together.
  double overhead_bytes = 0;
  double overhead_kv_share = 0;  ///< Of the KV cache, on top of it: caches are grown by copying.
};

/// Bytes that the load needs. Training parts are 0 when nothing is trained.
struct Need {
  std::int64_t weights_bytes = 0, kv_bytes = 0, activation_bytes = 0, overhead_bytes = 0;
  std::int64_t gradient_bytes = 0, optimizer_bytes = 0, adapter_bytes = 0;
  std::int64_t total_bytes = 0;
  std::int64_t largest_buffer_bytes = 0;  ///< Largest single tensor.
  std::string largest_buffer;             ///< Which one.
};

/// Keys and values of `batch` sequences of `tokens` tokens: 2 tensors a layer of kv_heads x
/// head_dim elements a token; a sliding layer holds its window at most. Exact, without what an
/// allocator rounds. Source: Ainslie et al., "GQA", arXiv:2305.13245 (2023), section 2.2.
[[nodiscard]] double kv_cache_bytes(const model::ModelShape& shape, std::int64_t batch,
                                    std::int64_t tokens, std::int64_t element_bytes);

/// Errors: `usage` when context, batch or their product with the model is beyond any machine (2^60
/// bytes). docs/fit.md states each term.
[[nodiscard]] Result<Need> need_of(const model::ModelShape& shape, const Format& format,
                                   const Load& load, const MemoryModel& model);

}  // namespace mlbench::fit
