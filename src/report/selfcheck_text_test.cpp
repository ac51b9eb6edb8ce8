#include "report/selfcheck_text.hpp"

#include "compare/runs_for_tests.hpp"
#include "report/stored_run_for_tests.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::report;
using compare::MadeUpRun;

namespace {

constexpr double kTarget = 0.01;

struct Sides {
  const char *subject, *twin;
};
constexpr Sides kTorch = {"torch:cpu", "torch@again:cpu"}, kMlx = {"mlx:cpu", "mlx@again:cpu"};

/// Eight rounds in which `sides` compute a product of n, `calls` a sample of `call_s` each, and the
/// twin `extra` calls more. `spread`: how much longer the rounds take one after the other.
void inject(MadeUpRun& run, int n, const Sides& sides, double call_s, int calls, int extra,
            double spread) {
  run.control(n, sides.subject, sides.twin, 0.03);
  for (const auto* name : {sides.subject, sides.twin}) {
    run.add(
        {{"type", "prepared"}, {"case", MadeUpRun::id(n)}, {"subject", name}, {"calls", calls}});
  }
  for (int round = 0; round < 8; ++round) {
    for (const auto* name : {sides.subject, sides.twin}) {
      const bool twin = name == sides.twin;
      const double noise = 1 + (twin ? -1 : 1) * spread * (round - 3.5);
      const double time_s = call_s * noise * (twin ? 1.0 + 1.0 * extra / calls : 1.0);
      run.add({{"type", "block"},
               {"round", round},
               {"case", MadeUpRun::id(n)},
               {"subject", name},
               {"row", 0},
               {"calls", calls},
               {"extra_calls", twin ? extra : 0},
               {"samples_s", {9.0, time_s, time_s}}});
    }
    run.add({{"type", "slot"},
             {"round", round},
             {"case", MadeUpRun::id(n)},
             {"subjects", {sides.subject, sides.twin}},
             {"duration_s", 0.5}});
  }
}

/// A trial of five null comparisons, and injected ones of both lengths on two subjects; `unequal`
/// of the nulls are 5 % apart. MLX's product of 20 ms varies too much to find 3 %.
store::RunData trial(int unequal) {
  MadeUpRun run("2026-01-01T00:00:00Z", {{"method_version", 3}});
  run.subject(kTorch.subject, "2.13.0").subject(kMlx.subject, "0.32.4");
  for (int i = 0; i < 5; ++i) {
    const int n = 64 + i;
    run.control(n, kTorch.subject, kTorch.twin);
    run.measure(n, {{kTorch.subject, 1e-3}, {kTorch.twin, i < unequal ? 1.05e-3 : 1e-3}}, 8, 0.004);
  }
  run.add({{"type", "pair"}, {"a", kMlx.subject}, {"b", kMlx.twin}, {"control", true}});
  inject(run, 128, kTorch, 3e-5, 33, 1, 1e-4);
  inject(run, 256, kTorch, 6e-4, 33, 1, 1e-4);
  inject(run, 129, kMlx, 3e-5, 33, 1, 1e-4);
  inject(run, 257, kMlx, 6e-4, 33, 1, 1e-2);
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
  check_golden("selfcheck.json", rounded_numbers(to_json(report_of(0))).dump(1) + "\n");
}

TEST_CASE("what is found at 1 ms says nothing of 20 ms: power is told for each") {
  const auto result = report_of(0).result;
  REQUIRE(result.injected.size() == 1);
  const auto& i = result.injected[0];
  CHECK(i.all.trials == 4);
  CHECK(i.all.found == 3);
  REQUIRE(i.groups.size() == 4);
  CHECK(i.groups[1].name == "mlx:cpu, about 20 ms");
  CHECK(i.groups[1].found == 0);
  REQUIRE(i.totals.size() == 2);
  CHECK(i.totals[0].name == "all on cpu, about 1 ms");
  CHECK(i.totals[0].found == 2);
  CHECK(i.totals[0].sample_s == doctest::Approx(33 * 3e-5).epsilon(0.01));
  CHECK(i.totals[1].found == 1);
  CHECK(i.totals[1].sample_s == doctest::Approx(33 * 6e-4).epsilon(0.05));
  CHECK(result.totals.empty());  // nulls of one group need no sum
}

TEST_CASE("a self-check of a rehearsal says first that nothing was measured") {
  auto report = report_of(0);
  CHECK(to_json(report)["rehearsal"].is_null());
  report.rehearsal = "M5 10-core, 24 GB";
  CHECK(to_text(report).starts_with("REHEARSAL of M5 10-core, 24 GB"));
  CHECK(to_json(report)["rehearsal"] == "M5 10-core, 24 GB");
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
