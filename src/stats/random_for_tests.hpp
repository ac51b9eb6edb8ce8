#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace mlbench::stats {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the same numbers on every platform, which
/// std::normal_distribution does not promise.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  double uniform() {  // in (0, 1)
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (static_cast<double>((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
  }
  double normal() {  // Box and Muller (1958)
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  double student_3() {  // three degrees of freedom: finite variance, infinite kurtosis
    const double a = normal(), b = normal(), c = normal();
    return normal() / std::sqrt((a * a + b * b + c * c) / 3);
  }

 private:
  std::uint64_t state_;
};

/// The tolerance of a simulated rate: four standard errors, sqrt(p(1-p)/n).
inline double four_standard_errors(double rate, int trials) {
  return 4 * std::sqrt(rate * (1 - rate) / trials);
}

}  // namespace mlbench::stats
