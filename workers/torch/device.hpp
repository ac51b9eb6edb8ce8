#pragma once

#include "core/error.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Devices through at::accelerator only, so that one source serves cpu, mps and cuda.
namespace mlbench::torch_worker {

/// "cpu", then "mps" or "cuda:0".."cuda:N" where this build and machine have them.
[[nodiscard]] std::vector<std::string> device_names();

/// Errors: `unsupported` when there is no such device, or mps_refusal() says why not.
[[nodiscard]] Result<at::Device> find_device(const std::string& name);

/// Why mps is not measured with these values of PYTORCH_ENABLE_MPS_FALLBACK and
/// PYTORCH_MPS_HIGH_WATERMARK_RATIO (null: not set), read as PyTorch reads them; empty where it is.
[[nodiscard]] std::string mps_refusal(const char* fallback, const char* high_watermark_ratio);

/// Returns when `device` has nothing left to do. Calls on the CPU return when they are done.
void synchronize(at::Device device);

/// What is left of the working set that Metal recommends (beyond it macOS swaps or stops); empty on
/// other devices.
[[nodiscard]] std::optional<std::int64_t> device_available_bytes(at::Device device);

/// Returns cached device memory to the system.
void empty_caches();

/// What only a platform's own interface tells about a device; unknown is empty.
struct DeviceFacts {
  std::optional<std::string> name;
  std::optional<std::int64_t> cores;                      ///< Apple.
  std::optional<std::int64_t> multiprocessors, l2_bytes;  ///< NVIDIA.
  std::optional<std::string> compute_capability, driver;  ///< NVIDIA.
};
[[nodiscard]] DeviceFacts device_facts(at::Device device);

}  // namespace mlbench::torch_worker
