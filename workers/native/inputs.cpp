#include "native/inputs.hpp"

#include "workload/input.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace mlbench::native {
namespace {

using workload::DType;

void convert(std::span<const float> values, DType dtype, std::byte* out) {
  switch (dtype) {
    case DType::float32: std::memcpy(out, values.data(), values.size_bytes()); return;
    case DType::float64:
      std::copy(values.begin(), values.end(), reinterpret_cast<double*>(out));
      return;
    case DType::float16:
      std::transform(values.begin(), values.end(), reinterpret_cast<std::uint16_t*>(out),
                     workload::float_to_half);
      return;
    case DType::bfloat16:
      std::transform(values.begin(), values.end(), reinterpret_cast<std::uint16_t*>(out),
                     workload::float_to_bfloat16);
      return;
  }
}

}  // namespace

Buffer make_input(ThreadPool& pool, const workload::TensorSpec& spec, std::uint64_t seed) {
  constexpr std::size_t kChunk = 4096;
  Buffer buffer(static_cast<std::size_t>(spec.bytes()));
  auto* const bytes = buffer.as<std::byte>();
  const auto element_bytes = static_cast<std::size_t>(workload::size_bytes(spec.dtype));
  pool.run([&](int part) {
    const auto range =
        part_of(static_cast<std::size_t>(spec.elements()), part, pool.size(), kGrain);
    std::array<float, kChunk> values;
    for (std::size_t done = 0; done < range.count; done += kChunk) {
      const std::span chunk(values.data(), std::min(kChunk, range.count - done));
      workload::input_values(seed, spec.stream, range.first + done, chunk);
      convert(chunk, spec.dtype, bytes + (range.first + done) * element_bytes);
    }
  });
  return buffer;
}

Buffer make_output(ThreadPool& pool, const workload::TensorSpec& spec) {
  Buffer output(static_cast<std::size_t>(spec.bytes()));
  refill(pool, spec, output);
  return output;
}

void refill(ThreadPool& pool, const workload::TensorSpec& spec, Buffer& output) {
  auto* const bytes = output.as<std::byte>();
  const auto element_bytes = static_cast<std::size_t>(workload::size_bytes(spec.dtype));
  pool.run([&](int part) {
    const auto range =
        part_of(static_cast<std::size_t>(spec.elements()), part, pool.size(), kGrain);
    std::memset(bytes + range.first * element_bytes, 0xFF, range.count * element_bytes);
  });
}

}  // namespace mlbench::native
