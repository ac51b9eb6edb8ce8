#pragma once

#include "workload/gemm.hpp"
#include "workload/workload.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mlbench::workload {

/// What may be measured: the config file's lists, or these defaults. Each workload makes its
/// families from it.
struct Catalogue {
  std::vector<DType> dtypes = {DType::float32, DType::float16, DType::bfloat16};
  /// Square sizes. The small ones are for devices on which the larger take too long.
  std::vector<std::int64_t> gemm_sizes = {128, 256, 512, 1024, 2048, 4096, 8192};
  /// Shapes of LLM layers: m tokens through a weight [n, k].
  std::vector<Gemm::Shape> gemm_shapes = {{1, 4096, 4096},    {8, 4096, 4096},   {128, 4096, 4096},
                                          {512, 4096, 4096},  {1, 4096, 14336},  {8, 4096, 14336},
                                          {128, 4096, 14336}, {512, 4096, 14336}};
  std::vector<std::string> memory_ops = {"copy", "read", "write", "triad"};
  /// Bytes of one array. Empty: `default_array_bytes`.
  std::vector<std::int64_t> memory_sizes_bytes;
  /// Heads and lengths of attention; the first batch is that of the headline cases. The short
  /// lengths are for devices on which the longer take too long.
  struct Attention {
    std::vector<std::int64_t> lengths = {128, 256, 512, 1024, 2048, 4096};
    std::vector<std::int64_t> batches = {1, 2, 4};
    std::int64_t heads = 32, dim = 128;
  } attention;
  /// Names of the other operations and of block, prefill and decode to measure; empty: all of them.
  std::optional<std::vector<std::string>> operations;
  /// An array that no cache of this machine holds.
  std::int64_t default_array_bytes = std::int64_t{256} << 20;
  /// Also memory over sizes through the caches, scale and add, and cold and independent variants:
  /// what takes long and no headline needs.
  bool thorough = false;
};

/// How many cases of a family a preset takes; --full takes all.
struct Share {
  int quick = 0, standard = 0;
};

/// Candidates of one kind, of which a preset takes some.
struct Family {
  std::string name;  ///< "gemm float32", "memory copy".
  std::vector<Case> candidates;
  Share share;
  bool largest = true;          ///< Take the largest that are quick enough; else the first ones.
  bool limited_by_time = true;  ///< Memory bandwidth needs its size, whatever the time.
  double memory_share = 0.5;    ///< Of the available memory, for all live processes together.
};

/// Whether the configuration's list of operations, where there is one, names `workload`.
[[nodiscard]] bool is_wanted(const Catalogue& catalogue, std::string_view workload);

/// Appends the case to `family`; one that is not valid for its dtype or shape is not a candidate.
void add_case(Family& family, std::string_view workload, DType dtype, Json params);

}  // namespace mlbench::workload
