#include "run/budget.hpp"

#include "compare/runs_for_tests.hpp"
#include "run/runner.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using compare::MadeUpRun;

namespace {

using Chosen = std::vector<bool>;

/// Two subjects on one case, declared as a pair, with so many rounds of both.
MadeUpRun pair_of(int rounds) {
  MadeUpRun run("1");
  run.subject("torch:cpu", "2.13.0").subject("mlx:cpu", "0.32.4").gemm(64);
  run.add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "mlx:cpu"}, {"control", false}});
  run.measure(64, {{"torch:cpu", 1e-3}, {"mlx:cpu", 1.2e-3}}, rounds);
  return run;
}

bool settled(const MadeUpRun& run, double target = 0.03) {
  return run::pairs_are_settled(run.data(), run.data().cases.front(), target, 6);
}

}  // namespace

TEST_CASE("rounds get the rest of the budget, and half of it where the first ones spent it") {
  CHECK(run::time_left_s(300, 100) == 200);
  CHECK(run::time_left_s(300, 200) == 150);
  CHECK(run::time_left_s(300, 390) == 150);
}

TEST_CASE("a case is settled by its pairs, not by its rounds") {
  CHECK(settled(pair_of(6)));
  CHECK_FALSE(settled(pair_of(6), 1e-6));
  auto run = pair_of(4);  // narrow, but of four pairs
  for (const int round : {4, 5}) {
    run.add({{"type", "block"},
             {"round", round},
             {"case", MadeUpRun::id(64)},
             {"subject", "torch:cpu"},
             {"row", 0},
             {"samples_s", {9.0, 1e-3, 1e-3}}});
    run.add({{"type", "slot"},
             {"round", round},
             {"case", MadeUpRun::id(64)},
             {"subjects", {"torch:cpu"}}});  // the other did not start
  }
  CHECK(run.data().rounds_of(MadeUpRun::id(64)).size() == 6);
  CHECK_FALSE(settled(run));
}

TEST_CASE("a side that failed or is given up holds no case open") {
  auto failed = pair_of(4);
  failed.outcome(64, "mlx:cpu", "crashed", "signal 11");
  CHECK(settled(failed));
  auto gone = pair_of(4);
  gone.add({{"type", "subject"},
            {"subject", "mlx:cpu"},
            {"framework", "mlx"},
            {"device", "cpu"},
            {"status", "failed"},
            {"reason", "did not start"}});
  CHECK(settled(gone));
}

TEST_CASE("what has time of its own comes first") {
  const std::vector<run::CaseNeed> needs = {
      {.settled = true}, {.own_spent = true, .last_slot_s = 1}, {.last_slot_s = 100}};
  CHECK(run::cases_of_round(needs, 1000, true) == Chosen{false, false, true});
  CHECK(run::cases_of_round(needs, 0, true) == Chosen{false, false, true});
}

TEST_CASE("time that nobody else needs goes to what is not settled, where it is to be shared") {
  const std::vector<run::CaseNeed> needs = {{.settled = true, .last_slot_s = 1},
                                            {.own_spent = true, .last_slot_s = 3},
                                            {.own_spent = true, .last_slot_s = 8},
                                            {.own_spent = true, .at_most = true}};
  CHECK(run::cases_of_round(needs, 60, false) == Chosen(4, false));
  CHECK(run::cases_of_round(needs, 60, true) == Chosen{false, true, true, false});
  CHECK(run::cases_of_round(needs, 10, true) == Chosen{false, true, false, false});
  CHECK(run::cases_of_round(needs, 2, true) == Chosen(4, false));
}
