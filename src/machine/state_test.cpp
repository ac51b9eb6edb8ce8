#include "machine/state.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::machine;

namespace {

MachineState at(double time_s, double total_s, double busy_s, double steal_s) {
  MachineState state;
  state.time_s = time_s;
  state.cpu_total_s = total_s;
  state.cpu_busy_s = busy_s;
  state.cpu_steal_s = steal_s;
  return state;
}

}  // namespace

TEST_CASE("two samples tell who used the CPU in between") {
  const StateChange change = change_between(at(10, 100, 50, 5), at(15, 110, 57, 6), 4.0);
  CHECK(change.elapsed_s == doctest::Approx(5));
  CHECK(change.busy_fraction == doctest::Approx(0.7));
  CHECK(change.steal_fraction == doctest::Approx(0.1));
  CHECK(change.other_fraction == doctest::Approx(0.2));  // 7 busy - 1 stolen - 4 own
  CHECK_FALSE(change_between(at(10, 100, 50, 5), at(15, 110, 57, 6)).other_fraction.has_value());
}

TEST_CASE("shares stay within 0 and 1 though the counters tick apart") {
  const StateChange change = change_between(at(0, 100, 50, 0), at(1, 101, 51.5, 0), 9.0);
  CHECK(change.busy_fraction == 1.0);
  CHECK(change.other_fraction == 0.0);
}

TEST_CASE("counters that stood still, went back or are missing give no change") {
  CHECK_FALSE(change_between(at(1, 5, 5, 5), at(1, 5, 5, 5)).busy_fraction.has_value());
  CHECK_FALSE(change_between(at(2, 5, 5, 5), at(1, 4, 4, 4)).elapsed_s.has_value());
  const StateChange none = change_between({}, {}, 1.0);
  CHECK_FALSE(none.elapsed_s.has_value());
  CHECK_FALSE(none.other_fraction.has_value());
  CHECK_FALSE(none.oom_kills.has_value());
  CHECK(to_json(none).at("steal_fraction").is_null());
}

TEST_CASE("swapping, kills, throttling and waiting are differences of counters") {
  MachineState before = at(0, 0, 0, 0), after = at(10, 20, 1, 0);
  before.swapped_out_bytes = 4096, after.swapped_out_bytes = 12288;
  before.oom_kills = 1, after.oom_kills = 3;
  before.cpu_throttle_count = 7, after.cpu_throttle_count = 7;
  before.cpu_pressure = Pressure{0.9, 1.0}, after.cpu_pressure = Pressure{0.9, 3.5};
  const StateChange change = change_between(before, after);
  CHECK(change.swapped_out_bytes == 8192);
  CHECK(change.oom_kills == 2);
  CHECK(change.cpu_throttle_count == 0);
  CHECK(change.cpu_pressure_fraction == doctest::Approx(0.25));
  CHECK_FALSE(change.memory_pressure_fraction.has_value());
}
