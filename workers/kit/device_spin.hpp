#pragma once

#include "kit/counters.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

/// A check on the clock of a GPU that no counter shows: the time of a fixed amount of arithmetic in
/// registers of one thread. Both frameworks run the same program, so that their times compare.
namespace mlbench::kit {

/// NVIDIA: cycles of the multiprocessor's own counter (clock64), half a millisecond at 1.6 GHz.
inline constexpr std::int64_t kCudaSpinCycles = 800000;

/// Metal: `count` steps of Marsaglia's xorshift into `x`, each of which needs the one before.
/// This source has not met a Metal compiler yet.
#define MLBENCH_METAL_SPIN                     \
  "uint x = 2463534242u;"                      \
  "for (long i = 0; i < count; ++i) {"         \
  "  x ^= x << 13; x ^= x >> 17; x ^= x << 5;" \
  "}"
inline constexpr std::int64_t kMetalSpinSteps = 60000;

/// Seconds of `amount` on the device. `run(n)` launches n and returns when the device has finished;
/// what a launch and the wait take falls out of the difference between twice the amount and once,
/// each the shortest of three that take turns. nullopt where the difference drowns in them.
template <class Run>
std::optional<double> spin_difference_s(const Run& run, std::int64_t amount) {
  const auto seconds = [&](std::int64_t n) {
    const auto start = steady_ns();
    run(n);
    return static_cast<double>(steady_ns() - start) * 1e-9;
  };
  double once_s = std::numeric_limits<double>::infinity(), twice_s = once_s;
  for (int i = 0; i < 3; ++i) {
    once_s = std::min(once_s, seconds(amount));
    twice_s = std::min(twice_s, seconds(2 * amount));
  }
  const double difference_s = twice_s - once_s;
  return difference_s > 0 ? std::optional(difference_s) : std::nullopt;
}

}  // namespace mlbench::kit
