#include "machine/published.hpp"

#include <doctest/doctest.h>

using namespace mlbench::machine;

namespace {

Machine mac(const char* chip, std::int64_t gpu_cores) {
  Machine m;
  m.cpu.name = chip;
  m.gpus.emplace_back();
  m.gpus[0].cores = gpu_cores;
  return m;
}

}  // namespace

TEST_CASE("published bandwidth goes by chip and GPU cores, so binned chips differ") {
  CHECK(published_bandwidth(mac("Apple M5", 10))->bandwidth_bytes_per_s == doctest::Approx(153e9));
  CHECK(published_bandwidth(mac("Apple M4 Max", 32))->bandwidth_bytes_per_s ==
        doctest::Approx(410e9));
  CHECK(published_bandwidth(mac("Apple M4 Max", 40))->bandwidth_bytes_per_s ==
        doctest::Approx(546e9));
}

TEST_CASE("a machine that is not in the list has no published bandwidth") {
  CHECK_FALSE(published_bandwidth(mac("Apple M4 Max", 38)).has_value());
  CHECK_FALSE(published_bandwidth(mac("AMD EPYC", 10)).has_value());
  CHECK_FALSE(published_bandwidth(Machine{}).has_value());
}
