#include "torch/device.hpp"

#include <doctest/doctest.h>

using namespace mlbench::torch_worker;

TEST_CASE("mps is refused where its memory has no limit or missing operations run on the CPU") {
  CHECK(mps_refusal(nullptr, nullptr).empty());
  CHECK(mps_refusal("0", "1.4").empty());
  for (const char* fallback : {"1", "01", "2"}) {
    CAPTURE(fallback);
    CHECK(mps_refusal(fallback, nullptr).find("unset it") != std::string::npos);
  }
  for (const char* ratio : {"0", "0.0", "0.00", ".0", "", "none"}) {
    CAPTURE(ratio);
    CHECK(mps_refusal(nullptr, ratio).find("unset it") != std::string::npos);
  }
}
