#include "compare/as_used.hpp"

#include "compare/lines_for_tests.hpp"

#include <cmath>

using namespace mlbench;
using namespace mlbench::compare;

namespace {

const std::string kAlone = std::string(kCase) + "/alone";

/// Rounds in which a and b take their seconds a call together, and others alone.
struct Times {
  double a, b, a_alone, b_alone;
};

Lines both_ways(const std::vector<Times>& rounds) {
  Lines lines;
  lines.subject("a");
  lines.subject("b");
  lines.pair("a", "b");
  lines.gemm();
  lines.add({{"type", "case"},
             {"case", kAlone},
             {"workload", "gemm"},
             {"dtype", "float32"},
             {"alternating", true},
             {"variant", {{"alone", true}}}});
  for (int round = 0; round < static_cast<int>(rounds.size()); ++round) {
    const auto& t = rounds[static_cast<std::size_t>(round)];
    lines.round(round, t.a, t.b);
    for (const auto& [subject, seconds] : {std::pair{"a", t.a_alone}, std::pair{"b", t.b_alone}}) {
      lines.block(round, 0, subject, {seconds}, kAlone.c_str());
      lines.slot(round, {subject}, kAlone.c_str());
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("what a gains alone is the ratio of the two ratios, round by round") {
  std::vector<Times> rounds;
  for (int i = 0; i < 6; ++i) {
    const double noise = 1 + 0.01 * i;  // of the whole round, so it is in no ratio
    rounds.push_back({.a = 2 * noise, .b = 3 * noise, .a_alone = noise, .b_alone = 1.8 * noise});
  }
  const auto found = as_used_of(both_ways(rounds).data());
  REQUIRE(found.size() == 1);
  CHECK(found[0].case_id == kCase);
  CHECK(found[0].together.interval->ratio == doctest::Approx(1.5));
  CHECK(found[0].alone.interval->ratio == doctest::Approx(1.8));
  REQUIRE(found[0].change);
  CHECK(found[0].change->ratio == doctest::Approx(1.2));
  CHECK(found[0].differs());
  // Its blocks cannot be interleaved, which is what is asked for and no doubt.
  for (const auto& flag : found[0].alone.flags) CHECK(flag != "not_interleaved");
}

TEST_CASE("two ways that agree, or that few rounds have, are not said to differ") {
  std::vector<Times> rounds;
  for (int i = 0; i < 6; ++i)
    rounds.push_back({.a = 2, .b = 3, .a_alone = 1, .b_alone = i % 2 == 0 ? 1.45 : 1.55});
  auto found = as_used_of(both_ways(rounds).data());
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].change);
  CHECK_FALSE(found[0].differs());

  rounds.pop_back();
  found = as_used_of(both_ways(rounds).data());
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].change);
  CHECK_FALSE(found[0].differs());
}

TEST_CASE("a change of less than 1 % matters to nobody") {
  const std::vector<Times> rounds(6, {.a = 2, .b = 3, .a_alone = 2, .b_alone = 3.01});
  const auto found = as_used_of(both_ways(rounds).data());
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].differs());
}

TEST_CASE("where a control of the run failed, the two ways are not set beside each other") {
  auto lines = both_ways(std::vector<Times>(6, {.a = 2, .b = 3, .a_alone = 1, .b_alone = 1.8}));
  CHECK(as_used_of(lines.data()).size() == 1);
  lines.pair("a", "a@again", true);
  lines.add({{"type", "case"},
             {"case", "gemm/float32/96"},
             {"workload", "gemm"},
             {"dtype", "float32"},
             {"control", {{"subject", "a"}, {"extra_work", 0}}}});
  for (int round = 0; round < 6; ++round) {
    lines.block(round, 0, "a", {1e-3}, "gemm/float32/96");
    lines.block(round, 0, "a@again", {2e-3 + 1e-6 * round}, "gemm/float32/96");
    lines.slot(round, {"a", "a@again"}, "gemm/float32/96");
  }
  CHECK(as_used_of(lines.data()).empty());
}
