#pragma once

#include <cstdint>
#include <string>
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
};
[[nodiscard]] const std::vector<Chip>& chips();

/// A row of data/gpus.csv.
struct GpuCard {
  std::string name;  ///< "RTX 4090".
  double memory_gib = 0;
  double bandwidth_bytes_per_s = 0;
  double flop_per_s = 0;  ///< Dense float16 matrix peak.
};
[[nodiscard]] const std::vector<GpuCard>& gpu_cards();

}  // namespace mlbench::fit
