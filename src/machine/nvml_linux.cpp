#include "machine/nvml.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdio>

namespace mlbench::machine {
namespace {

// Documented signatures of nvml.h; its ABI is stable. Every function returns 0 for success.
using Device = struct NvmlDevice*;
using Unsigned = unsigned int;
struct NvmlMemory {
  unsigned long long total, free, used;
};

constexpr Unsigned kSmClock = 1, kMemoryClock = 2;  // nvmlClockType_t
constexpr Unsigned kGpuSensor = 0;                  // nvmlTemperatureSensors_t

/// A function of the library, or nothing in a driver that lacks it.
template <class... Args>
class Call {
 public:
  Call(void* library, const char* name)
      : function_(library == nullptr ? nullptr
                                     : reinterpret_cast<int (*)(Args...)>(dlsym(library, name))) {}

  [[nodiscard]] bool operator()(Args... args) const {
    return function_ != nullptr && function_(args...) == 0;
  }
  explicit operator bool() const { return function_ != nullptr; }

 private:
  int (*function_)(Args...);
};

struct Library {
  void* handle = dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
  Call<> init{handle, "nvmlInit_v2"};
  Call<Unsigned*> count{handle, "nvmlDeviceGetCount_v2"};
  Call<Unsigned, Device*> device{handle, "nvmlDeviceGetHandleByIndex_v2"};
  Call<char*, Unsigned> driver{handle, "nvmlSystemGetDriverVersion"};
  Call<Device, char*, Unsigned> name{handle, "nvmlDeviceGetName"};
  Call<Device, int*, int*> capability{handle, "nvmlDeviceGetCudaComputeCapability"};
  Call<Device, Unsigned*> cores{handle, "nvmlDeviceGetNumGpuCores"};
  Call<Device, Unsigned*> bus_width{handle, "nvmlDeviceGetMemoryBusWidth"};
  Call<Device, NvmlMemory*> memory{handle, "nvmlDeviceGetMemoryInfo"};
  Call<Device, Unsigned, Unsigned*> clock{handle, "nvmlDeviceGetClockInfo"};
  Call<Device, Unsigned, Unsigned*> max_clock{handle, "nvmlDeviceGetMaxClockInfo"};
  Call<Device, Unsigned, Unsigned*> temperature{handle, "nvmlDeviceGetTemperature"};
  Call<Device, Unsigned*> power{handle, "nvmlDeviceGetPowerUsage"};
  Call<Device, Unsigned*> power_limit{handle, "nvmlDeviceGetEnforcedPowerLimit"};
  // Renamed in driver 535; the old name stays for older drivers.
  Call<Device, unsigned long long*> event_reasons{handle, "nvmlDeviceGetCurrentClocksEventReasons"};
  Call<Device, unsigned long long*> throttle_reasons{handle,
                                                     "nvmlDeviceGetCurrentClocksThrottleReasons"};
  std::vector<Device> devices = open_devices();

  [[nodiscard]] std::vector<Device> open_devices() const {
    std::vector<Device> found;
    Unsigned total = 0;
    if (!init() || !count(&total)) return found;
    for (Unsigned i = 0; i < total; ++i) {
      Device each = nullptr;
      if (device(i, &each)) found.push_back(each);
    }
    return found;
  }
};

/// Opened once and kept until the process ends.
const Library& library() {
  static const Library instance;
  return instance;
}

template <class Function, class... Args>
std::optional<double> read_number(const Function& function, double unit, Device device,
                                  Args... args) {
  Unsigned value = 0;
  if (!function(device, args..., &value)) return std::nullopt;
  return static_cast<double>(value) * unit;
}

template <class Function>
std::optional<std::int64_t> read_integer(const Function& function, Device device) {
  Unsigned value = 0;
  if (!function(device, &value) || value == 0) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<std::string> name_of(const Library& nvml, Device device) {
  std::array<char, 96> text{};
  if (!nvml.name(device, text.data(), static_cast<Unsigned>(text.size()))) return std::nullopt;
  text.back() = '\0';
  return std::string(text.data());
}

std::optional<std::string> driver_version(const Library& nvml) {
  std::array<char, 80> text{};
  if (!nvml.driver(text.data(), static_cast<Unsigned>(text.size()))) return std::nullopt;
  text.back() = '\0';
  return std::string(text.data());
}

Gpu describe(const Library& nvml, Device device) {
  constexpr double kMega = 1e6, kMilli = 1e-3;
  Gpu gpu;
  gpu.name = name_of(nvml, device);
  gpu.driver = driver_version(nvml);
  int major = 0, minor = 0;
  if (nvml.capability(device, &major, &minor)) {
    gpu.compute_capability = std::to_string(major) + "." + std::to_string(minor);
  }
  gpu.cores = read_integer(nvml.cores, device);
  gpu.memory_bus_bits = read_integer(nvml.bus_width, device);
  NvmlMemory memory{};
  if (nvml.memory(device, &memory)) gpu.memory_bytes = static_cast<std::int64_t>(memory.total);
  gpu.max_sm_clock_hz = read_number(nvml.max_clock, kMega, device, kSmClock);
  gpu.max_memory_clock_hz = read_number(nvml.max_clock, kMega, device, kMemoryClock);
  gpu.power_limit_w = read_number(nvml.power_limit, kMilli, device);
  return gpu;
}

GpuState sample(const Library& nvml, Device device) {
  constexpr double kMega = 1e6, kMilli = 1e-3;
  GpuState state;
  state.name = name_of(nvml, device);
  state.sm_clock_hz = read_number(nvml.clock, kMega, device, kSmClock);
  state.memory_clock_hz = read_number(nvml.clock, kMega, device, kMemoryClock);
  state.temperature_c = read_number(nvml.temperature, 1, device, kGpuSensor);
  state.power_w = read_number(nvml.power, kMilli, device);
  NvmlMemory memory{};
  if (nvml.memory(device, &memory)) {
    state.memory_used_bytes = static_cast<std::int64_t>(memory.used);
  }
  unsigned long long reasons = 0;
  if (nvml.event_reasons(device, &reasons) || nvml.throttle_reasons(device, &reasons)) {
    state.clock_reasons = clock_reason_names(reasons);
  }
  return state;
}

}  // namespace

std::vector<Gpu> nvml_gpus() {
  std::vector<Gpu> gpus;
  for (const Device device : library().devices) gpus.push_back(describe(library(), device));
  return gpus;
}

std::vector<GpuState> nvml_states() {
  std::vector<GpuState> states;
  for (const Device device : library().devices) states.push_back(sample(library(), device));
  return states;
}

std::vector<std::string> clock_reason_names(std::uint64_t bits) {
  constexpr std::array kNames = {"gpu_idle",
                                 "applications_clocks_setting",
                                 "sw_power_cap",
                                 "hw_slowdown",
                                 "sync_boost",
                                 "sw_thermal_slowdown",
                                 "hw_thermal_slowdown",
                                 "hw_power_brake_slowdown",
                                 "display_clock_setting"};
  std::vector<std::string> names;
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t mask = std::uint64_t{1} << bit;
    if ((bits & mask) == 0) continue;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "reason_0x%llx", static_cast<unsigned long long>(mask));
    names.emplace_back(bit < kNames.size() ? kNames[bit] : text.data());
  }
  return names;
}

}  // namespace mlbench::machine
