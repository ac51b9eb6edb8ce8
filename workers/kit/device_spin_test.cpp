#include "kit/device_spin.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace mlbench::kit;

TEST_CASE("the time of a launch falls out of the time of the arithmetic") {
  std::vector<std::int64_t> asked;
  const auto s = spin_difference_s(
      [&](std::int64_t amount) {
        asked.push_back(amount);
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + amount));
      },
      10);
  CHECK(asked == std::vector<std::int64_t>{10, 20, 10, 20, 10, 20});
  REQUIRE(s);
  CHECK(*s < 0.020);  // and not the 30 ms of one run
  CHECK_FALSE(spin_difference_s(
      [&](std::int64_t amount) {
        std::this_thread::sleep_for(std::chrono::milliseconds(amount == 10 ? 20 : 1));
      },
      10));
}
