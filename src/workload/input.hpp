#pragma once

#include "workload/dtype.hpp"
#include "workload/workload.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mlbench::workload {

/// Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key. Counter-based, so any
/// element can be made alone, in any order, in any language, with the same bits.
///
/// Source: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                      std::array<std::uint32_t, 2> key) noexcept;

/// Element `index` of input `stream` of a case: uniform in [-1, 1), a multiple of 2^-23, before it
/// is rounded to the case's dtype. Word index%4 of philox4x32({index/4 low, index/4 high, stream,
/// 0}, {seed low, seed high}), its upper 24 bits times 2^-23, minus 1.
[[nodiscard]] float input_value(std::uint64_t seed, std::uint32_t stream,
                                std::uint64_t index) noexcept;

/// Elements [first, first + out.size()) of that input, in float32.
void input_values(std::uint64_t seed, std::uint32_t stream, std::uint64_t first,
                  std::span<float> out) noexcept;

/// All `count` elements in `dtype`, rounded to nearest even, as little-endian bytes. Large inputs
/// are made by several threads.
[[nodiscard]] std::vector<std::byte> input_bytes(std::uint64_t seed, std::uint32_t stream,
                                                 std::int64_t count, DType dtype);

/// The input that `spec` and `seed` define, in the range that `spec` states. With u the upper 24
/// bits of the element's word: a floating-point element is low + (high - low)·u·2^-24 in float64,
/// rounded to float32 and then to the dtype ([-1, 1) gives exactly input_value()); a whole number
/// is low + floor(u·(high - low)·2^-24); element i of a permutation of n is (i·a + b) mod n, with a
/// the least number >= 0.618·n that has no common factor with n and b = floor(u·n·2^-24) of element
/// 0.
[[nodiscard]] std::vector<std::byte> input_bytes(const TensorSpec& spec, std::uint64_t seed);

/// That input to the spec.bytes() bytes from `out` on, a large one by several threads.
void fill_input(const TensorSpec& spec, std::uint64_t seed, std::byte* out);

/// Elements [first, first + count) of that input to `out`.
void write_input(const TensorSpec& spec, std::uint64_t seed, std::size_t first, std::size_t count,
                 std::byte* out);

/// `bytes` of `dtype` as float64, exactly.
[[nodiscard]] std::vector<double> to_double(std::span<const std::byte> bytes, DType dtype);

}  // namespace mlbench::workload
