#include "native/trial.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

namespace mlbench::native {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::size_t fastest(std::span<const Candidate> candidates, double budget_s) {
  constexpr int kLeastRounds = 3, kMostRounds = 20;
  if (candidates.size() == 1) return 0;
  for (const auto& candidate : candidates) candidate.call();

  std::vector<double> best_s(candidates.size(), std::numeric_limits<double>::infinity());
  const auto start = Clock::now();
  for (int round = 0; round < kMostRounds; ++round) {
    if (round >= kLeastRounds && seconds_since(start) > budget_s) break;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const auto call_start = Clock::now();
      candidates[i].call();
      best_s[i] = std::min(best_s[i], seconds_since(call_start));
    }
  }

  return clearly_shortest(best_s);
}

std::size_t clearly_shortest(std::span<const double> times_s) noexcept {
  constexpr double kClearly = 0.98;
  std::size_t winner = 0;
  for (std::size_t i = 1; i < times_s.size(); ++i) {
    if (times_s[i] < times_s[winner] * kClearly) winner = i;
  }
  return winner;
}

}  // namespace mlbench::native
