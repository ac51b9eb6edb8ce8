#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace mlbench::native {

/// One way to run a case.
struct Candidate {
  std::string name;
  std::function<void()> call;
};

/// Index of the fastest candidate, by the shortest of a few interleaved calls of each. Stops after
/// 20 rounds, or after `budget_s` but not before 3 rounds. `candidates` must not be empty.
[[nodiscard]] std::size_t fastest(std::span<const Candidate> candidates, double budget_s);

/// Index of the shortest of `times_s`; one that comes later has to be 2 % shorter, so that near
/// ties fall the same way in every process.
[[nodiscard]] std::size_t clearly_shortest(std::span<const double> times_s) noexcept;

}  // namespace mlbench::native
