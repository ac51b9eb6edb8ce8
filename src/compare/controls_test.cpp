#include "compare/controls.hpp"

#include "compare/runs_for_tests.hpp"
#include "compare/selfcheck.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace mlbench;
using namespace mlbench::compare;

namespace {

const char* const kCase = "gemm/float32/96";

/// A run of one control: `ratios[p]` is time of the second process / time of the first in round p.
store::RunData control_run(double extra_work, const std::vector<double>& ratios,
                           int method_version = 3, const Json& more = Json::object()) {
  store::RunData run;
  const auto add = [&](const Json& line) { REQUIRE(run.add(line)); };
  Json header = {
      {"type", "run"}, {"schema", "mlbench.journal/1"}, {"method_version", method_version}};
  header.update(more);
  add(header);
  add({{"type", "subject"}, {"subject", "torch:cpu"}, {"framework", "torch"}, {"device", "cpu"}});
  add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "torch@again:cpu"}, {"control", true}});
  add({{"type", "case"},
       {"case", kCase},
       {"workload", "gemm"},
       {"dtype", "float32"},
       {"control", {{"subject", "torch:cpu"}, {"extra_work", extra_work}}}});
  const int calls = 100, extra = static_cast<int>(std::lround(calls * extra_work));
  for (const char* subject : {"torch:cpu", "torch@again:cpu"})
    add({{"type", "prepared"}, {"case", kCase}, {"subject", subject}, {"calls", calls}});
  for (std::size_t p = 0; p < ratios.size(); ++p) {
    const auto round = static_cast<int>(p);
    for (const bool second : {false, true}) {
      Json block = {{"type", "block"},
                    {"round", round},
                    {"row", 0},
                    {"case", kCase},
                    {"subject", second ? "torch@again:cpu" : "torch:cpu"},
                    {"samples_s", {9.0, second ? ratios[p] : 1.0}}};
      if (second && extra > 0) block["extra_calls"] = extra;
      add(block);
    }
    add({{"type", "slot"},
         {"round", round},
         {"case", kCase},
         {"subjects", {"torch:cpu", "torch@again:cpu"}},
         {"duration_s", 0.5}});
  }
  return run;
}

/// Eight ratios around `centre` with a standard deviation of about `spread`.
std::vector<double> around(double centre, double spread) {
  std::vector<double> ratios;
  for (const double step : {-1.2, 0.3, 0.9, -0.4, 1.3, -0.8, 0.6, -0.7})
    ratios.push_back(centre * std::exp(spread * step));
  return ratios;
}

Control only_control(const store::RunData& run) {
  const auto controls = controls_of(run);
  REQUIRE(controls.size() == 1);
  return controls.front();
}

}  // namespace

TEST_CASE("a null control fails only when its 99.9 % interval excludes 1") {
  CHECK(only_control(control_run(0, around(1, 0.01))).outcome == ControlOutcome::equal);
  // Off by what a 95 % interval excludes and a 99.9 % interval does not.
  const auto slightly = only_control(control_run(0, around(1.012, 0.01)));
  CHECK(slightly.verdict.judgement.verdict == stats::Verdict::faster);
  CHECK(slightly.outcome == ControlOutcome::equal);
  CHECK(in_words(slightly).starts_with("no difference shown (1.01"));
  const auto off = control_run(0, around(1.05, 0.01));
  CHECK(only_control(off).outcome == ControlOutcome::different);
  CHECK_FALSE(trusted(controls_of(off)));
  CHECK(in_words(only_control(off)).starts_with("DIFFERENT (1.05"));
}

TEST_CASE("a null control too wide to see anything is not called equal") {
  CHECK(in_words(only_control(control_run(0, around(1, 0.01)))) == "equal");
  CHECK(
      in_words(only_control(control_run(0, around(1, 0.5)))).starts_with("no difference shown ("));
}

TEST_CASE("a positive control is found, missed, or not decided where the machine is too noisy") {
  const auto found = only_control(control_run(0.05, around(1.05, 0.01)));
  CHECK(found.positive);
  CHECK(found.verdict.true_ratio == doctest::Approx(1.05));
  CHECK(found.outcome == ControlOutcome::found);
  const auto missed = control_run(0.05, around(1.0, 0.01));
  CHECK(only_control(missed).outcome == ControlOutcome::missed);
  CHECK_FALSE(trusted(controls_of(missed)));
  const auto noisy = control_run(0.05, around(1.0, 0.05));
  CHECK(only_control(noisy).outcome == ControlOutcome::undecided);
  CHECK(trusted(controls_of(noisy)));
  CHECK(only_control(control_run(0.05, around(0.9, 0.05))).outcome == ControlOutcome::missed);
}

TEST_CASE("a control of fewer than six pairs was not tested") {
  const auto control = only_control(control_run(0, {1, 1.01, 0.99}));
  CHECK(control.outcome == ControlOutcome::not_tested);
  CHECK(in_words(control) == "not tested (3 process pairs, 6 are needed)");
}

namespace {

/// Cases on two devices, of which only the CPU has a control: its second process takes `twin_s`.
MadeUpRun run_with_control(double twin_s) {
  MadeUpRun run("1", {{"method_version", 3}});
  for (const char* subject : {"torch:cpu", "mlx:cpu", "torch:mps", "mlx:gpu"})
    run.subject(subject, "1.0");
  run.control(32, "torch:cpu", "torch@again:cpu");
  run.measure(32, {{"torch:cpu", 1e-3}, {"torch@again:cpu", twin_s}}, 8, 0.004);
  run.add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "mlx:cpu"}});
  run.add({{"type", "pair"}, {"a", "torch:mps"}, {"b", "mlx:gpu"}});
  run.gemm(64).measure(64, {{"torch:cpu", 1e-3}, {"mlx:cpu", 1.2e-3}}, 8, 0.004);
  run.gemm(65).measure(65, {{"torch:mps", 1e-3}, {"mlx:gpu", 1.2e-3}}, 8, 0.004);
  run.gemm(66).measure(66, {{"torch:cpu", 1e-3}, {"mlx:cpu", 1.2e-3}}, 3, 0.004);
  return run;
}

}  // namespace

TEST_CASE("a failed control takes all verdicts of its run away, and no number") {
  const auto good = verdicts_of(run_with_control(1e-3).data());
  const auto bad = verdicts_of(run_with_control(1.1e-3).data());
  REQUIRE(good.size() == 4);
  REQUIRE(bad.size() == 4);
  CHECK(bad[0].control);
  CHECK(bad[0].judgement.verdict == stats::Verdict::faster);  // the evidence stays
  for (const std::size_t i : {1U, 2U}) {                      // on the CPU, and on the GPU
    CHECK(good[i].judgement.verdict == stats::Verdict::faster);
    CHECK_FALSE(good[i].withheld);
    CHECK(bad[i].judgement.verdict == stats::Verdict::invalid);
    CHECK(bad[i].withheld);
    CHECK(bad[i].reason == kControlFailed);
    CHECK(bad[i].interval->low == good[i].interval->low);
    CHECK(sentence(bad[i], "PyTorch", "MLX")
              .starts_with("no verdict: a control of this run failed; time of MLX / time of "
                           "PyTorch was 1.20 (95 % range 1."));
  }
  CHECK(bad[3].reason == "3 process pairs, 6 are needed");  // which repeating alone does not cure
  CHECK_FALSE(bad[3].withheld);
}

TEST_CASE("intervals of runs that stopped by the old rule are shown as they were") {
  const auto v = verdicts_of(control_run(0, around(1, 0.01), 2)).front();
  const auto widened = verdicts_of(control_run(0, around(1, 0.01), 3)).front();
  CHECK(v.interval->inflation == 1);
  CHECK(widened.interval->half_width_log ==
        doctest::Approx(stats::kSequentialInflation * v.interval->half_width_log));
}

TEST_CASE("a null control's 99.9 % interval is as wide as its run says, and 95 % is not touched") {
  const auto of = [](const Json& header) {
    return only_control(control_run(0, around(1, 0.01), 4, header));
  };
  const auto before = of(Json::object()), now = of({{"inflation_beyond_95", 1.16}});
  CHECK(now.wide->half_width_log == doctest::Approx(before.wide->half_width_log * 1.16 / 1.13));
  CHECK(now.verdict.interval->half_width_log == before.verdict.interval->half_width_log);
  for (const double nonsense : {0.0, -1.0, 1e300})
    CHECK(of({{"inflation_beyond_95", nonsense}}).wide->high == before.wide->high);
}

TEST_CASE("a self-check counts false verdicts, what was found, and what the intervals hold") {
  std::vector<SelfComparison> comparisons;
  const auto add = [&](double extra, double centre) {
    for (auto& c : comparisons_of(control_run(extra, around(centre, 0.01))))
      comparisons.push_back(std::move(c));
  };
  for (int i = 0; i < 18; ++i) add(0, 1);
  add(0, 1.05);
  add(0, 0.95);
  for (int i = 0; i < 9; ++i) add(0.03, 1.03);
  add(0.03, 1.0);
  const auto result = summarize(comparisons, 20);
  CHECK(result.comparisons == 20);
  CHECK(result.false_verdicts == 2);
  CHECK(result.alarm_from == 5);
  CHECK_FALSE(result.alarm());
  CHECK(result.intervals == 30);
  CHECK(result.covered == 27);
  REQUIRE(result.injected.size() == 1);
  CHECK(result.injected[0].all.trials == 10);
  CHECK(result.injected[0].all.found == 9);
  CHECK(result.injected[0].all.wrong == 0);
  REQUIRE(result.groups.size() == 1);
  CHECK(result.groups[0].name == "torch:cpu, about 20 ms");
  CHECK(result.groups[0].seconds_a_pair == doctest::Approx(0.5));
  CHECK(result.groups[0].sd_log == doctest::Approx(0.0094).epsilon(0.05));
  // 120 pairs of half a second would fit into 60 s, and a run makes no more than 30.
  const auto of_30 = stats::expected_half_width_log(result.groups[0].sd_log, 30, 0.95,
                                                    stats::kSequentialInflation);
  CHECK(result.groups[0].width_60_s.value_or(0) == doctest::Approx(std::expm1(*of_30)));

  for (int i = 0; i < 3; ++i) add(0, 1.05);
  CHECK(summarize(comparisons, 1000).alarm());  // 5 of 23
  CHECK(summarize(comparisons, 20).comparisons == 20);
}

TEST_CASE("regrouping keeps the promise even where every stored pair leans to one side") {
  // Label flips make the null exact: a pool that is off by 1 % in all pairs is noise of 1 % then.
  std::vector<SelfComparison> comparisons;
  for (int i = 0; i < 4; ++i) {
    for (auto& c : comparisons_of(control_run(0, around(1.01, 0.01))))
      comparisons.push_back(std::move(c));
  }
  const auto drawn = regroup(comparisons, 2000, 0.01, 1);
  REQUIRE(drawn.size() == 2000);
  const auto result = summarize(drawn, 2000);
  CHECK(result.false_verdicts < 120);
  CHECK(regroup({}, 100, 0.01, 1).empty());
}
