#include "torch/device.hpp"

#include <dlfcn.h>

#include <array>

namespace mlbench::torch_worker {
namespace {

// The driver's own library, opened at run time: the CUDA wheel needs it, no CUDA header does. Its
// device ordinals are those of the CUDA runtime (both obey CUDA_VISIBLE_DEVICES).
template <class F>
F* driver_function(void* driver, const char* name) {
  return reinterpret_cast<F*>(dlsym(driver, name));
}

constexpr int kMultiprocessorCount = 16;  // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
constexpr int kCapabilityMajor = 75;      // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
constexpr int kCapabilityMinor = 76;      // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR

}  // namespace

DeviceFacts device_facts(at::Device device) {
  DeviceFacts facts;
  if (!device.is_cuda()) return facts;
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return facts;
  auto* initialise = driver_function<int(unsigned)>(driver, "cuInit");
  auto* get_name = driver_function<int(char*, int, int)>(driver, "cuDeviceGetName");
  auto* attribute = driver_function<int(int*, int, int)>(driver, "cuDeviceGetAttribute");
  auto* version = driver_function<int(int*)>(driver, "cuDriverGetVersion");
  if (!initialise || !get_name || !attribute || !version || initialise(0) != 0) return facts;

  const int ordinal = device.index();
  std::array<char, 128> name{};
  if (get_name(name.data(), static_cast<int>(name.size()), ordinal) == 0) facts.name = name.data();
  int value = 0, minor = 0;
  if (attribute(&value, kMultiprocessorCount, ordinal) == 0) facts.cores = value;
  if (attribute(&value, kCapabilityMajor, ordinal) == 0 &&
      attribute(&minor, kCapabilityMinor, ordinal) == 0) {
    facts.architecture = "sm_" + std::to_string(value) + std::to_string(minor);
  }
  if (version(&value) == 0) {
    facts.driver = "CUDA " + std::to_string(value / 1000) + "." + std::to_string(value % 1000 / 10);
  }
  return facts;
}

}  // namespace mlbench::torch_worker
