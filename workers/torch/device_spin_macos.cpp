#include "kit/device_spin.hpp"
#include "torch/device.hpp"
#include "torch/device_spin.hpp"

#include <ATen/ops/empty.h>
#include <torch/csrc/inductor/aoti_torch/c/shim_mps.h>

namespace mlbench::torch_worker {
namespace {

constexpr const char* kSource =
    "#include <metal_stdlib>\n"
    "kernel void mlbench_spin(device uint* y [[buffer(0)]], constant long& count [[buffer(1)]]) "
    "{" MLBENCH_METAL_SPIN
    "  y[0] = x;"
    "}";

/// Compiled once and kept until the process ends; null where PyTorch does not take it.
AOTIMetalKernelFunctionHandle spin_kernel() {
  static const AOTIMetalKernelFunctionHandle kernel = []() -> AOTIMetalKernelFunctionHandle {
    AOTIMetalShaderLibraryHandle library = nullptr;
    if (aoti_torch_mps_create_shader_library(kSource, &library) != 0) return nullptr;
    AOTIMetalKernelFunctionHandle function = nullptr;
    if (aoti_torch_mps_get_kernel_function(library, "mlbench_spin", &function) != 0) return nullptr;
    return function;
  }();
  return kernel;
}

struct Launch {
  at::Tensor y;
  std::int64_t steps;
};

void encode(AOTIMetalKernelFunctionHandle kernel, void* launch_data) {
  auto& launch = *static_cast<Launch*>(launch_data);
  aoti_torch_mps_start_encoding(kernel);
  // A handle of this interface is the address of a tensor.
  aoti_torch_mps_set_arg_tensor(kernel, 0, reinterpret_cast<AtenTensorHandle>(&launch.y));
  aoti_torch_mps_set_arg_int(kernel, 1, launch.steps);
  aoti_torch_mps_dispatch_single(kernel, 1);
}

}  // namespace

std::optional<double> device_spin_s(at::Device device) {
  if (!device.is_mps()) return std::nullopt;
  const auto kernel = spin_kernel();
  if (kernel == nullptr) return std::nullopt;
  Launch launch{.y = at::empty({1}, at::TensorOptions().dtype(at::kInt).device(device)),
                .steps = 0};
  return kit::spin_difference_s(
      [&](std::int64_t steps) {
        launch.steps = steps;
        aoti_torch_mps_run_command_block(kernel, encode, &launch);
        synchronize(device);
      },
      kit::kMetalSpinSteps);
}

}  // namespace mlbench::torch_worker
