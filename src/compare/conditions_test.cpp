#include "compare/conditions.hpp"

#include "compare/runs_for_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mlbench;
using namespace mlbench::compare;

namespace {

const std::string kCase = MadeUpRun::id(64);
constexpr int kRounds = 6;

/// A run of two subjects with what `state` and `block` say of each round, subject and row.
template <class State, class Block>
MadeUpRun run_with(State state, Block block, const char* device = "cpu") {
  const std::string a = std::string("torch:") + device, b = std::string("mlx:") + device;
  MadeUpRun run("2026-01-01T00:00:00Z");
  run.subject(a, "2.13.0").subject(b, "0.32.4").gemm(64);
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& subject : {a, b}) {
      for (int row = 0; row < 6; ++row) {
        Json line = {{"type", "block"},
                     {"round", round},
                     {"case", kCase},
                     {"subject", subject},
                     {"row", row},
                     {"calls", 2},
                     {"samples_s", {5e-3, 5e-3, 5e-3}}};
        line.update(block(round, subject == a, row));
        run.add(line);
      }
    }
    Json line = {{"type", "state"}, {"round", round}, {"case", kCase}};
    line.update(state(round));
    run.add(line);
    run.add({{"type", "slot"}, {"round", round}, {"case", kCase}, {"subjects", {a, b}}});
  }
  return run;
}

Json nothing(int /*round*/) {
  return Json::object();
}
Json no_counters(int /*round*/, bool /*is_a*/, int /*row*/) {
  return Json::object();
}

std::vector<std::string> case_flags(const MadeUpRun& run) {
  return flags_of(conditions_of(run.data(), run.data().cases[0]));
}

const store::Cell& cell_of(const MadeUpRun& run, const char* subject = "torch:cpu") {
  return *run.data().find_cell(kCase, subject);
}

}  // namespace

TEST_CASE("what a system does not tell is unknown, and no flag") {
  const auto run = run_with(nothing, no_counters);
  const auto c = conditions_of(run.data(), run.data().cases[0]);
  CHECK_FALSE(c.other_fraction);
  CHECK_FALSE(c.thermal_state);
  CHECK_FALSE(c.swapped_in_bytes);
  CHECK(flags_of(c).empty());
  const auto cell = conditions_of(cell_of(run));
  CHECK_FALSE(cell.switches_per_s);
  CHECK_FALSE(cell.waiters_fraction);
  CHECK_FALSE(cell.spin_change);
  CHECK(flags_of(cell).empty());
  CHECK_FALSE(clock_ratio_of(run.data(), run.data().cases[0], {.a = "torch:cpu", .b = "mlx:cpu"}));
}

TEST_CASE("other load is told when it lasts, and not for a single burst") {
  const auto load = [](int busy_rounds) {
    return [=](int round) { return Json{{"other_fraction", round < busy_rounds ? 0.4 : 0.01}}; };
  };
  CHECK(case_flags(run_with(load(1), no_counters)).empty());
  CHECK(case_flags(run_with(load(5), no_counters)) == std::vector<std::string>{"other_load"});
  const auto stolen = [](int) { return Json{{"other_fraction", 0.0}, {"steal_fraction", 0.05}}; };
  CHECK(case_flags(run_with(stolen, no_counters)) == std::vector<std::string>{"other_load"});
}

TEST_CASE("the worst thermal state, a throttled CPU and a GPU's own reasons are throttling") {
  const auto thermal = [](int round) {
    return Json{{"thermal_state", round == 2 ? "heavy" : round == 3 ? "moderate" : "nominal"}};
  };
  const auto run = run_with(thermal, no_counters);
  CHECK(conditions_of(run.data(), run.data().cases[0]).thermal_state == "heavy");
  CHECK(case_flags(run) == std::vector<std::string>{"throttled"});
  CHECK(case_flags(run_with(
                       [](int) {
                         return Json{{"thermal_state", "nominal"}};
                       },
                       no_counters))
            .empty());
  CHECK(case_flags(run_with(
            [](int r) {
              return Json{{"cpu_throttle_count", r == 0 ? 3 : 0}};
            },
            no_counters)) == std::vector<std::string>{"throttled"});
  const auto reason = [](const char* name) {
    return [=](int) { return Json{{"gpu_clock_reasons", {name}}}; };
  };
  CHECK(case_flags(run_with(reason("hw_thermal_slowdown"), no_counters)) ==
        std::vector<std::string>{"throttled"});
  // Its own power makes a GPU's clock, and an idle moment after the last block is none.
  CHECK(case_flags(run_with(reason("sw_power_cap"), no_counters)).empty());
  CHECK(case_flags(run_with(reason("gpu_idle"), no_counters)).empty());
}

TEST_CASE("swapping, battery power and low-power mode are told") {
  const auto battery_in = [](int battery_round) {
    return [=](int round) {
      return Json{{"power_source", round == battery_round ? "battery" : "ac"}};
    };
  };
  CHECK(case_flags(run_with(battery_in(kRounds), no_counters)).empty());
  CHECK(case_flags(run_with(battery_in(3), no_counters)) == std::vector<std::string>{"battery"});
  CHECK(case_flags(run_with(
            [](int) {
              return Json{{"swapped_in_bytes", 1 << 20}};
            },
            no_counters)) == std::vector<std::string>{"swapping"});
  CHECK(case_flags(run_with(
                       [](int) {
                         return Json{{"swapped_in_bytes", 4096}};
                       },
                       no_counters))
            .empty());
  CHECK(case_flags(run_with(
            [](int r) {
              return Json{{"low_power_mode", r == 4}};
            },
            no_counters)) == std::vector<std::string>{"low_power_mode"});
}

TEST_CASE("a state of a round that was cut off does not count") {
  auto run = run_with(nothing, no_counters);
  run.add({{"type", "state"}, {"round", kRounds}, {"case", kCase}, {"thermal_state", "heavy"}});
  CHECK(case_flags(run).empty());
}

TEST_CASE("waiters are proved silent by their CPU time") {
  // A block takes 2 calls x 3 samples x 5 ms = 30 ms.
  const auto waiting = [](double cpu_s) {
    return [=](int, bool, int) { return Json{{"waiters_cpu_s", cpu_s}}; };
  };
  const auto silent = conditions_of(cell_of(run_with(nothing, waiting(3e-5))));
  CHECK(silent.waiters_fraction.value_or(-1) == doctest::Approx(0.001));
  CHECK(flags_of(silent).empty());
  const auto spinning = conditions_of(cell_of(run_with(nothing, waiting(0.03))));
  CHECK(spinning.waiters_fraction.value_or(-1) == doctest::Approx(1));
  CHECK(flags_of(spinning) == std::vector<std::string>{"busy_waiters"});
}

TEST_CASE("what waiters used while a block led in is set against that time too") {
  // Before the 30 ms of samples: 2 calls x 2 samples x 5 ms of lead-in, and 10 ms of arithmetic.
  const auto run = run_with(
      nothing,
      [](int, bool, int) {
        return Json{
            {"waiters_cpu_s", 2.4e-3}, {"spin_s", 0.01}, {"lead_in_samples_s", {5e-3, 5e-3}}};
      },
      "cuda:0");
  const auto cell = conditions_of(cell_of(run, "torch:cuda:0"));
  CHECK(cell.waiters_fraction.value_or(-1) == doctest::Approx(0.04));
  CHECK(flags_of(cell).empty());
}

TEST_CASE("involuntary switches are told by the second of blocks") {
  const auto cell = conditions_of(cell_of(run_with(nothing, [](int, bool, int) {
    return Json{{"involuntary_switches", 3}};
  })));
  CHECK(cell.switches_per_s.value_or(-1) == doctest::Approx(100));
}

TEST_CASE("the arithmetic before each block shows a clock that no counter shows") {
  const auto slower_later = run_with(nothing, [](int round, bool, int row) {
    return Json{{"spin_s", (round < 4 ? 200e-6 : 212e-6) + 1e-7 * row}};
  });
  const auto changed = conditions_of(cell_of(slower_later));
  CHECK(changed.spin_change.value_or(0) == doctest::Approx(0.06).epsilon(0.01));
  CHECK(flags_of(changed) == std::vector<std::string>{"clock_changed"});
  const auto steady = conditions_of(cell_of(run_with(nothing, [](int round, bool, int row) {
    return Json{{"spin_s", (row == 0 ? 400e-6 : 200e-6) * (1 + 0.002 * (round % 3))}};
  })));
  CHECK(flags_of(steady).empty());  // a pre-empted chain now and then is no other clock
}

TEST_CASE("a clock that depends on which side runs is told with its interval") {
  const auto differing = [](double factor) {
    return [=](int round, bool is_a, int row) {
      return Json{{"spin_s", (is_a ? 200e-6 : 200e-6 * factor) * (1 + 1e-3 * ((round + row) % 3))}};
    };
  };
  const store::PairRecord pair{.a = "torch:cpu", .b = "mlx:cpu"};
  const auto slower_b = run_with(nothing, differing(1.04));
  const auto clock = clock_ratio_of(slower_b.data(), slower_b.data().cases[0], pair);
  REQUIRE(clock);
  CHECK(clock->ratio == doctest::Approx(1.04));
  CHECK(clock_differs(clock));
  const auto same = run_with(nothing, differing(1));
  CHECK_FALSE(clock_differs(clock_ratio_of(same.data(), same.data().cases[0], pair)));
  CHECK_FALSE(clock_differs(std::nullopt));
  // The chain runs on the CPU and says nothing of a GPU's clock.
  const auto gpu = run_with(nothing, differing(1.04), "gpu");
  CHECK_FALSE(clock_ratio_of(gpu.data(), gpu.data().cases[0], {.a = "torch:gpu", .b = "mlx:gpu"}));
}

TEST_CASE("on a GPU its own arithmetic tells the clock, and the driver where that is missing") {
  const store::PairRecord pair{.a = "torch:gpu", .b = "mlx:gpu"};
  const auto ratio = [&](const store::RunData& run) {
    return clock_ratio_of(run, run.cases[0], pair);
  };
  const auto told_by = [&](bool spin, bool clock) {
    return run_with(
        nothing,
        [=](int round, bool is_a, int row) {
          Json block = {{"spin_s", 200e-6}};
          const double noise = 1 + 1e-3 * ((round + row) % 3);
          if (spin) block["device_spin_s"] = (is_a ? 500e-6 : 530e-6) * noise;
          if (clock) block["gpu_clock_hz"] = (is_a ? 1.9e9 : 1.7e9) * noise;
          return block;
        },
        "gpu");
  };
  const auto both = told_by(true, true), clock = told_by(false, true);
  REQUIRE(ratio(both.data()));
  CHECK(ratio(both.data())->ratio == doctest::Approx(1.06));
  REQUIRE(ratio(clock.data()));
  CHECK(ratio(clock.data())->ratio == doctest::Approx(1.9 / 1.7));
}

TEST_CASE("what the driver tells beside each block replaces what it tells once a round") {
  const auto run = run_with(
      [](int) {
        return Json{
            {"gpu_clock_hz", 3e8}, {"gpu_power_w", 70}, {"gpu_clock_reasons", {"gpu_idle"}}};
      },
      [](int, bool is_a, int) {
        return Json{{"gpu_clock_hz", is_a ? 1.8e9 : 1.7e9},
                    {"gpu_power_w", 400},
                    {"gpu_temperature_c", is_a ? 60 : 64},
                    {"gpu_clock_reasons", {"sw_power_cap"}},
                    {"device_spin_s", 5e-4}};
      },
      "gpu");
  const auto found = conditions_of(run.data(), run.data().cases[0]);
  CHECK(found.gpu_clock_hz.value_or(0) == doctest::Approx(1.75e9));
  CHECK(found.gpu_power_w == 400);
  CHECK(found.gpu_temperature_c == 64);
  CHECK(found.gpu_clock_reasons == std::vector<std::string>{"gpu_idle", "sw_power_cap"});
  const auto cell = conditions_of(cell_of(run, "torch:gpu"));
  CHECK(cell.gpu_clock_hz == 1.8e9);
  CHECK(cell.device_spin_s == 5e-4);
}

TEST_CASE("a GPU whose own arithmetic became slower is flagged, whatever its clock is said to be") {
  const auto cell = conditions_of(cell_of(
      run_with(
          nothing,
          [](int round, bool, int) {
            return Json{{"gpu_clock_hz", 1.9e9}, {"device_spin_s", round < 4 ? 5e-4 : 6e-4}};
          },
          "gpu"),
      "torch:gpu"));
  CHECK(flags_of(cell) == std::vector<std::string>{"clock_changed"});
}
