#include "native/inputs.hpp"

#include "workload/input.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace mlbench::native {

Buffer make_input(ThreadPool& pool, const workload::TensorSpec& spec, std::uint64_t seed) {
  Buffer buffer(static_cast<std::size_t>(spec.bytes()));
  auto* const bytes = buffer.as<std::byte>();
  const auto element_bytes = static_cast<std::size_t>(workload::size_bytes(spec.dtype));
  pool.run([&](int part) {
    const auto range =
        part_of(static_cast<std::size_t>(spec.elements()), part, pool.size(), kGrain);
    workload::write_input(spec, seed, range.first, range.count,
                          bytes + range.first * element_bytes);
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
