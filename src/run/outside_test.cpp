#include "run/outside.hpp"

#include <doctest/doctest.h>

using namespace mlbench::run;

TEST_CASE("what stops every program is an event from outside, what slows one is not") {
  const OutsideWatch watch;
  CHECK(watch.events(0.05, {"sw_power_cap", "hw_thermal_slowdown"}).empty());
  CHECK(watch.events(2, {}) == std::vector<std::string>{"paused"});
  CHECK(watch.events(0, {"hw_power_brake_slowdown"}) ==
        std::vector<std::string>{"gpu_power_brake"});
}

TEST_CASE("a machine that is awake does not fall asleep between two readings") {
  const auto before = suspended_s();
  const auto after = suspended_s();
  REQUIRE(before);
  REQUIRE(after);
  CHECK(*after - *before < 0.001);
}
