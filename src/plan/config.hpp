#pragma once

#include "core/error.hpp"
#include "workload/dtype.hpp"
#include "workload/gemm.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench::plan {

/// A configuration file. What the file does not say is empty, and the preset decides; an empty list
/// means "none of these". docs/configuration.md describes every key for users; change both
/// together.
struct Config {
  /// The chip that the file was written for: the caller compares it with the machine and says so
  /// when they differ.
  std::optional<std::string> expected_chip;

  /// The model that `fit` and the report are asked about.
  struct Model {
    std::optional<std::string> name, dtype;
  } model;

  struct Compute {
    std::optional<std::vector<std::int64_t>> gemm_sizes;  ///< n of square n x n x n products.
    std::optional<std::vector<workload::Gemm::Shape>> gemm_shapes;
    std::optional<std::vector<workload::DType>> dtypes;
  } compute;

  struct Attention {
    std::optional<std::vector<std::int64_t>> seq_lengths, batch_sizes;
    std::optional<std::int64_t> num_heads, head_dim;
  } attention;

  std::optional<std::vector<std::string>> operations;  ///< Names of operations to measure.

  struct Memory {
    std::optional<std::vector<std::int64_t>> sizes_bytes;  ///< Of one array; multiples of 64.
    std::optional<std::vector<std::string>> ops;  ///< "read", "write", "copy", "scale", ...
  } memory;

  struct ModelLevel {
    std::optional<std::vector<std::int64_t>> batch_sizes, seq_lengths;
  } model_level;

  struct Measure {
    std::optional<double> target;                      ///< Half-width to stop at: 0.01 is 1 %.
    std::optional<double> budget_s, case_budget_s;     ///< Of the whole run; of one case.
    std::optional<int> min_rounds, max_rounds;         ///< min <= max where both are given.
    std::optional<double> warmup_min_s, warmup_max_s;  ///< Of one process.
    std::optional<std::uint64_t> seed;
  } measure;

  /// Patterns (glob_match) of subjects to measure: "torch:cpu", "mlx:*".
  std::optional<std::vector<std::string>> subjects;
  std::optional<std::string> results_dir, reports_dir;

  /// For people, one sentence each: keys that were read but that something else replaces.
  std::vector<std::string> notices;
};

/// Every key that a file may hold, e.g. "benchmarks.compute.gemm_sizes", in the order of the docs.
[[nodiscard]] std::vector<std::string> known_config_keys();

/// Reads a configuration from the bytes of a file; `file_name` is for messages only.
///
/// Errors: `usage`, one sentence with file, line, key and cure, for an unknown key (with the
/// nearest valid name), a value of the wrong type or out of range, a key given twice, and text that
/// is not YAML.
[[nodiscard]] Result<Config> parse_config(std::string_view text, std::string_view file_name);

/// parse_config() of the file at `path`. Errors: `usage` also when it cannot be read.
[[nodiscard]] Result<Config> read_config(const std::filesystem::path& path);

}  // namespace mlbench::plan
