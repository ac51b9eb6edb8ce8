#include "mlx/device_spin.hpp"

#include "kit/device_spin.hpp"

#include <mlx/backend/metal/metal.h>
#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

namespace mlbench::mlx_worker {
namespace {

constexpr const char* kMetal = "const long count = amount[0];" MLBENCH_METAL_SPIN "y[0] = x;";

// As the kernel that PyTorch launches for the same purpose (ATen/cuda/Sleep.h), but it reads the
// GPU's own timer too: what MLX takes to launch varies by more than a tenth of the time asked for.
constexpr const char* kCuda = R"(
  unsigned long long start_ns, end_ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start_ns));
  const long long start = clock64();
  long long passed = 0;
  while (passed < amount[0]) passed = clock64() - start;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(end_ns));
  y[0] = static_cast<unsigned int>(end_ns - start_ns);
)";

const mx::fast::CustomKernelFunction& spin_kernel() {
  static const auto kernel = mx::metal::is_available()
                                 ? mx::fast::metal_kernel("mlbench_spin", {"amount"}, {"y"}, kMetal)
                                 : mx::fast::cuda_kernel("mlbench_spin", {"amount"}, {"y"}, kCuda);
  return kernel;
}

/// What the kernel wrote, when the device has finished.
std::uint32_t run_spin(std::int64_t amount, mx::Device device) {
  const auto asked = mx::full({2}, amount, mx::int64, device);
  mx::eval(asked);
  auto y = spin_kernel()({asked}, {{1}}, {mx::uint32}, {1, 1, 1}, {1, 1, 1}, {}, std::nullopt,
                         false, device)[0];
  mx::eval(y);
  return y.item<std::uint32_t>();
}

}  // namespace

std::optional<double> device_spin_s(mx::Device device) {
  if (device == mx::Device::cpu) return std::nullopt;
  if (!mx::metal::is_available()) return run_spin(kit::kCudaSpinCycles, device) * 1e-9;
  return kit::spin_difference_s([&](std::int64_t steps) { run_spin(steps, device); },
                                kit::kMetalSpinSteps);
}

}  // namespace mlbench::mlx_worker
