#include "kit/cuda_device.hpp"

#include <dlfcn.h>

#include <array>

namespace mlbench::kit {
namespace {

// CUdevice_attribute of cuda.h.
constexpr int kMultiprocessorCount = 16;
constexpr int kL2CacheBytes = 38;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;

/// Never closed: the frameworks use the same driver until the process ends.
void* driver() {
  static void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  return library;
}

/// Calls a function of the driver; true when it is there and returned 0 for success.
template <class... Args>
bool call(const char* name, Args... args) {
  auto* function = reinterpret_cast<int (*)(Args...)>(dlsym(driver(), name));
  return function != nullptr && function(args...) == 0;
}

std::optional<int> attribute(int which, int ordinal) {
  int value = 0;
  if (!call("cuDeviceGetAttribute", &value, which, ordinal)) return std::nullopt;
  return value;
}

}  // namespace

CudaDevice cuda_device(int ordinal) {
  CudaDevice device;
  if (driver() == nullptr || !call("cuInit", 0U)) return device;
  std::array<char, 128> name{};
  if (call("cuDeviceGetName", name.data(), static_cast<int>(name.size()), ordinal)) {
    device.name = name.data();
  }
  device.multiprocessors = attribute(kMultiprocessorCount, ordinal);
  device.l2_bytes = attribute(kL2CacheBytes, ordinal);
  const auto major = attribute(kCapabilityMajor, ordinal);
  const auto minor = attribute(kCapabilityMinor, ordinal);
  if (major && minor) {
    device.compute_capability = std::to_string(*major) + "." + std::to_string(*minor);
  }
  int version = 0;
  if (call("cuDriverGetVersion", &version)) {
    device.cuda_version =
        std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  }
  return device;
}

}  // namespace mlbench::kit
