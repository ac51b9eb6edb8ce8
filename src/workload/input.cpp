#include "workload/input.hpp"

#include <algorithm>
#include <cstring>
#include <future>
#include <thread>

namespace mlbench::workload {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c,
                                        std::array<std::uint32_t, 2> k) noexcept {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = kMultiplier0 * c[0];
    const std::uint64_t p1 = kMultiplier1 * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9U;
    k[1] += 0xBB67AE85U;
  }
  return c;
}

namespace {

std::array<std::uint32_t, 4> words(std::uint64_t seed, std::uint32_t stream, std::uint64_t group) {
  return philox4x32(
      {static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(group >> 32), stream, 0},
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

float to_unit_range(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-23F - 1.0F;  // exact: 24 bits minus 1
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
  }
}

/// Elements [first, first + count) of `stream` to `out`, where the first of all elements lies.
void write_inputs(std::uint64_t seed, std::uint32_t stream, std::size_t first, std::size_t count,
                  DType dtype, std::byte* out) {
  constexpr std::size_t kChunk = 4096;
  const auto element_size = static_cast<std::size_t>(size_bytes(dtype));
  std::array<float, kChunk> values{};
  for (const std::size_t end = first + count; first < end; first += kChunk) {
    const std::span chunk(values.data(), std::min(kChunk, end - first));
    input_values(seed, stream, first, chunk);
    round_to(dtype, chunk, out + first * element_size);
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
  while (i < out.size()) {
    const std::uint64_t index = first + i;
    const auto group = words(seed, stream, index / 4);
    for (std::size_t j = index % 4; j < 4 && i < out.size(); ++j)
      out[i++] = to_unit_range(group[j]);
  }
}

std::vector<std::byte> input_bytes(std::uint64_t seed, std::uint32_t stream, std::int64_t count,
                                   DType dtype) {
  const auto total = static_cast<std::size_t>(count);
  std::vector<std::byte> bytes(total * static_cast<std::size_t>(size_bytes(dtype)));
  // One thread makes some 150 million elements a second, too few for a GPU's arrays.
  constexpr std::size_t kLeastPerThread = 1 << 20;
  const std::size_t most = std::clamp(std::thread::hardware_concurrency(), 1U, 16U);
  const std::size_t parts = std::clamp<std::size_t>(total / kLeastPerThread, 1, most);
  std::vector<std::future<void>> others;
  const auto begin_of = [&](std::size_t part) { return total / parts * part; };
  for (std::size_t part = 1; part < parts; ++part) {
    const std::size_t first = begin_of(part);
    const std::size_t end = part + 1 == parts ? total : begin_of(part + 1);
    others.push_back(std::async(std::launch::async, write_inputs, seed, stream, first, end - first,
                                dtype, bytes.data()));
  }
  write_inputs(seed, stream, 0, parts == 1 ? total : begin_of(1), dtype, bytes.data());
  for (auto& other : others) other.get();
  return bytes;
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
      case DType::bfloat16:
        values[i] = double{bfloat16_to_float(element<std::uint16_t>(bytes, i))};
        break;
    }
  }
  return values;
}

}  // namespace mlbench::workload
