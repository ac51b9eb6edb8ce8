#include "stats/student_t.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

using namespace mlbench::stats;

TEST_CASE("Student's t agrees with SciPy over the whole range that is used") {
  // tools/stats/make_student_t.py wrote the table. 1e-11 is ten thousand times finer than any digit
  // that is printed, and leaves room for SciPy's own last digits.
  std::ifstream file(std::string(MLBENCH_TEST_DATA) + "/stats/student_t.csv");
  REQUIRE(file);
  std::string line;
  int rows = 0;
  double worst = 0;
  while (std::getline(file, line)) {
    if (line.starts_with('#') || line.starts_with("kind")) continue;
    std::istringstream fields(line);
    std::string kind;
    double x = 0, df = 0, expected = 0;
    char comma = 0;
    std::getline(fields, kind, ',');
    fields >> x >> comma >> df >> comma >> expected;
    REQUIRE(fields);
    const double actual =
        kind == "quantile" ? student_t_quantile(x, df) : student_t_two_sided(x, df);
    const double error = std::abs(actual - expected) / expected;
    worst = std::max(worst, error);
    CAPTURE(line);
    CHECK(error < 1e-11);
    ++rows;
  }
  CHECK(rows == 644);
  MESSAGE("largest relative difference " << worst);
}

TEST_CASE("Student's t agrees with the table of the NIST/SEMATECH e-Handbook, 1.3.6.7.2") {
  constexpr std::array<double, 10> k95 = {6.314, 2.920, 2.353, 2.132, 2.015,
                                          1.943, 1.895, 1.860, 1.833, 1.812};
  constexpr std::array<double, 10> k975 = {12.706, 4.303, 3.182, 2.776, 2.571,
                                           2.447,  2.365, 2.306, 2.262, 2.228};
  for (std::size_t i = 0; i < 10; ++i) {
    const auto df = static_cast<double>(i + 1);
    CHECK(std::abs(student_t_quantile(0.95, df) - k95[i]) <= 0.0005);
    CHECK(std::abs(student_t_quantile(0.975, df) - k975[i]) <= 0.0005);
  }
}
