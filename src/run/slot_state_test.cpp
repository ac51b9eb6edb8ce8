#include "run/slot_state.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::run;

TEST_CASE("the state of a slot holds what is known and leaves the rest out") {
  machine::MachineState before, after;
  CHECK(state_fields(before, after, std::nullopt) == Json::object());

  before.time_s = 10;
  after.time_s = 12;
  before.cpu_total_s = 100;
  after.cpu_total_s = 104;  // two cores for 2 s
  before.cpu_busy_s = 50;
  after.cpu_busy_s = 53;
  before.cpu_steal_s = 1;
  after.cpu_steal_s = 1.4;
  after.thermal_state = "nominal";
  const auto fields = state_fields(before, after, 2);
  CHECK(find_number(fields, "elapsed_s") == 2);
  CHECK(find_number(fields, "other_fraction").value_or(0) == doctest::Approx(0.15));  // 3 - .4 - 2
  CHECK(find_number(fields, "steal_fraction").value_or(0) == doctest::Approx(0.1));
  CHECK(find_string(fields, "thermal_state") == "nominal");
  CHECK_FALSE(fields.contains("cpu_clock_hz"));
  CHECK_FALSE(fields.contains("gpu_clock_hz"));
}

TEST_CASE("of several GPUs the one at work is told of") {
  machine::MachineState state;
  state.gpus.resize(2);
  state.gpus[0].sm_clock_hz = 345e6;
  state.gpus[0].power_w = 70;
  state.gpus[1].sm_clock_hz = 1755e6;
  state.gpus[1].power_w = 690;
  state.gpus[1].clock_reasons = std::vector<std::string>{"sw_power_cap"};
  const auto fields = state_fields(state, state, std::nullopt);
  CHECK(find_number(fields, "gpu_clock_hz") == 1755e6);
  CHECK(find_strings(fields, "gpu_clock_reasons") == std::vector<std::string>{"sw_power_cap"});
}
