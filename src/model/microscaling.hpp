#pragma once

#include <cstdint>

/// Numbers of a few bits that share a scale.
///
/// Sources: OCP Microscaling Formats (MX) v1.0, 2023, sections 5.3 (E2M1, E8M0) and 6.3 (how a
/// block is converted); OCP 8-bit Floating Point v1.0, 2023 (E4M3).
namespace mlbench::model {

/// The value of a 4-bit code: sign, 2 exponent bits, 1 mantissa bit; 0 to 6.
[[nodiscard]] float from_e2m1(unsigned code) noexcept;
/// The nearest code, the even one of two; beyond 6 it stays 6.
[[nodiscard]] unsigned to_e2m1(float value) noexcept;

/// 2^(byte - 127); 255 is no number.
[[nodiscard]] float from_e8m0(std::uint8_t byte) noexcept;
/// The scale of a block whose largest magnitude is `most`, so that it becomes at most 8 (6 after
/// saturation): 2^(floor(log2 most) - 2).
[[nodiscard]] std::uint8_t e8m0_scale(float most) noexcept;

/// 4 exponent bits (bias 7), 3 mantissa bits; 127 and 255 are no numbers.
[[nodiscard]] float from_e4m3(std::uint8_t byte) noexcept;
/// The nearest positive code of value >= 0; beyond 448 it stays 448.
[[nodiscard]] std::uint8_t to_e4m3(float value) noexcept;

}  // namespace mlbench::model
