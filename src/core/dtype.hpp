#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mlbench {

/// Element types of tensors. The names are the spelling in ids and JSON. Cases are stated in the
/// floating-point ones; int32 is for indices that go in or come out.
enum class DType { float32, float16, bfloat16, float64, int32 };

[[nodiscard]] std::string_view name_of(DType dtype) noexcept;
[[nodiscard]] std::optional<DType> parse_dtype(std::string_view name) noexcept;
[[nodiscard]] std::int64_t size_bytes(DType dtype) noexcept;

/// Unit round-off u: half the distance from 1 to the next number (2^-24 for float32). 0 for int32.
[[nodiscard]] double unit_roundoff(DType dtype) noexcept;

/// Half the distance between the smallest numbers of `dtype`: what rounding may cost however small
/// a number is. 0 where it does not matter (2^-25 for float16).
[[nodiscard]] double least_roundoff(DType dtype) noexcept;

// Conversions by round-to-nearest-even, as IEEE 754 and every framework define them. Written out so
// that all workers and the reference start from bit-identical inputs on every compiler.

[[nodiscard]] std::uint16_t float_to_half(float value) noexcept;
[[nodiscard]] float half_to_float(std::uint16_t bits) noexcept;
[[nodiscard]] std::uint16_t float_to_bfloat16(float value) noexcept;
[[nodiscard]] float bfloat16_to_float(std::uint16_t bits) noexcept;

}  // namespace mlbench
