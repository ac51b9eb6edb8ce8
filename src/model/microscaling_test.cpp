#include "model/microscaling.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using namespace mlbench::model;

TEST_CASE("every code of 4 bits comes back, and what lies between goes to the nearest") {
  for (unsigned code = 0; code < 16; ++code) CHECK(to_e2m1(from_e2m1(code)) == code);
  CHECK(from_e2m1(to_e2m1(2.4F)) == 2);
  CHECK(from_e2m1(to_e2m1(2.6F)) == 3);
  CHECK(from_e2m1(to_e2m1(2.5F)) == 2);    // code 4 is even
  CHECK(from_e2m1(to_e2m1(-5.0F)) == -4);  // code 6 is even
  CHECK(from_e2m1(to_e2m1(100)) == 6);
}

TEST_CASE("every finite code of E4M3 comes back") {
  for (unsigned code = 0; code < 127; ++code)
    CHECK(to_e4m3(from_e4m3(static_cast<std::uint8_t>(code))) == code);
  CHECK(from_e4m3(126) == 448);
  CHECK(from_e4m3(1) == std::ldexp(1.0F, -9));
  CHECK(from_e4m3(to_e4m3(1e9F)) == 448);
  CHECK(std::isnan(from_e4m3(127)));
}

TEST_CASE("the shared scale of a block puts its largest number between 4 and 8") {
  for (const float most : {6.0F, 0.077F, 1.0F, 3.9F, 1e-20F}) {
    const float scaled = most / from_e8m0(e8m0_scale(most));
    CHECK(scaled >= 4);
    CHECK(scaled < 8);
  }
  CHECK(from_e8m0(127) == 1);
  CHECK(e8m0_scale(0) == 0);
}
