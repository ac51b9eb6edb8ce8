#pragma once

#include <cstdlib>
#include <string>

namespace mlbench::kit {

/// The device that the tests of a framework's worker compute on: MLBENCH_TEST_DEVICE ("gpu",
/// "cuda:0", "mps" as the framework calls it), else the CPU.
inline std::string device_for_tests() {
  const char* named = std::getenv("MLBENCH_TEST_DEVICE");
  return named == nullptr ? "cpu" : named;
}

}  // namespace mlbench::kit
