#include "mlx/settings.hpp"

#include "kit/memory.hpp"
#include "mlx/device.hpp"

#include <mlx/backend/metal/metal.h>
#include <mlx/memory.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace mlbench::mlx_worker {
namespace {

constexpr std::size_t kSmallestCache = std::size_t{2} << 30;

/// Before macOS 15 MLX takes the limit, keeps it, and wires nothing; measuring goes on without.
std::size_t wire_working_set() {
  if (!mx::metal::is_available() || !kit::can_keep_gpu_memory_resident()) return 0;
  const auto bytes = device_number(mx::Device::gpu, "max_recommended_working_set_size");
  if (!bytes) return 0;
  try {
    mx::set_wired_limit(static_cast<std::size_t>(*bytes));
    return static_cast<std::size_t>(*bytes);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "the working set is not wired: %s\n", e.what());
    return 0;
  }
}

}  // namespace

void set_environment() {
  setenv("MLX_ENABLE_TF32", "0", /*replace=*/0);
}

MemorySettings set_memory_limits() {
  MemorySettings settings;
  settings.cache_limit_bytes = std::max(mx::get_memory_limit() / 4, kSmallestCache);
  mx::set_cache_limit(settings.cache_limit_bytes);
  settings.wired_limit_bytes = wire_working_set();
  return settings;
}

Json to_json(const MemorySettings& settings) {
  return {{"cache_limit_bytes", settings.cache_limit_bytes},
          {"wired_limit_bytes", settings.wired_limit_bytes}};
}

}  // namespace mlbench::mlx_worker
