#include "stats/unpaired.hpp"

#include "stats/holm.hpp"
#include "stats/random_for_tests.hpp"
#include "stats/verdict.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace mlbench::stats;

namespace {

const std::vector<double> kA = {0.01, 0.03, -0.02, 0.015, 0.022};
const std::vector<double> kB = {0.11, 0.09, 0.14, 0.10, 0.12, 0.08, 0.21};

bool near(double x, double expected, double relative) {
  return std::abs(x - expected) <= relative * std::abs(expected);
}

/// Log times of the processes of one run: an occasion of its own, and noise of each process.
std::vector<double> run(Random& random, double truth, int processes, double occasion_sd,
                        double process_sd) {
  const double occasion = occasion_sd * random.normal();
  std::vector<double> logs(static_cast<std::size_t>(processes));
  for (double& x : logs) x = truth + occasion + process_sd * random.normal();
  return logs;
}

bool holds(const RatioInterval& i, double truth) {
  return i.low <= std::exp(truth) && std::exp(truth) <= i.high;
}

}  // namespace

TEST_CASE("Welch's interval agrees with SciPy") {
  // scipy.stats.ttest_ind(b, a, equal_var=False) of SciPy 1.17.1
  const auto i = welch_interval(kA, kB);
  REQUIRE(i);
  CHECK(near(i->mean_log, 0.11002857142857142, 1e-14));
  CHECK(near(i->degrees_of_freedom(), 8.699743419661539, 1e-13));
  CHECK(near(std::log(i->low), 0.06770135482471532, 1e-12));
  CHECK(near(std::log(i->high), 0.15235578803242752, 1e-12));
  CHECK(near(p_value(*i), 0.0002579546769674907, 1e-11));
  CHECK(i->pairs == 5);
  const auto wide = at_confidence(*i, 0.99);
  REQUIRE(wide);
  CHECK(near(std::log(wide->low), 0.049008423656926016, 1e-12));
  CHECK(near(std::log(wide->high), 0.17104871920021683, 1e-12));
}

TEST_CASE("swapping the sides inverts Welch's interval exactly") {
  const auto i = welch_interval(kA, kB), j = welch_interval(kB, kA);
  REQUIRE(i);
  REQUIRE(j);
  CHECK(i->mean_log == -j->mean_log);
  CHECK(i->half_width_log == j->half_width_log);
}

TEST_CASE("Welch's interval is withheld where there is none") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(welch_interval(std::vector{0.1}, kB));
  CHECK_FALSE(welch_interval(kA, {}));
  CHECK_FALSE(welch_interval(std::vector{0.1, nan}, kB));
  CHECK_FALSE(welch_interval(kA, kB, 1));
  CHECK_FALSE(log_times(std::vector{0.1, 0.0}));
  CHECK_FALSE(log_times(std::vector{0.1, nan}));
  CHECK_FALSE(log_times({}));
}

TEST_CASE("equal values on both sides give a point, tiny ones no division by zero") {
  const std::vector<double> same(6, 0.25);
  const auto point = welch_interval(same, same);
  REQUIRE(point);
  CHECK(point->low == 1);
  CHECK(point->high == 1);
  CHECK(point->degrees_of_freedom() == doctest::Approx(10));
  const std::vector<double> tiny = {1e-170, 2e-170, 3e-170};
  REQUIRE(welch_interval(tiny, tiny));
}

TEST_CASE("an interval is widened on both sides, and by no less than nothing") {
  const auto i = welch_interval(kA, kB);
  REQUIRE(i);
  const auto wide = widened(*i, 0.02);
  REQUIRE(wide);
  CHECK(wide->ratio == i->ratio);
  CHECK(near(std::log(wide->low), std::log(i->low) - 0.02, 1e-12));
  CHECK(near(std::log(wide->high), std::log(i->high) + 0.02, 1e-12));
  CHECK_FALSE(widened(*i, -0.01));
}

TEST_CASE("the cautious mean of one interval is itself, of equal ones no narrower") {
  const auto i = welch_interval(kA, kB);
  REQUIRE(i);
  const auto one = cautious_mean(std::vector{*i}), three = cautious_mean(std::vector{*i, *i, *i});
  REQUIRE(one);
  REQUIRE(three);
  CHECK(near(one->half_width_log, i->half_width_log, 1e-12));
  CHECK(near(three->half_width_log, i->half_width_log, 1e-12));
  CHECK_FALSE(cautious_mean({}));
}

TEST_CASE("Welch's interval covers the truth at its rate, for unequal spread and numbers too") {
  struct Setting {
    int na, nb;
    double sd_a, sd_b;
  };
  constexpr int kTrials = 4000;
  for (const auto& s : std::vector<Setting>{
           {10, 10, 0.01, 0.01}, {10, 10, 0.01, 0.05}, {10, 30, 0.04, 0.01}, {3, 3, 0.02, 0.02}}) {
    Random random(7);
    int held = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const auto a = run(random, 0, s.na, 0, s.sd_a), b = run(random, 0.03, s.nb, 0, s.sd_b);
      held += holds(*welch_interval(a, b), 0.03) ? 1 : 0;
    }
    CAPTURE(s.na);
    CAPTURE(s.nb);
    const double rate = static_cast<double>(held) / kTrials;
    MESSAGE("coverage " << rate);
    // Welch's degrees of freedom are an approximation: at 3 and 3 it covers somewhat more.
    CHECK(rate > 0.95 - four_standard_errors(0.95, kTrials));
    CHECK(rate < 0.95 + four_standard_errors(0.95, kTrials) + (s.na == 3 ? 0.02 : 0));
  }
}

TEST_CASE("with several runs a side, runs as units keep the rate and processes as units do not") {
  // Three runs of ten processes a side; an occasion is off by 2 %, a process by 1 %.
  constexpr int kTrials = 2000;
  Random random(11);
  int by_run = 0, by_process = 0, found = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::vector<double>> a, b, slower;
    std::vector<double> all_a, all_b;
    for (int r = 0; r < 3; ++r) {
      a.push_back(run(random, 0, 10, 0.02, 0.01));
      b.push_back(run(random, 0, 10, 0.02, 0.01));
      slower.push_back(b.back());
      for (double& x : slower.back()) x += std::log(1.25);
      all_a.insert(all_a.end(), a.back().begin(), a.back().end());
      all_b.insert(all_b.end(), b.back().begin(), b.back().end());
    }
    by_run += holds(*welch_interval(run_means(a), run_means(b)), 0) ? 0 : 1;
    by_process += holds(*welch_interval(all_a, all_b), 0) ? 0 : 1;
    found += welch_interval(run_means(a), run_means(slower))->low > 1 ? 1 : 0;
  }
  const double false_by_run = static_cast<double>(by_run) / kTrials;
  const double false_by_process = static_cast<double>(by_process) / kTrials;
  MESSAGE("false: runs as units " << false_by_run << ", processes " << false_by_process
                                  << "; 25 % found " << found);
  CHECK(false_by_run < 0.05 + four_standard_errors(0.05, kTrials));
  CHECK(false_by_process > 0.3);
  CHECK(found > kTrials * 0.97);
}

TEST_CASE("two runs at different times: widened by an unchanged control, the rate holds") {
  // One run a side. The occasion is off by 1 %, program and control alike; a process by 0.5 %.
  constexpr int kTrials = 4000;
  Random random(13);
  int judged = 0, wrong_plain = 0, wrong = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const double occasion = 0.01 * random.normal();
    const auto a = run(random, 0, 10, 0, 0.005), b = run(random, occasion, 10, 0, 0.005);
    const auto control_a = run(random, 0, 10, 0, 0.005),
               control_b = run(random, occasion, 10, 0, 0.005);
    const auto control = welch_interval(control_a, control_b);
    if (judge(control).verdict == Verdict::invalid || control->low < 1 / 1.02 ||
        control->high > 1.02)
      continue;  // not shown to be unchanged
    ++judged;
    const auto interval = welch_interval(a, b);
    const double extra = std::max(std::abs(std::log(control->low)), std::log(control->high));
    wrong_plain += holds(*interval, 0) ? 0 : 1;
    wrong += holds(*widened(*interval, extra), 0) ? 0 : 1;
  }
  MESSAGE("of " << judged << " judged: " << wrong_plain << " wrong without the control's range, "
                << wrong << " with it");
  CHECK(judged > kTrials / 2);
  CHECK(wrong_plain > judged / 4);
  CHECK(wrong < judged * 0.05);
}
