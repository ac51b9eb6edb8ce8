#include "stats/paired.hpp"

#include "stats/holm.hpp"
#include "stats/summary.hpp"
#include "stats/verdict.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

using namespace mlbench::stats;
using doctest::Approx;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Samples = std::vector<std::vector<double>>;

/// An interval of given centre and half-width in logs, from six pairs.
RatioInterval interval(double mean_log, double half_width_log, int pairs = 6) {
  const double unit = *expected_half_width_log(1, pairs);
  const auto i = at_confidence({.ratio = 1,
                                .low = 1,
                                .high = 1,
                                .pairs = pairs,
                                .half_width_log = 0,
                                .mean_log = mean_log,
                                .sd_log = half_width_log / unit,
                                .confidence = 0.95},
                               0.95);
  return *i;
}

}  // namespace

TEST_CASE("a block is its median or its lower quartile") {
  const Samples blocks = {{3, 1, 2}, {4, 8, 6, 2}};
  CHECK(*block_times(blocks) == std::vector<double>{2, 5});
  CHECK(*block_times(blocks, BlockStatistic::lower_quartile) == std::vector<double>{1.5, 3.5});
  CHECK_FALSE(block_times({}).has_value());
  CHECK_FALSE(block_times(Samples{{1}, {}}).has_value());
  CHECK_FALSE(block_times(Samples{{1, 0}}).has_value());
  CHECK_FALSE(block_times(Samples{{1, -2}}).has_value());
  CHECK_FALSE(block_times(Samples{{1, kNaN}}).has_value());
}

TEST_CASE("a pair is the median over blocks of the log of b's time over a's") {
  const Samples a = {{1, 1, 9}, {2, 2, 2}, {4, 4, 4}};
  const Samples b = {{2, 2, 2}, {8, 8, 8}, {4, 4, 4}};  // ratios 2, 4, 1
  CHECK(*pair_log_ratio(a, b) == Approx(std::log(2.0)).epsilon(1e-14));
  CHECK(*pair_log_ratio(b, a) == Approx(-std::log(2.0)).epsilon(1e-14));
  CHECK_FALSE(pair_log_ratio(a, Samples{{1}}).has_value());
  CHECK_FALSE(pair_log_ratio({}, {}).has_value());
  CHECK_FALSE(block_log_ratios(std::vector{1.0}, std::vector{0.0}).has_value());
  const auto extreme = block_log_ratios(std::vector{1e-300}, std::vector{1e300});
  CHECK(extreme->front() == Approx(600 * std::log(10.0)).epsilon(1e-12));
}

TEST_CASE("one wild block does not move a pair") {
  Samples a(9, {1.0, 1.0, 1.0}), b(9, {1.1, 1.1, 1.1});
  const auto before = pair_log_ratio(a, b);
  b[3] = {50, 60, 70};
  CHECK(*pair_log_ratio(a, b) == *before);
}

TEST_CASE("the ratio's interval agrees with SciPy's one-sample t interval") {
  // scipy.stats.ttest_1samp(d, 0), SciPy 1.17.1.
  const std::vector d = {0.031, 0.027, 0.035, 0.012, 0.041, 0.029};
  const auto i = ratio_interval(d);
  CHECK(i->pairs == 6);
  CHECK(i->mean_log == Approx(0.029166666666666664).epsilon(1e-14));
  CHECK(i->sd_log == Approx(0.009765585833254792).epsilon(1e-13));
  CHECK(i->ratio == Approx(std::exp(0.029166666666666664)).epsilon(1e-14));
  CHECK(std::log(i->low) == Approx(0.018918312848785764).epsilon(1e-12));
  CHECK(std::log(i->high) == Approx(0.039415020484547564).epsilon(1e-12));
  CHECK(std::log(at_confidence(*i, 0.999)->low) == Approx(0.001782140486707301).epsilon(1e-10));
  CHECK(p_value(*i) == Approx(0.0007477378727122326).epsilon(1e-11));
}

TEST_CASE("swapping the sides inverts the interval exactly") {
  const std::vector d = {0.02, -0.01, 0.05, 0.03}, minus = {-0.02, 0.01, -0.05, -0.03};
  const auto i = ratio_interval(d), j = ratio_interval(minus);
  CHECK(i->low == Approx(1 / j->high).epsilon(1e-15));
  CHECK(i->half_width_log == j->half_width_log);
}

TEST_CASE("data that support no interval give none") {
  CHECK_FALSE(ratio_interval({}).has_value());
  CHECK_FALSE(ratio_interval(std::vector{0.1}).has_value());
  CHECK_FALSE(ratio_interval(std::vector{0.1, kNaN}).has_value());
  CHECK_FALSE(ratio_interval(std::vector{0.1, 0.2}, 1.0).has_value());
  CHECK_FALSE(ratio_interval(std::vector{0.1, 0.2}, kNaN).has_value());
  CHECK_FALSE(ratio_interval(std::vector{-900.0, 900.0}).has_value());
  CHECK_FALSE(expected_half_width_log(-1, 6).has_value());
  CHECK_FALSE(expected_half_width_log(0.01, 1).has_value());
  const auto same = ratio_interval(std::vector{0.0, 0.0, 0.0});
  CHECK((same->low == 1 && same->high == 1));
}

TEST_CASE("the expected half-width is the one that such data have") {
  const auto i = ratio_interval(std::vector{0.01, 0.02, 0.04, 0.03});
  CHECK(*expected_half_width_log(i->sd_log, 4) == i->half_width_log);
}

TEST_CASE("the verdict follows the interval") {
  CHECK(judge(interval(0.10, 0.02)).verdict == Verdict::faster);
  CHECK(judge(interval(-0.10, 0.02)).verdict == Verdict::slower);
  CHECK(judge(interval(0.001, 0.010)).verdict == Verdict::equal);
  CHECK(judge(interval(0.001, 0.030)).verdict == Verdict::undecided);
  CHECK(judge(interval(0.015, 0.016)).verdict == Verdict::undecided);  // reaches +3 %
  CHECK(judge(interval(0.0051, 0.0050)).verdict == Verdict::faster);   // within 2 %, yet not 1
  CHECK(judge(interval(-0.0051, 0.0050)).verdict == Verdict::slower);
  CHECK(judge(interval(0.0049, 0.0050)).verdict == Verdict::equal);
  CHECK(judge(std::nullopt).verdict == Verdict::invalid);
  CHECK(judge(interval(0.10, 0.02, 5)).verdict == Verdict::invalid);
  CHECK(judge(interval(0.10, 0.02, 5), {.min_pairs = 4}).verdict == Verdict::faster);
}

TEST_CASE("a difference that may be below the practical threshold says so") {
  CHECK(judge(interval(0.020, 0.015)).below_practical);
  CHECK(judge(interval(-0.020, 0.015)).below_practical);
  CHECK_FALSE(judge(interval(0.030, 0.015)).below_practical);
  CHECK_FALSE(judge(interval(-0.030, 0.015)).below_practical);
  CHECK_FALSE(judge(interval(0, 0.001)).below_practical);
  CHECK(judge(interval(0.030, 0.015), {.practical = 0.05}).below_practical);
}

TEST_CASE("verdicts are spelled as in the JSON documents") {
  CHECK(name_of(Verdict::faster) == "faster");
  CHECK(name_of(Verdict::slower) == "slower");
  CHECK(name_of(Verdict::equal) == "equal");
  CHECK(name_of(Verdict::undecided) == "undecided");
  CHECK(name_of(Verdict::invalid) == "invalid");
}

TEST_CASE("stopping looks at the width and never at the place of the interval") {
  for (const double mean : {0.0, 0.05, -3.0}) {
    CHECK(settled(interval(mean, 0.0099), 0.01));
    CHECK_FALSE(settled(interval(mean, 0.0101), 0.01));
  }
  CHECK_FALSE(settled(std::nullopt, 0.01));
  CHECK_FALSE(settled(interval(0, 0.01), 0));
  CHECK_FALSE(settled(interval(0, 0.01), kNaN));
}

TEST_CASE("drift is a change between thirds beyond three half-widths, of either side") {
  const std::vector<double> steady = {1, 1.01, 1, 1.01, 1, 1.01, 1, 1.01, 1};
  const std::vector<double> rising = {1, 1.01, 1, 1.02, 1.02, 1.03, 1.05, 1.05, 1.05};
  CHECK(drifted(steady, rising, 0.01));
  CHECK(drifted(rising, steady, 0.01));
  CHECK_FALSE(drifted(steady, steady, 0.01));
  CHECK_FALSE(drifted(rising, rising, 0.02));
  CHECK_FALSE(drifted({}, std::vector{1.0, 2.0}, 0.01));
}

TEST_CASE("statistics that disagree about a direction are unstable") {
  CHECK(unstable(interval(0.05, 0.01), interval(-0.01, 0.02)));
  CHECK(unstable(interval(0.01, 0.02), interval(-0.05, 0.01)));
  CHECK_FALSE(unstable(interval(0.05, 0.01), interval(0.01, 0.02)));
  CHECK_FALSE(unstable(interval(0.01, 0.02), interval(-0.01, 0.02)));  // noise around 1
  CHECK_FALSE(unstable(std::nullopt, interval(0.05, 0.01)));
}

TEST_CASE("Holm's adjustment gives the textbook values and skips what was not tested") {
  // By hand: 4·0.005, 3·0.01, 2·0.03, then 0.04, which may not be smaller than the one before.
  const std::vector<std::optional<double>> p = {0.01, 0.04, std::nullopt, 0.03, 0.005};
  const auto adjusted = holm_adjust(p);
  CHECK(*adjusted[0] == Approx(0.03));
  CHECK(*adjusted[1] == Approx(0.06));
  CHECK_FALSE(adjusted[2].has_value());
  CHECK(*adjusted[3] == Approx(0.06));
  CHECK(*adjusted[4] == Approx(0.02));
  CHECK(*holm_adjust(std::vector<std::optional<double>>{0.9, 0.8})[0] == 1);
}

TEST_CASE("Holm's intervals exclude 1 exactly where Holm's procedure rejects") {
  for (const double margin : {0.0, 0.01}) {
    std::vector<std::optional<RatioInterval>> cases = {std::nullopt};
    for (int c = 0; c < 12; ++c) cases.push_back(interval(0.006 * c - 0.01, 0.01 + 0.001 * c));
    std::vector<std::optional<double>> p(cases.size());
    for (std::size_t c = 1; c < cases.size(); ++c) p[c] = p_value(*cases[c], margin);
    const auto adjusted_p = holm_adjust(p);
    const auto adjusted = holm_intervals(cases, 0.95, margin);
    CHECK_FALSE(adjusted[0].has_value());
    int rejected = 0;
    for (std::size_t c = 1; c < cases.size(); ++c) {
      const bool beyond = adjusted[c]->low > 1 + margin || adjusted[c]->high < 1 / (1 + margin);
      CHECK(beyond == (*adjusted_p[c] < 0.05));
      CHECK(adjusted[c]->half_width_log >= cases[c]->half_width_log);
      rejected += beyond ? 1 : 0;
    }
    CHECK((rejected > 0 && rejected < 12));  // the example shows both outcomes
  }
}

TEST_CASE("where the width decided when to stop, Holm's intervals and p values agree too") {
  // From far outside to well inside: p stays just below 5 % between the two inflations.
  const auto measured = [](double mean_log) {
    auto i = make_interval(mean_log, 0.02, 10, 0.95, std::nullopt, kSequentialInflation);
    i->inflation_beyond_95 = kSequentialInflationBeyond95;
    return i;
  };
  for (const int others : {0, 1, 19}) {
    CAPTURE(others);
    int excluded = 0, kept = 0;
    for (int step = 0; step < 400; ++step) {
      std::vector<std::optional<RatioInterval>> cases = {measured(0.0001 * step)};
      for (int i = 0; i < others; ++i) cases.push_back(measured(0));
      const bool beyond = holm_intervals(cases)[0]->low > 1;
      std::vector<std::optional<double>> p;
      for (const auto& c : cases) p.push_back(p_value(*c));
      CHECK(beyond == (*holm_adjust(p)[0] < 0.05));
      if (others == 0) CHECK(beyond == (cases[0]->low > 1));
      ++(beyond ? excluded : kept);
    }
    CHECK((excluded > 0 && kept > 0));
  }
}

TEST_CASE("an interval beyond 95 % has the inflation of its level, and comes back as it was") {
  auto at_95 = *make_interval(0.02, 0.01, 10, 0.95, std::nullopt, kSequentialInflation);
  const double as_before = at_confidence(at_95, 0.999)->half_width_log;
  at_95.inflation_beyond_95 = kSequentialInflationBeyond95;
  const auto wide = *at_confidence(at_95, 0.999);
  CHECK(wide.half_width_log ==
        Approx(as_before * kSequentialInflationBeyond95 / kSequentialInflation));
  CHECK(at_confidence(wide, 0.95)->half_width_log == at_95.half_width_log);
}

TEST_CASE("one case alone is not adjusted") {
  const std::vector<std::optional<RatioInterval>> one = {interval(0.03, 0.02)};
  CHECK(holm_intervals(one)[0]->low == Approx(one[0]->low).epsilon(1e-14));
}

TEST_CASE("a subject's time is the median over processes, with an interval from three on") {
  CHECK(*process_time(Samples{{1, 2, 3}, {5, 5}, {9}}) == 5);
  const auto two = time_summary(std::vector{1.0, 2.0});
  CHECK(two->median_s == 1.5);
  CHECK_FALSE(two->low_s.has_value());
  CHECK_FALSE(two->high_s.has_value());
  const auto four = time_summary(std::vector{0.010, 0.011, 0.009, 0.010});
  CHECK(four->processes == 4);
  CHECK(four->median_s == 0.010);
  // exp(mean -+ 3.182446 · sd / 2) of the logs, by hand.
  CHECK(*four->low_s == Approx(0.0087392).epsilon(1e-4));
  CHECK(*four->high_s == Approx(0.0113850).epsilon(1e-4));
  CHECK_FALSE(time_summary({}).has_value());
  CHECK_FALSE(time_summary(std::vector{1.0, 0.0}).has_value());
  CHECK_FALSE(time_summary(std::vector{1.0, kNaN}).has_value());
}

TEST_CASE("the interval of a time always holds the time it belongs to") {
  std::vector<double> skewed(40, 1.0);
  for (std::size_t i = 0; i < 18; ++i) skewed[i] = 3.0;
  const auto s = time_summary(skewed);
  CHECK(*s->low_s <= s->median_s);
  CHECK(s->median_s <= *s->high_s);
}
