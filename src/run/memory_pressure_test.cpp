#include "run/memory_pressure.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace mlbench;

namespace {

/// Levels that are told one after the other, the last one again and again; "" is not told.
struct Told {
  std::vector<std::string> levels;
  std::size_t asked = 0;
  int pauses = 0;

  std::optional<std::string> wait(int most) {
    return run::wait_for_memory(
        [this] {
          machine::MachineState state;
          const auto& level = levels[std::min(asked++, levels.size() - 1)];
          if (!level.empty()) state.memory_pressure_level = level;
          return state;
        },
        most, [this] { ++pauses; });
  }
};

}  // namespace

TEST_CASE("enough memory, and a system that does not tell, cost no pause") {
  for (const char* level : {"normal", ""}) {
    Told told{{level}};
    CHECK_FALSE(told.wait(3).has_value());
    CHECK(told.pauses == 0);
  }
}

TEST_CASE("short memory is waited for until it recovers") {
  Told told{{"critical", "warn", "normal"}};
  CHECK_FALSE(told.wait(5).has_value());
  CHECK(told.pauses == 2);
}

TEST_CASE("memory that stays short ends the wait with a sentence that names the level") {
  Told told{{"warn"}};
  const auto reason = told.wait(3);
  REQUIRE(reason.has_value());
  CHECK(reason->find("\"warn\"") != std::string::npos);
  CHECK(told.pauses == 3);
}
