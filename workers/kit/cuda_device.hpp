#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlbench::kit {

/// What NVIDIA's driver tells about a device; unknown is empty.
struct CudaDevice {
  std::optional<std::string> name;
  std::optional<std::int64_t> multiprocessors;
  std::optional<std::string> compute_capability;  ///< "9.0"
  std::optional<std::int64_t> l2_bytes;
  std::optional<std::string> cuda_version;  ///< The newest that the driver serves: "13.0".
};

/// Device `ordinal` as the CUDA runtime counts them (both obey CUDA_VISIBLE_DEVICES). The driver's
/// library is opened at run time, so no CUDA header is needed; without a driver all is empty.
[[nodiscard]] CudaDevice cuda_device(int ordinal);

}  // namespace mlbench::kit
