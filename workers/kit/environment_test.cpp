#include "kit/environment.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

using namespace mlbench;

TEST_CASE("only variables that are set and match a pattern are reported") {
  setenv("MLBENCH_TEST_THREADS", "3", 1);
  setenv("MLBENCH_TEST_EMPTY", "", 1);
  unsetenv("MLBENCH_TEST_ABSENT");
  constexpr std::array<std::string_view, 2> kPatterns = {"MLBENCH_TEST_*", "MLBENCH_OTHER"};
  const Json found = kit::matching_environment(kPatterns);
  CHECK(found.size() == 2);
  CHECK(found.at("MLBENCH_TEST_THREADS") == "3");
  CHECK(found.at("MLBENCH_TEST_EMPTY") == "");
}
