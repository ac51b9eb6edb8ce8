#include "report/selfcheck_text.hpp"

#include "compare/runs_for_tests.hpp"
#include "report/stored_run_for_tests.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::report;
using compare::MadeUpRun;

namespace {

constexpr const char* kSubject = "torch:cpu";
constexpr const char* kTwin = "torch@again:cpu";
constexpr double kTarget = 0.01;

/// A trial of five null comparisons and an injected one; `unequal` of the nulls are 5 % apart.
store::RunData trial(int unequal) {
  MadeUpRun run("2026-01-01T00:00:00Z", {{"method_version", 3}});
  run.subject(kSubject, "2.13.0");
  for (int i = 0; i < 5; ++i) {
    const int n = 64 + i;
    run.control(n, kSubject, kTwin);
    run.measure(n, {{kSubject, 1e-3}, {kTwin, i < unequal ? 1.05e-3 : 1e-3}}, 8, 0.004);
  }
  run.control(128, kSubject, kTwin, 0.03);
  for (int round = 0; round < 8; ++round) {
    for (const auto& [name, time_s, extra] :
         {std::tuple{kSubject, 1e-3, 0}, std::tuple{kTwin, 1.03e-3, 3}})
      run.add({{"type", "block"},
               {"round", round},
               {"case", MadeUpRun::id(128)},
               {"subject", name},
               {"row", 0},
               {"calls", 100},
               {"extra_calls", extra},
               {"samples_s", {9.0, time_s * (1 + 1e-4 * round), time_s}}});
    run.add(
        {{"type", "prepared"}, {"case", MadeUpRun::id(128)}, {"subject", kTwin}, {"calls", 100}});
    run.add({{"type", "slot"},
             {"round", round},
             {"case", MadeUpRun::id(128)},
             {"subjects", {kSubject, kTwin}}});
  }
  return run.data();
}

SelfcheckReport report_of(int unequal) {
  constexpr int kAll = 1000;
  const auto comparisons = compare::comparisons_of(trial(unequal));
  return {.result = compare::summarize(comparisons, kAll),
          .target = kTarget,
          .duration_s = 61,
          .journals = {"results/selfcheck/1.jsonl"},
          .regrouped = false};
}

}  // namespace

TEST_CASE("golden: a self-check without and with alarm") {
  const auto calm = to_text(report_of(0)), alarm = to_text(report_of(5));
  check_golden("selfcheck.txt", calm);
  check_golden("selfcheck-alarm.txt", alarm);
}

TEST_CASE("golden: a self-check from stored journals") {
  constexpr int kAll = 1000, kDraws = 200;
  auto report = report_of(0);
  report.duration_s = 0;
  report.regrouped = true;
  report.regrouping = compare::summarize(
      compare::regroup(compare::comparisons_of(trial(0)), kDraws, kTarget, 1), kAll);
  const auto text = to_text(report);
  check_golden("selfcheck-journal.txt", text);
}
