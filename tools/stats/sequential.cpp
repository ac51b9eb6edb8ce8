// Simulates the rule of docs/statistics.md, "When measuring stops": pairs of identical programs are
// added until the 95 % interval is narrow enough. Prints, for each true spread, how often intervals
// at 95 to 99.9 % miss the truth, and how often Holm's procedure over 20 such cases finds anything.
//
//   mlbench-sequential [runs a point, default 1000000]     about 3 minutes on one core
#include "stats/holm.hpp"
#include "stats/random_for_tests.hpp"
#include "stats/sequential_for_tests.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <numbers>

namespace {

using namespace mlbench::stats;

constexpr std::array kLevels = {0.95, 0.975, 0.99, 0.9975, 0.999};
constexpr int kCases = 20;

/// By what intervals are wider than Student's; the stop rule looks at those at 95 %.
struct Rule {
  double at_95 = 1, beyond_95 = 1;
};

struct Widths {
  std::vector<double> stop;
  std::vector<std::vector<double>> at;  ///< By level.

  Widths(int most, const Rule& rule) : stop(widths_of_one_sd(most, kLevels[0], rule.at_95)) {
    for (const double level : kLevels)
      at.push_back(widths_of_one_sd(most, level, level > 0.95 ? rule.beyond_95 : rule.at_95));
  }
};

/// Worst share of misses at each level so far, over what is promised.
using Worst = std::array<double, kLevels.size()>;

template <class Draw>
void print_misses(const char* tails, double spread, const Widths& widths, int runs, Worst& worst,
                  Draw draw) {
  std::array<int, kLevels.size()> missed{};
  double pairs = 0;
  for (int run = 0; run < runs; ++run) {
    const auto s = measure_until_narrow(widths.stop, draw);
    pairs += s.pairs;
    for (std::size_t l = 0; l < kLevels.size(); ++l) missed[l] += misses(s, widths.at[l]) ? 1 : 0;
  }
  std::printf("%4zu  %-6s  %4.2f  %5.1f ", widths.stop.size() - 1, tails, spread, pairs / runs);
  for (std::size_t l = 0; l < kLevels.size(); ++l) {
    const double share = static_cast<double>(missed[l]) / runs;
    worst[l] = std::max(worst[l], share / (1 - kLevels[l]));
    std::printf("  %7.4f", 100 * share);
  }
  std::printf("\n");
  std::fflush(stdout);
}

void print_worst(const Worst& worst) {
  std::printf("%-26s", "worst / promised");
  for (const double w : worst) std::printf("  %7.3f", w);
  std::printf("\n");
}

/// Share of `families` of 20 identical pairs in which Holm's procedure finds a difference.
template <class Spread>
double any_found(int families, int most, const Rule& rule, std::uint64_t seed, Spread spread_of) {
  Random random(seed);
  const auto stop = widths_of_one_sd(most, 0.95, rule.at_95);
  int found = 0;
  for (int family = 0; family < families; ++family) {
    std::vector<std::optional<RatioInterval>> cases;
    for (int c = 0; c < kCases; ++c) {
      const double spread = spread_of(c);
      const auto s = measure_until_narrow(stop, [&] { return spread * random.normal(); });
      cases.push_back(interval_of(s, rule.at_95, rule.beyond_95));
    }
    const auto adjusted = holm_intervals(cases);
    found += std::any_of(adjusted.begin(), adjusted.end(),
                         [](const auto& i) { return i->low > 1 || i->high < 1; })
                 ? 1
                 : 0;
  }
  return static_cast<double>(found) / families;
}

void print_single(int runs, const Rule& rule) {
  std::printf("misses in %% of %d runs, wider by %.2f, beyond 95 %% by %.2f\n", runs, rule.at_95,
              rule.beyond_95);
  std::printf("%4s  %-6s  %4s  %5s ", "most", "tails", "sd", "pairs");
  for (const double level : kLevels) std::printf("  %5.4g %%", 100 * level);
  std::printf("\n");
  Worst normal{}, heavy{};
  std::uint64_t seed = 1;
  for (const int most : {20, 30, 60, 200}) {
    const Widths widths(most, rule);
    for (const double spread : {0.4, 1.15, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.4, 5.0}) {
      Random random(++seed);
      print_misses("normal", spread, widths, most > 60 ? runs / 4 : runs, normal,
                   [&] { return spread * random.normal(); });
    }
    for (const double spread : {1.8, 2.5, 3.4}) {
      Random random(++seed);
      print_misses("t(3)", spread, widths, runs / 4, heavy,
                   [&] { return spread / std::numbers::sqrt3 * random.student_3(); });
    }
  }
  print_worst(normal);
  std::printf("%-26s", "the same, t(3)");
  for (const double w : heavy) std::printf("  %7.3f", w);
  std::printf("\n\n");
}

void print_families(int families, const Rule& rule) {
  std::printf("any difference found among %d equal cases by Holm's procedure, %% of %d families\n",
              kCases, families);
  constexpr std::array kSpreads = {1.0, 1.6, 2.0, 2.5, 3.4};
  for (const int most : {30, 200}) {
    for (const double spread : kSpreads)
      std::printf("most %3d, sd %.2f         %.2f\n", most, spread,
                  100 * any_found(families, most, rule, 7, [&](int) { return spread; }));
    std::printf("most %3d, sd of each kind %.2f\n", most,
                100 * any_found(families, most, rule, 8, [&](int c) {
                  return kSpreads[static_cast<std::size_t>(c) % kSpreads.size()];
                }));
    std::fflush(stdout);
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::atoi(argv[1]) : 1000000;
  if (runs < 1000) {
    std::fprintf(stderr, "mlbench-sequential: runs a point must be 1000 or more\n");
    return 2;
  }
  for (const Rule& rule : {Rule{}, Rule{kSequentialInflation, kSequentialInflation},
                           Rule{kSequentialInflation, kSequentialInflationBeyond95}}) {
    print_single(runs, rule);
    print_families(runs / 50, rule);
  }
  return 0;
}
