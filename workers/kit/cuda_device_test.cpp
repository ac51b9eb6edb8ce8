#include "kit/cuda_device.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("a CUDA device that is not there tells nothing") {
  const auto device = kit::cuda_device(1000);
  CHECK_FALSE(device.name);
  CHECK_FALSE(device.multiprocessors);
  CHECK_FALSE(device.compute_capability);
  CHECK_FALSE(device.l2_bytes);
}
