#include "torch/device.hpp"

#include <ATen/DeviceAccelerator.h>
#include <ATen/detail/MPSHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <algorithm>
#include <cstdlib>

namespace mlbench::torch_worker {
namespace {

/// The accelerator of this build, when a device of it is present.
std::optional<at::DeviceType> accelerator() {
  const auto type = at::accelerator::getAccelerator(false);
  if (!type || at::accelerator::deviceCount() < 1) return std::nullopt;
  return type;
}

Error no_such_device(const std::string& name) {
  std::string present;
  for (const auto& known : device_names()) present += (present.empty() ? "" : ", ") + known;
  const auto family = name.substr(0, name.find(':'));
  if (family == "mps" && !at::detail::getMPSHooks().hasMPS()) {
    return fail(ErrorKind::unsupported, "this PyTorch build has no mps device; it has " + present);
  }
  if (family == "cuda" && !c10::impl::hasDeviceGuardImpl(at::kCUDA)) {
    return fail(ErrorKind::unsupported,
                "this PyTorch build has no CUDA; its devices here are " + present);
  }
  return fail(ErrorKind::unsupported,
              "PyTorch finds no device \"" + name + "\" here; it finds " + present);
}

}  // namespace

std::string mps_refusal(const char* fallback, const char* high_watermark_ratio) {
  if (fallback != nullptr && std::strtol(fallback, nullptr, 10) != 0) {
    return "PYTORCH_ENABLE_MPS_FALLBACK=" + std::string(fallback) +
           " would run missing operations on the CPU unnoticed; unset it to measure mps";
  }
  if (high_watermark_ratio != nullptr && std::strtod(high_watermark_ratio, nullptr) == 0) {
    return "PYTORCH_MPS_HIGH_WATERMARK_RATIO=" + std::string(high_watermark_ratio) +
           " takes away PyTorch's memory limit, and a GPU that wires all memory can stop the "
           "machine; unset it to measure mps";
  }
  return {};
}

std::vector<std::string> device_names() {
  std::vector<std::string> names = {"cpu"};
  const auto type = accelerator();
  if (type == at::kMPS) names.emplace_back("mps");
  if (type == at::kCUDA) {
    for (int i = 0; i < at::accelerator::deviceCount(); ++i) {
      names.push_back("cuda:" + std::to_string(i));
    }
  }
  return names;
}

Result<at::Device> find_device(const std::string& name) {
  const std::string full = name == "cuda" ? "cuda:0" : name;
  const auto names = device_names();
  if (std::find(names.begin(), names.end(), full) == names.end()) return no_such_device(name);
  if (full == "mps") {
    if (auto refusal = mps_refusal(std::getenv("PYTORCH_ENABLE_MPS_FALLBACK"),
                                   std::getenv("PYTORCH_MPS_HIGH_WATERMARK_RATIO"));
        !refusal.empty())
      return fail(ErrorKind::unsupported, std::move(refusal));
    return at::Device(at::kMPS, 0);
  }
  return at::Device(full);
}

void synchronize(at::Device device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

std::optional<std::int64_t> device_available_bytes(at::Device device) {
  if (!device.is_mps()) return std::nullopt;
  const auto& hooks = at::detail::getMPSHooks();
  const auto most = static_cast<std::int64_t>(hooks.getRecommendedMaxMemory());
  const auto used = static_cast<std::int64_t>(hooks.getDriverAllocatedMemory());
  return std::max<std::int64_t>(0, most - used);
}

void empty_caches() {
  if (accelerator()) at::accelerator::emptyCache();
}

}  // namespace mlbench::torch_worker
