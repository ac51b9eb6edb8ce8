#include "machine/nvml.hpp"

#include <doctest/doctest.h>

using namespace mlbench::machine;
using Strings = std::vector<std::string>;

TEST_CASE("bits of the clock reasons are named, and an unknown bit is shown") {
  CHECK(clock_reason_names(0).empty());
  CHECK(clock_reason_names(0x1) == Strings{"gpu_idle"});
  CHECK(clock_reason_names(0x4 | 0x40) == Strings{"sw_power_cap", "hw_thermal_slowdown"});
  CHECK(clock_reason_names(0x80 | 0x100) ==
        Strings{"hw_power_brake_slowdown", "display_clock_setting"});
  CHECK(clock_reason_names(std::uint64_t{1} << 63) == Strings{"reason_0x8000000000000000"});
}

TEST_CASE("every GPU that is described is also sampled, with or without a driver") {
  CHECK(nvml_gpus().size() == nvml_states().size());
}
