#include "kit/device_spin.hpp"
#include "torch/device.hpp"
#include "torch/device_spin.hpp"

#include <ATen/DeviceGuard.h>

namespace at::cuda {
// Of ATen/cuda/Sleep.h: launches a kernel of one thread that reads clock64() until so many cycles
// have passed. Weak, because builds of PyTorch for the CPU lack it.
[[gnu::weak]] void sleep(std::int64_t cycles);
}  // namespace at::cuda

namespace mlbench::torch_worker {

std::optional<double> device_spin_s(at::Device device) {
  if (!device.is_cuda() || at::cuda::sleep == nullptr) return std::nullopt;
  const at::DeviceGuard guard(device);
  return kit::spin_difference_s(
      [&](std::int64_t cycles) {
        at::cuda::sleep(cycles);
        synchronize(device);
      },
      kit::kCudaSpinCycles);
}

}  // namespace mlbench::torch_worker
