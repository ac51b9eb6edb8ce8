#include "compare/setup.hpp"

#include "compare/runs_for_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mlbench;
using namespace mlbench::compare;

namespace {

Json began(const Json& state) {
  return {{"machine", {{"state", state}}}};
}

/// Six rounds of one case; `state(round)` is what the machine did in each.
template <class State>
MadeUpRun run_with(State state, const Json& header = Json::object()) {
  MadeUpRun run("1", header);
  run.subject("torch:cpu", "2.13.0").gemm(64).measure(64, {{"torch:cpu", 1e-3}}, 6);
  for (int round = 0; round < 6; ++round) {
    Json line = {{"type", "state"}, {"round", round}, {"case", MadeUpRun::id(64)}};
    line.update(state(round));
    run.add(line);
  }
  return run;
}

MadeUpRun run_without(const Json& header) {
  MadeUpRun run("1", header);
  run.subject("torch:cpu", "2.13.0").gemm(64).measure(64, {{"torch:cpu", 1e-3}}, 6);
  return run;
}

std::vector<std::string> sentences(const MadeUpRun& base, const MadeUpRun& now) {
  std::vector<std::string> all;
  for (const auto& d : setup_differences({base.data()}, {now.data()}, {{"torch:cpu", "torch:cpu"}}))
    all.push_back(d.sentence());
  return all;
}

using Sentences = std::vector<std::string>;

}  // namespace

TEST_CASE("power, heat and low-power mode are those of all rounds, not of the start") {
  const auto begun = began({{"power_source", "ac"}, {"thermal_state", "nominal"}});
  const auto calm = run_with(
      [](int) {
        return Json{
            {"power_source", "ac"}, {"thermal_state", "nominal"}, {"low_power_mode", false}};
      },
      begun);
  const auto rough = run_with(
      [](int round) {
        return Json{{"power_source", round < 4 ? "ac" : "battery"},
                    {"thermal_state", round == 2   ? "heavy"
                                      : round == 3 ? "moderate"
                                                   : "nominal"},
                    {"low_power_mode", true}};
      },
      begun);
  CHECK(sentences(calm, calm).empty());
  CHECK(sentences(calm, rough) ==
        Sentences{"power source: ac in BASE, battery part of the time in NEW",
                  "low-power mode: no in BASE, yes in NEW",
                  "thermal state: nominal in BASE, heavy part of the time in NEW"});
}

TEST_CASE("what other programs took while it measured is compared, not the load at the start") {
  const auto others = [](double share) {
    return [=](int round) {
      return Json{{"other_fraction", share * (round < 3 ? 0.5 : 1.5)}, {"load_1m", 9.0}};
    };
  };
  const auto quiet = run_with(others(0.01), began({{"load_1m", 5.0}}));
  const auto busy = run_with(others(0.40), began({{"load_1m", 0.1}}));
  CHECK(sentences(quiet, busy) ==
        Sentences{"cores busy with other programs: 0.020 in BASE, 0.80 in NEW"});  // of two
  CHECK(sentences(quiet, run_with(others(0.05), began({{"load_1m", 0.1}}))).empty());
}

TEST_CASE("a mean load of rounds is held against another, and never against one of a start") {
  const auto load = [](double mean) {
    return [=](int round) { return Json{{"load_1m", mean + (round % 2 == 0 ? 1 : -1)}}; };
  };
  const auto low = run_with(load(1), began({{"load_1m", 1.0}}));
  CHECK(sentences(low, run_with(load(4), began({{"load_1m", 1.0}}))) ==
        Sentences{"mean load while it measured: 1.0 in BASE, 4.0 in NEW"});
  CHECK(sentences(run_with(load(4), began({{"load_1m", 1.0}})),
                  run_without(began({{"load_1m", 1.0}})))
            .empty());
}

TEST_CASE("journals with a state a round, or of the start only, are compared by what they have") {
  const auto by_round = [](const char* source, double load) {
    auto run = run_without(began({{"load_1m", 1.0}, {"power_source", "ac"}}));
    for (int round = 0; round < 6; ++round)
      run.add({{"type", "round"},
               {"round", round},
               {"state", {{"load_1m", load}, {"power_source", source}}}});
    return run;
  };
  CHECK(sentences(by_round("ac", 1), by_round("battery", 3)) ==
        Sentences{"power source: ac in BASE, battery in NEW",
                  "mean load while it measured: 1.0 in BASE, 3.0 in NEW"});
  CHECK(sentences(run_without(began({{"load_1m", 1.0}, {"power_source", "ac"}})),
                  run_without(began({{"load_1m", 3.0}, {"power_source", "battery"}}))) ==
        Sentences{"power source: ac in BASE, battery in NEW",
                  "load when the run began: 1.0 in BASE, 3.0 in NEW"});
}
