#include "model/microscaling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace mlbench::model {
namespace {

constexpr std::array<float, 8> kE2m1 = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6};

/// Of ascending values value_of(0) .. value_of(last), the nearest to `value`; the even one of two.
template <class ValueOf>
unsigned nearest_code(float value, unsigned last, const ValueOf& value_of) {
  unsigned low = 0, high = last;
  while (high - low > 1) {
    const unsigned middle = low + (high - low) / 2;
    (value_of(middle) <= value ? low : high) = middle;
  }
  const float below = value - value_of(low), above = value_of(high) - value;
  if (below == above) return low % 2 == 0 ? low : high;
  return below < above ? low : high;
}

}  // namespace

float from_e2m1(unsigned code) noexcept {
  const float magnitude = kE2m1[code & 7U];
  return (code & 8U) != 0 ? -magnitude : magnitude;
}

unsigned to_e2m1(float value) noexcept {
  const unsigned sign = std::signbit(value) ? 8U : 0U;
  return sign | nearest_code(std::abs(value), 7, [](unsigned i) { return kE2m1[i]; });
}

float from_e8m0(std::uint8_t byte) noexcept {
  if (byte == 255) return std::numeric_limits<float>::quiet_NaN();
  return std::ldexp(1.0F, byte - 127);
}

std::uint8_t e8m0_scale(float most) noexcept {
  if (!(most > 0)) return 0;
  return static_cast<std::uint8_t>(std::clamp(std::ilogb(most) - 2 + 127, 0, 254));
}

float from_e4m3(std::uint8_t byte) noexcept {
  const unsigned exponent = (byte >> 3U) & 15U, mantissa = byte & 7U;
  if (exponent == 15 && mantissa == 7) return std::numeric_limits<float>::quiet_NaN();
  const float magnitude =
      exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                    : std::ldexp(static_cast<float>(8 + mantissa), static_cast<int>(exponent) - 10);
  return (byte & 128U) != 0 ? -magnitude : magnitude;
}

std::uint8_t to_e4m3(float value) noexcept {
  const auto value_of = [](unsigned i) { return from_e4m3(static_cast<std::uint8_t>(i)); };
  return static_cast<std::uint8_t>(nearest_code(value, 126, value_of));
}

}  // namespace mlbench::model
