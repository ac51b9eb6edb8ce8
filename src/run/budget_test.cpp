#include "run/runner.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("rounds get the rest of the budget, and half of it where the first ones spent it") {
  CHECK(run::time_left_s(300, 100) == 200);
  CHECK(run::time_left_s(300, 200) == 150);
  CHECK(run::time_left_s(300, 390) == 150);
}
