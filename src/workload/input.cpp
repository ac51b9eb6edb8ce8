#include "workload/input.hpp"

#include "core/parallel.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace mlbench::workload {
namespace {

constexpr int kRounds = 10;
constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c,
                                        std::array<std::uint32_t, 2> k) noexcept {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t p0 = kMultiplier0 * c[0];
    const std::uint64_t p1 = kMultiplier1 * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += kWeyl0;
    k[1] += kWeyl1;
  }
  return c;
}

namespace {

std::array<std::uint32_t, 4> words(std::uint64_t seed, std::uint32_t stream, std::uint64_t group) {
  return philox4x32(
      {static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(group >> 32), stream, 0},
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

/// Exact: 24 bits minus 1. Through a signed number, which vector units convert at once.
float to_unit_range(std::uint32_t word) {
  return static_cast<float>(static_cast<std::int32_t>(word >> 8)) * 0x1p-23F - 1.0F;
}

// Arrays of gigabytes are made in every process of every round, which costs more than measuring
// them where a value takes nanoseconds. GCC uses wider vectors only where it is told to; compiled
// for several instruction sets, the machine's best is chosen when the program is loaded.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define MLBENCH_WIDEST_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MLBENCH_WIDEST_VECTORS
#endif

constexpr std::size_t kLanes = 32;

/// The 4 * kLanes values of the groups from `first_group` on: philox4x32() in all lanes at once,
/// each word in the low half of 64 bits, where the products fit.
MLBENCH_WIDEST_VECTORS void values_of_groups(std::uint64_t seed, std::uint32_t stream,
                                             std::uint64_t first_group, float* out) noexcept {
  constexpr std::uint64_t kLow = 0xFFFFFFFF;
  std::array<std::uint64_t, kLanes> c0, c1, c2, c3;
  for (std::size_t i = 0; i < kLanes; ++i) {
    c0[i] = (first_group + i) & kLow;
    c1[i] = (first_group + i) >> 32;
    c2[i] = stream;
    c3[i] = 0;
  }
  std::uint64_t k0 = seed & kLow, k1 = seed >> 32;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::uint64_t p0 = kMultiplier0 * static_cast<std::uint32_t>(c0[i]);
      const std::uint64_t p1 = kMultiplier1 * static_cast<std::uint32_t>(c2[i]);
      c0[i] = (p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = p1 & kLow;
      c2[i] = (p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = p0 & kLow;
    }
    k0 = (k0 + kWeyl0) & kLow;
    k1 = (k1 + kWeyl1) & kLow;
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    out[4 * i] = to_unit_range(static_cast<std::uint32_t>(c0[i]));
    out[4 * i + 1] = to_unit_range(static_cast<std::uint32_t>(c1[i]));
    out[4 * i + 2] = to_unit_range(static_cast<std::uint32_t>(c2[i]));
    out[4 * i + 3] = to_unit_range(static_cast<std::uint32_t>(c3[i]));
  }
}

template <class T, class Convert>
void convert_all(std::span<const float> values, std::byte* out, Convert convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T element = convert(values[i]);
    std::memcpy(out + i * sizeof(T), &element, sizeof(T));
  }
}

void round_to(DType dtype, std::span<const float> values, std::byte* out) {
  switch (dtype) {
    case DType::float32: return convert_all<float>(values, out, [](float v) { return v; });
    case DType::float64: return convert_all<double>(values, out, [](float v) { return double{v}; });
    case DType::float16: return convert_all<std::uint16_t>(values, out, float_to_half);
    case DType::bfloat16: return convert_all<std::uint16_t>(values, out, float_to_bfloat16);
    case DType::int32: return;  // whole numbers are drawn by their own rule
  }
}

/// The number of [0, n) that element value `v` stands for; n is at most 2^24.
std::int64_t whole_below(float v, std::int64_t n) {
  const auto upper_bits = static_cast<std::int64_t>((double{v} + 1) * 0x1p23);
  return (upper_bits * n) >> 24;
}

/// The stride of a permutation of n.
std::int64_t stride_of(std::int64_t n) {
  auto stride = std::max<std::int64_t>(1, static_cast<std::int64_t>(0.618 * double(n)));
  while (std::gcd(stride, n) != 1) ++stride;
  return stride;
}

void write_whole_numbers(const TensorSpec& spec, std::uint64_t seed, std::size_t first,
                         std::span<const float> values, std::byte* out) {
  const auto low = static_cast<std::int64_t>(spec.low), high = static_cast<std::int64_t>(spec.high);
  const std::int64_t n = spec.elements();
  const std::int64_t stride = spec.distinct ? stride_of(n) : 0;
  const std::int64_t start = whole_below(input_value(seed, spec.stream, 0), n);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto index = static_cast<std::int64_t>(first + i);
    const std::int64_t number =
        spec.distinct ? (index * stride + start) % n : low + whole_below(values[i], high - low);
    const auto element = static_cast<std::int32_t>(number);
    std::memcpy(out + i * sizeof element, &element, sizeof element);
  }
}

template <class T>
T element(std::span<const std::byte> bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

float input_value(std::uint64_t seed, std::uint32_t stream, std::uint64_t index) noexcept {
  return to_unit_range(words(seed, stream, index / 4)[index % 4]);
}

void input_values(std::uint64_t seed, std::uint32_t stream, std::uint64_t first,
                  std::span<float> out) noexcept {
  std::size_t i = 0;
  for (; i < out.size() && (first + i) % 4 != 0; ++i) out[i] = input_value(seed, stream, first + i);
  for (; i + 4 * kLanes <= out.size(); i += 4 * kLanes)
    values_of_groups(seed, stream, (first + i) / 4, out.data() + i);
  for (; i < out.size(); ++i) out[i] = input_value(seed, stream, first + i);
}

std::vector<std::byte> input_bytes(std::uint64_t seed, std::uint32_t stream, std::int64_t count,
                                   DType dtype) {
  return input_bytes({.name = {}, .shape = {count}, .dtype = dtype, .stream = stream}, seed);
}

std::vector<std::byte> input_bytes(const TensorSpec& spec, std::uint64_t seed) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(spec.bytes()));
  fill_input(spec, seed, bytes.data());
  return bytes;
}

void fill_input(const TensorSpec& spec, std::uint64_t seed, std::byte* out) {
  // One thread makes some 500 million elements a second, too few for a GPU's arrays.
  constexpr std::size_t kLeastPerThread = 1 << 20;
  const auto total = static_cast<std::size_t>(spec.elements());
  in_parts(total, kLeastPerThread, [&](std::size_t, std::size_t first, std::size_t end) {
    const auto offset = first * static_cast<std::size_t>(size_bytes(spec.dtype));
    write_input(spec, seed, first, end - first, out + offset);
  });
}

void write_input(const TensorSpec& spec, std::uint64_t seed, std::size_t first, std::size_t count,
                 std::byte* out) {
  constexpr std::size_t kChunk = 4096;
  const std::size_t start = first;
  const auto element_size = static_cast<std::size_t>(size_bytes(spec.dtype));
  const bool as_drawn = spec.low == -1 && spec.high == 1;
  std::array<float, kChunk> values{};
  for (const std::size_t end = first + count; first < end; first += kChunk) {
    const std::span chunk(values.data(), std::min(kChunk, end - first));
    input_values(seed, spec.stream, first, chunk);
    std::byte* const place = out + (first - start) * element_size;
    if (spec.dtype == DType::int32) {
      write_whole_numbers(spec, seed, first, chunk, place);
      continue;
    }
    if (!as_drawn) {
      for (float& v : chunk) {
        v = static_cast<float>(spec.low + (spec.high - spec.low) * ((double{v} + 1) / 2));
      }
    }
    round_to(spec.dtype, chunk, place);
  }
}

std::vector<double> to_double(std::span<const std::byte> bytes, DType dtype) {
  std::vector<double> values(bytes.size() / static_cast<std::size_t>(size_bytes(dtype)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (dtype) {
      case DType::float32: values[i] = double{element<float>(bytes, i)}; break;
      case DType::float64: values[i] = element<double>(bytes, i); break;
      case DType::float16:
        values[i] = double{half_to_float(element<std::uint16_t>(bytes, i))};
        break;
      case DType::int32: values[i] = static_cast<double>(element<std::int32_t>(bytes, i)); break;
      case DType::bfloat16:
        values[i] = double{bfloat16_to_float(element<std::uint16_t>(bytes, i))};
        break;
    }
  }
  return values;
}

}  // namespace mlbench::workload
