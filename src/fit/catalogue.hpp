#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench::fit {

/// A row of data/chips.csv.
struct Chip {
  std::string name;  ///< "M4 Max"; binned chips of one name are several rows.
  std::int64_t gpu_cores = 0;
  double bandwidth_bytes_per_s = 0;
  std::vector<std::int64_t> memory_gib;  ///< Sizes sold, ascending; never empty.
  double clock_hz = 0;
  bool clock_assumed = false;

  /// Peak of the GPU's cores: cores x 128 multiply-adds x clock.
  [[nodiscard]] double float32_flop_per_s() const;
  /// Matrix units in the GPU cores: M5 and later.
  [[nodiscard]] bool has_neural_accelerators() const;
  /// Peak for float16 matrices: the cores', and four times that where there are matrix units (an
  /// estimate: Apple's "over 4x", and 70 TFLOP/s estimated for an M5 Max with 40 cores,
  /// tzakharko.github.io/apple-neural-accelerators-benchmark).
  [[nodiscard]] double float16_flop_per_s() const;
};
[[nodiscard]] const std::vector<Chip>& chips();
/// Every chip of that name ("M4 Max"), with that many GPU cores where they are given: binned chips
/// of one name differ in cores, and some in bandwidth. Empty when there is none.
[[nodiscard]] std::vector<const Chip*> find_chips(std::string_view name,
                                                  std::optional<std::int64_t> gpu_cores);

/// A row of data/gpus.csv.
struct GpuCard {
  std::string name;  ///< "RTX 4090".
  double memory_gib = 0;
  double bandwidth_bytes_per_s = 0;
  double flop_per_s = 0;  ///< Dense float16 matrix peak.
};
[[nodiscard]] const std::vector<GpuCard>& gpu_cards();

}  // namespace mlbench::fit
