#include "core/dtype.hpp"

#include <array>
#include <bit>

namespace mlbench {
namespace {

struct Facts {
  DType dtype;
  std::string_view name;
  std::int64_t size_bytes;
  double unit_roundoff;
};

constexpr std::array kFacts = {
    Facts{DType::float32, "float32", 4, 0x1p-24}, Facts{DType::float16, "float16", 2, 0x1p-11},
    Facts{DType::bfloat16, "bfloat16", 2, 0x1p-8}, Facts{DType::float64, "float64", 8, 0x1p-53},
    Facts{DType::int32, "int32", 4, 0}};

const Facts& facts(DType dtype) {
  return kFacts[static_cast<std::size_t>(dtype)];
}

}  // namespace

std::string_view name_of(DType dtype) noexcept {
  return facts(dtype).name;
}
std::int64_t size_bytes(DType dtype) noexcept {
  return facts(dtype).size_bytes;
}
double unit_roundoff(DType dtype) noexcept {
  return facts(dtype).unit_roundoff;
}

double least_roundoff(DType dtype) noexcept {
  return dtype == DType::float16 ? 0x1p-25 : 0;
}

std::optional<DType> parse_dtype(std::string_view name) noexcept {
  for (const Facts& f : kFacts) {
    if (f.name == name) return f.dtype;
  }
  return std::nullopt;
}

std::uint16_t float_to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return sign | 0x7e00U;   // NaN
  if (magnitude >= 0x477ff000U) return sign | 0x7c00U;  // rounds to 65536 or more: infinity
  if (magnitude >= 0x38800000U) {  // normal: move the exponent's bias 127 -> 15
    const std::uint32_t rebased = magnitude - 0x38000000U;
    const std::uint32_t half_ulp_even = 0xfffU + ((rebased >> 13) & 1U);
    return static_cast<std::uint16_t>(sign | ((rebased + half_ulp_even) >> 13));
  }
  if (magnitude <= 0x33000000U) return sign;  // at most half the smallest subnormal: rounds to 0
  const std::uint32_t exponent = magnitude >> 23;
  const std::uint32_t mantissa = (magnitude & 0x7fffffU) | 0x800000U;
  const std::uint32_t shift = 126U - exponent;  // the subnormal's unit is 2^-24
  const std::uint32_t kept = mantissa >> shift;
  const std::uint32_t rest = mantissa & ((1U << shift) - 1U);
  const std::uint32_t half = 1U << (shift - 1U);
  const std::uint32_t up = rest > half || (rest == half && (kept & 1U) != 0) ? 1U : 0U;
  return static_cast<std::uint16_t>(sign | (kept + up));
}

float half_to_float(std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0x1fU) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
  const float subnormal = static_cast<float>(mantissa) * 0x1p-24F;
  return sign == 0 ? subnormal : -subnormal;
}

std::uint16_t float_to_bfloat16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float bfloat16_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace mlbench
