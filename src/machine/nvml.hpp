#pragma once

#include "machine/machine.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// NVIDIA's management library, opened at run time: nothing of NVIDIA's is needed to build, and a
/// machine without a driver simply has no such GPUs.
namespace mlbench::machine {

/// All NVIDIA GPUs in the driver's order, which ignores CUDA_VISIBLE_DEVICES; empty without a
/// driver. The number of SMs is not told here: a framework's `describe` adds it.
[[nodiscard]] std::vector<Gpu> nvml_gpus();

/// Their state now, in the same order. The first call opens the library.
[[nodiscard]] std::vector<GpuState> nvml_states();

/// Names of the bits of nvmlDeviceGetCurrentClocksEventReasons(); a bit without a name is shown as
/// "reason_0x...". Source: nvml.h, "nvmlClocksEventReasons".
[[nodiscard]] std::vector<std::string> clock_reason_names(std::uint64_t bits);

}  // namespace mlbench::machine
