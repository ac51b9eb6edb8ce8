#include "run/limit_probe.hpp"

#include "machine/recorded.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("no limit is searched for while the system reports that memory is short") {
  machine::MachineState pressed;
  pressed.memory_available_bytes = std::int64_t{1} << 30;
  pressed.memory_pressure_level = "warn";
  machine::answer_from({.machine = {}, .states = {pressed, pressed, machine::MachineState{}}});
  run::Subject subject;
  subject.name = "torch:mps", subject.device = "mps";
  std::string why_not;
  const auto rows = run::measure_limits(subject, machine::Machine{}, "/dev/null", {}, why_not);
  CHECK(rows.empty());
  CHECK(why_not == "the system reports that memory is short");
}
