#include "compare/stopping.hpp"

#include "compare/runs_for_tests.hpp"
#include "compare/verdicts.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mlbench;
using namespace mlbench::compare;

namespace {

/// A run of two cases that asks for ±1 % from 6 to 10 rounds. The first is narrow or wide; the
/// second goes on for all of `run_rounds`.
MadeUpRun run_of(int rounds, double spread, int run_rounds, const char* ending,
                 const Json& settings = Json::object()) {
  Json all = {{"target", 0.01}, {"min_rounds", 6}, {"max_rounds", 10}};
  all.update(settings);
  MadeUpRun run("1", {{"settings", all}, {"method_version", 3}});
  run.subject("torch:cpu", "1").subject("mlx:cpu", "1").gemm(64).gemm(65);
  run.add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "mlx:cpu"}});
  run.measure(64, {{"torch:cpu", 1e-3}, {"mlx:cpu", 1.2e-3}}, rounds, spread);
  run.measure(65, {{"torch:cpu", 1e-3}, {"mlx:cpu", 1.2e-3}}, run_rounds, 0.2);
  for (int round = 0; round < run_rounds; ++round) run.add({{"type", "round"}, {"round", round}});
  if (*ending != '\0') run.add({{"type", "end"}, {"ending", ending}});
  return run;
}

std::string reason_of(const MadeUpRun& run) {
  const auto verdicts = verdicts_of(run.data());
  REQUIRE(!verdicts.empty());
  const auto& reason = verdicts.front().stop_reason;
  return reason ? std::string(name_of(*reason)) : "";
}

constexpr double kNarrow = 1e-3, kWide = 0.1;

}  // namespace

TEST_CASE("why a case was measured no longer follows from its journal") {
  CHECK(reason_of(run_of(6, kNarrow, 8, "finished")) == "settled");
  CHECK(reason_of(run_of(6, kNarrow, 8, "")) == "settled");  // whatever comes after
  CHECK(reason_of(run_of(10, kWide, 10, "finished")) == "most_rounds");
  CHECK(reason_of(run_of(7, kWide, 9, "finished")) == "case_time_spent");
  CHECK(reason_of(run_of(7, kWide, 9, "budget_spent")) == "case_time_spent");
  CHECK(reason_of(run_of(9, kWide, 9, "budget_spent")) == "budget_spent");
  CHECK(reason_of(run_of(9, kWide, 9, "interrupted")) == "interrupted");
  CHECK(reason_of(run_of(7, kWide, 9, "interrupted")) == "case_time_spent");
}

TEST_CASE("narrow, but of fewer pairs than a verdict needs, is not settled") {
  CHECK(reason_of(run_of(4, kNarrow, 4, "budget_spent")) == "budget_spent");
}

TEST_CASE("where cases share the run's time none stops for its own") {
  const Json shared = {{"share_budget", true}};
  CHECK(reason_of(run_of(7, kWide, 9, "budget_spent", shared)) == "budget_spent");
  CHECK(reason_of(run_of(12, kWide, 12, "budget_spent", shared)) == "budget_spent");
  CHECK(reason_of(run_of(7, kWide, 9, "interrupted", shared)) == "interrupted");
  CHECK(reason_of(run_of(kMostRounds, kWide, kMostRounds, "finished", shared)) == "most_rounds");
}

TEST_CASE("a side that dropped out ended the pair") {
  auto run = run_of(7, kWide, 9, "finished");
  run.outcome(64, "mlx:cpu", "crashed", "SIGSEGV");
  CHECK(reason_of(run) == "side_failed");
}

TEST_CASE("what a journal does not tell is not made up") {
  CHECK(reason_of(run_of(7, kWide, 9, "")).empty());  // it goes on, or was killed
  MadeUpRun old("1");                                 // without a target and a number of rounds
  old.subject("torch:cpu", "1").subject("mlx:cpu", "1").gemm(64);
  old.add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "mlx:cpu"}});
  old.measure(64, {{"torch:cpu", 1e-3}, {"mlx:cpu", 1.2e-3}}, 8);
  old.add({{"type", "end"}, {"ending", "finished"}});
  CHECK(reason_of(old).empty());
  CHECK_FALSE(verdicts_of(old.data()).front().target);
}

TEST_CASE("controls may be settled at a wider target") {
  auto run = run_of(6, kNarrow, 6, "finished", {{"control_target", 0.02}});
  CHECK(target_of(run.data(), run.data().cases.front()) == 0.01);
  run.control(32, "torch:cpu", "torch@again:cpu");
  CHECK(target_of(run.data(), run.data().cases.back()) == 0.02);
  CHECK(target_of(0.03, 0.02, true) == 0.03);
}
