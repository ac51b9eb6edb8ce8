#include "run/slot.hpp"

#include <doctest/doctest.h>

using namespace mlbench::run;

TEST_CASE("block pairs take twice the time of getting ready, in whole ABBAs") {
  CHECK(rows_for(0.5, {60, 0}, 0.1, 20) == 10);
  CHECK(rows_for(0.5, {60, 0}, 0.095, 20) == 10);
  CHECK(rows_for(0.5, {60, 0}, 0.01, 20) == 20);
}

TEST_CASE("block pairs are no more than the budget leaves, and one ABBA at least") {
  CHECK(rows_for(0.5, {1.0, 0}, 0.1, 20) == 4);
  CHECK(rows_for(0.5, {0.4, 0}, 0.1, 20) == kFewestRows);
  CHECK(rows_for(0.5, {60, 0}, 5, 20) == kFewestRows);
  CHECK(rows_for(0.5, {60, 0}, 0, 20) == 20);
}

TEST_CASE("block pairs fill a budget that the most rounds would leave over") {
  CHECK(rows_for(0.1, {10, 0.3}, 0.1, 20) == 2);  // twice 0.1 s
  CHECK(rows_for(0.1, {10, 0.9}, 0.1, 20) == 8);
  CHECK(rows_for(0.1, {0.5, 0.9}, 0.1, 20) == 4);  // never more than the fewest rounds allow
}
