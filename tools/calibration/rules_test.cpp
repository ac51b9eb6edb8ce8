#include "rules.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace mlbench::calibration;

namespace {

const std::vector<double> kA = {1.01, 1.03, 0.98, 1.015, 1.022, 1.00, 1.04, 0.99, 1.07, 1.05};
const std::vector<double> kB = {1.11, 1.09, 1.14, 1.00, 1.12, 1.08, 1.21, 1.03, 1.06, 1.02};

/// `a` 10 % slower, value by value.
std::vector<double> slower(std::vector<double> a) {
  for (double& t : a) t *= 1.1;
  return a;
}

}  // namespace

// Reference values: SciPy 1.17.1 and NumPy 2 on the samples above.
TEST_CASE("the U test agrees with scipy.stats.mannwhitneyu, ties included") {
  CHECK(mann_whitney_p(kA, kB) == doctest::Approx(0.013947279555790499).epsilon(1e-10));
  CHECK(mann_whitney_p(kB, kA) == doctest::Approx(0.013947279555790499).epsilon(1e-10));
  CHECK(mann_whitney_p(kA, kA) == doctest::Approx(1));
}

TEST_CASE("hyperfine: one standard deviation of the ratio, and Welch's p") {
  const auto summary = hyperfine_summary(kA, kB);
  CHECK(std::exp(summary.estimate_log) == doctest::Approx(1.0639757029489565));
  CHECK(*summary.half_width_log == doctest::Approx(0.06809533284239136 / 1.0639757029489565));
  CHECK(summary.sign == 0);                  // 1.064 ± 0.068 holds 1
  CHECK(hyperfine_welch(kA, kB).sign == 1);  // p = 0.0107
  CHECK(hyperfine_welch(kB, kA).sign == -1);
  CHECK(hyperfine_summary(kA, slower(slower(kA))).sign == 1);
}

TEST_CASE("nvbench compares the difference with the smaller noise") {
  CHECK(nvbench(kA, kB).sign == 1);  // 6.4 % against 2.7 and 5.8 %
  CHECK(*nvbench(kA, kB).half_width_log == doctest::Approx(0.027174545943582606));
  CHECK(nvbench(kA, kA).sign == 0);
}

TEST_CASE("criterion wants significance and a change beyond 1 %") {
  CHECK(criterion(kA, slower(kA), 5000).sign == 1);
  CHECK(criterion(slower(kA), kA, 5000).sign == -1);
  CHECK(criterion(kA, kA, 5000).sign == 0);
  std::vector<double> exact(200, 1.0), near(200, 1.005);
  for (std::size_t i = 0; i < exact.size(); i += 2) exact[i] = 1.0001, near[i] = 1.0051;
  CHECK(criterion(exact, near, 5000).sign == 0);  // certain, and within the noise threshold
}

TEST_CASE("Google Benchmark judges means of repetitions") {
  std::vector<double> a, b;
  for (int i = 0; i < 100; ++i) {
    a.push_back(1 + 0.01 * (i % 7));
    b.push_back(1.2 + 0.01 * (i % 7));
  }
  CHECK(stretch_means(a, 10).size() == 10);
  CHECK(google_benchmark(a, b).sign == 1);
  CHECK(google_benchmark(a, a).sign == 0);
}
