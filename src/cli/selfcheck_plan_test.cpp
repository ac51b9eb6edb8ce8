#include "cli/selfcheck_plan.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

using namespace mlbench;
using namespace mlbench::cli;

namespace {

/// How long the candidates take where a call costs 2 us and `flop_per_s` are done.
plan::Estimates estimates_of(const std::string& subject, double flop_per_s) {
  plan::Estimates estimates;
  for (const auto& c : selfcheck_candidates().candidates)
    estimates[c.id][subject].call_s = 2e-6 + workload::work_of(c).flop / flop_per_s;
  return estimates;
}

struct Machine {
  std::vector<SelfcheckCases> cases;
  std::int64_t serial = 0;

  void add(const std::string& subject, double flop_per_s, const std::vector<double>& changes) {
    cases.push_back(selfcheck_cases(subject, estimates_of(subject, flop_per_s), changes, serial));
  }
};

/// A GPU and a CPU with one thread, as `mlbench selfcheck` finds them on a Mac.
Machine mac(const std::vector<double>& changes) {
  Machine m;
  m.add("torch:mps", 5e12, changes);
  m.add("torch@1thread:cpu", 5e10, changes);
  return m;
}

}  // namespace

TEST_CASE("work is added to samples of about 1 and of about 20 ms, whatever the share") {
  for (const double change : {0.01, 0.03, 0.05, 0.5}) {
    CAPTURE(change);
    const double flop_per_s = 5e11;
    Machine m;
    m.add("torch:cpu", flop_per_s, {change});
    const auto calls = std::lround(1 / change);
    int short_ones = 0, long_ones = 0;
    REQUIRE(m.cases[0].injected.size() == 1);
    for (const auto& c : m.cases[0].injected[0].cases) {
      const double sample_s =
          static_cast<double>(calls) * (2e-6 + workload::work_of(c).flop / flop_per_s);
      short_ones += sample_s > 0.5e-3 && sample_s < 2e-3 ? 1 : 0;
      long_ones += sample_s > 10e-3 && sample_s < 40e-3 ? 1 : 0;
    }
    CHECK(short_ones == 3);
    CHECK(long_ones == 3);
  }
}

TEST_CASE("a trial holds every device and both lengths, and no case twice") {
  const auto m = mac({0.03, 0.05});
  for (const bool nulls : {true, false}) {
    CAPTURE(nulls);
    const auto controls = controls_of_trial(m.cases, 0.05, nulls);
    CHECK(controls.size() == (nulls ? 2 * (6 + 2) : 2 * 6));
    std::set<std::string> ids, subjects;
    for (const auto& c : controls) {
      ids.insert(c.definition.id);
      subjects.insert(c.subject);
      CHECK((c.extra_work == 0 || c.extra_work == 0.05));
    }
    CHECK(ids.size() == controls.size());
    CHECK(subjects.size() == 2);
  }
}

TEST_CASE("the first comparisons of a trial are spread over all subjects") {
  const auto m = mac({});
  const auto controls = controls_of_trial(m.cases, 0, true);
  REQUIRE(controls.size() == 12);
  for (std::size_t i = 0; i < controls.size(); ++i)
    CHECK(controls[i].subject == (i % 2 == 0 ? "torch:mps" : "torch@1thread:cpu"));
}

TEST_CASE("a subject that is too slow for 20 ms is checked at what it can do") {
  Machine m;
  m.add("mlx:cpu", 2e7, {0.03});  // 64 x 64 takes 26 ms
  REQUIRE_FALSE(m.cases[0].nulls.empty());
  CHECK(controls_of_trial(m.cases, 0.03, true).size() == 5 + 2);
  m.add("nothing:cpu", 1, {});
  plan::Estimates none;
  CHECK(selfcheck_cases("nothing:cpu", none, {0.03}, m.serial).nulls.empty());
}
