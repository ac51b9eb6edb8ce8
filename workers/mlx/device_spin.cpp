#include "mlx/device_spin.hpp"

#include "kit/device_spin.hpp"

#include <mlx/backend/metal/metal.h>
#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

namespace mlbench::mlx_worker {
namespace {

constexpr const char* kMetal = "const long count = amount[0];" MLBENCH_METAL_SPIN "y[0] = x;";

// As the kernel that PyTorch launches for the same purpose (ATen/cuda/Sleep.h).
constexpr const char* kCuda = R"(
  const long long start = clock64();
  long long passed = 0;
  while (passed < amount[0]) passed = clock64() - start;
  y[0] = static_cast<uint32_t>(passed);
)";

const mx::fast::CustomKernelFunction& spin_kernel() {
  static const auto kernel = mx::metal::is_available()
                                 ? mx::fast::metal_kernel("mlbench_spin", {"amount"}, {"y"}, kMetal)
                                 : mx::fast::cuda_kernel("mlbench_spin", {"amount"}, {"y"}, kCuda);
  return kernel;
}

}  // namespace

std::optional<double> device_spin_s(mx::Device device) {
  if (device == mx::Device::cpu) return std::nullopt;
  return kit::spin_difference_s(
      [&](std::int64_t amount) {
        const auto asked = mx::full({2}, amount, mx::int64, device);
        mx::eval(asked);
        const auto y = spin_kernel()({asked}, {{1}}, {mx::uint32}, {1, 1, 1}, {1, 1, 1}, {},
                                     std::nullopt, false, device)[0];
        mx::eval(y);
      },
      mx::metal::is_available() ? kit::kMetalSpinSteps : kit::kCudaSpinCycles);
}

}  // namespace mlbench::mlx_worker
