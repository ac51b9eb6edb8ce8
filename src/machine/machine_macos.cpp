#include "machine/macos_facts.hpp"
#include "machine/system.hpp"

#include <dlfcn.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <sys/sysctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>

/// Asks a Mac through plain C: sysctl and Mach from libSystem, and CoreFoundation, IOKit and
/// notify opened at run time, so that building needs no Apple SDK.
namespace mlbench::machine {
namespace {

// ---- sysctl ----

std::optional<std::string> sysctl_text(const char* name) {
  std::size_t bytes = 0;
  if (sysctlbyname(name, nullptr, &bytes, nullptr, 0) != 0 || bytes == 0) return std::nullopt;
  std::string text(bytes, '\0');
  if (sysctlbyname(name, text.data(), &bytes, nullptr, 0) != 0) return std::nullopt;
  text.resize(std::min(bytes, text.size()));
  return text.substr(0, text.find('\0'));
}

/// Integer keys are 4 or 8 bytes wide, by key and by release.
std::optional<std::int64_t> sysctl_integer(const char* name) {
  std::array<char, 8> raw{};
  std::size_t bytes = raw.size();
  if (sysctlbyname(name, raw.data(), &bytes, nullptr, 0) != 0) return std::nullopt;
  if (bytes == sizeof(std::int32_t)) {
    std::int32_t value = 0;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  if (bytes == sizeof(std::int64_t)) {
    std::int64_t value = 0;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  return std::nullopt;
}

SysctlValues read_sysctl() {
  SysctlValues values;
  for (const auto& [name, kind] : sysctl_keys(sysctl_integer("hw.nperflevels").value_or(0))) {
    if (kind == SysctlKey::Kind::text) {
      if (auto text = sysctl_text(name.c_str())) values[name] = *text;
    } else if (const auto integer = sysctl_integer(name.c_str())) {
      values[name] = std::to_string(*integer);
    }
  }
  return values;
}

// ---- CoreFoundation and IOKit, opened at run time ----

using CfType = const void*;
constexpr std::uint32_t kUtf8 = 0x08000100;  // kCFStringEncodingUTF8
constexpr long kSInt64 = 4;                  // kCFNumberSInt64Type

/// A function of a library that is opened at run time, or nothing where it is not there.
template <class Signature>
class Symbol;

template <class Return, class... Args>
class Symbol<Return(Args...)> {
 public:
  Symbol(void* library, const char* name)
      : function_(library == nullptr
                      ? nullptr
                      : reinterpret_cast<Return (*)(Args...)>(dlsym(library, name))) {}
  explicit operator bool() const { return function_ != nullptr; }
  Return operator()(Args... args) const { return function_(args...); }

 private:
  Return (*function_)(Args...);
};

struct CoreFoundation {
  void* library = dlopen("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation",
                         RTLD_LAZY | RTLD_LOCAL);
  Symbol<void(CfType)> release{library, "CFRelease"};
  Symbol<unsigned long(CfType)> type_of{library, "CFGetTypeID"};
  Symbol<unsigned long()> string_type{library, "CFStringGetTypeID"};
  Symbol<unsigned long()> number_type{library, "CFNumberGetTypeID"};
  Symbol<unsigned long()> dictionary_type{library, "CFDictionaryGetTypeID"};
  Symbol<CfType(CfType, const char*, std::uint32_t)> make_string{library,
                                                                 "CFStringCreateWithCString"};
  Symbol<unsigned char(CfType, char*, long, std::uint32_t)> string_bytes{library,
                                                                         "CFStringGetCString"};
  Symbol<unsigned char(CfType, long, void*)> number_value{library, "CFNumberGetValue"};
  Symbol<CfType(CfType, CfType)> dictionary_value{library, "CFDictionaryGetValue"};
  Symbol<long(CfType)> array_count{library, "CFArrayGetCount"};
  Symbol<CfType(CfType, long)> array_value{library, "CFArrayGetValueAtIndex"};

  [[nodiscard]] bool usable() const {
    return release && type_of && string_type && number_type && dictionary_type && make_string &&
           string_bytes && number_value && dictionary_value && array_count && array_value;
  }
};

const CoreFoundation& cf() {
  static const CoreFoundation instance;
  return instance;
}

/// An object that we own, released at the end.
class Owned {
 public:
  explicit Owned(CfType object) : object_(object) {}
  ~Owned() {
    if (object_ != nullptr) cf().release(object_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  [[nodiscard]] CfType get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  CfType object_;
};

Owned cf_string(const char* text) {
  return Owned(cf().make_string(nullptr, text, kUtf8));
}

std::optional<std::string> as_text(CfType object) {
  if (object == nullptr || cf().type_of(object) != cf().string_type()) return std::nullopt;
  std::array<char, 256> text{};
  if (cf().string_bytes(object, text.data(), static_cast<long>(text.size()), kUtf8) == 0) {
    return std::nullopt;
  }
  return std::string(text.data());
}

std::optional<std::int64_t> as_integer(CfType object) {
  if (object == nullptr || cf().type_of(object) != cf().number_type()) return std::nullopt;
  std::int64_t value = 0;
  if (cf().number_value(object, kSInt64, &value) == 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer_under(CfType dictionary, const char* key) {
  const Owned name = cf_string(key);
  if (!name) return std::nullopt;
  return as_integer(cf().dictionary_value(dictionary, name.get()));
}

struct IoKit {
  void* library =
      dlopen("/System/Library/Frameworks/IOKit.framework/IOKit", RTLD_LAZY | RTLD_LOCAL);
  Symbol<CfType(const char*)> matching{library, "IOServiceMatching"};
  Symbol<mach_port_t(mach_port_t, CfType)> service{library, "IOServiceGetMatchingService"};
  Symbol<CfType(mach_port_t, CfType, CfType, std::uint32_t)> property{
      library, "IORegistryEntryCreateCFProperty"};
  Symbol<int(mach_port_t)> release{library, "IOObjectRelease"};
  Symbol<CfType()> power_info{library, "IOPSCopyPowerSourcesInfo"};
  Symbol<CfType(CfType)> power_list{library, "IOPSCopyPowerSourcesList"};
  Symbol<CfType(CfType, CfType)> power_description{library, "IOPSGetPowerSourceDescription"};
  Symbol<CfType(CfType)> providing_type{library, "IOPSGetProvidingPowerSourceType"};

  [[nodiscard]] bool has_registry() const {
    return cf().usable() && matching && service && property && release;
  }
  [[nodiscard]] bool has_power() const {
    return cf().usable() && power_info && power_list && power_description && providing_type;
  }
};

const IoKit& iokit() {
  static const IoKit instance;
  return instance;
}

/// Apple's GPU from the I/O registry, the only place that tells its number of cores.
std::vector<Gpu> registry_gpus() {
  if (!iokit().has_registry()) return {};
  const CfType matching = iokit().matching("AGXAccelerator");
  if (matching == nullptr) return {};
  const mach_port_t service = iokit().service(MACH_PORT_NULL, matching);  // releases `matching`
  if (service == MACH_PORT_NULL) return {};
  const auto property = [&](const char* key) {
    const Owned name = cf_string(key);
    return Owned(name ? iokit().property(service, name.get(), nullptr, 0) : nullptr);
  };
  Gpu gpu;
  gpu.name = as_text(property("model").get());
  gpu.cores = as_integer(property("gpu-core-count").get());
  static_cast<void>(iokit().release(service));
  if (!gpu.name && !gpu.cores) return {};
  return {gpu};
}

void add_power(MachineState& state) {
  if (!iokit().has_power()) return;
  const Owned info(iokit().power_info());
  if (!info) return;
  if (const auto type = as_text(iokit().providing_type(info.get()))) {
    state.power_source = power_source_name(*type);
  }
  const Owned list(iokit().power_list(info.get()));
  const long count = list ? cf().array_count(list.get()) : 0;
  for (long i = 0; i < count; ++i) {
    const CfType source = iokit().power_description(info.get(), cf().array_value(list.get(), i));
    if (source == nullptr || cf().type_of(source) != cf().dictionary_type()) continue;
    const auto now = integer_under(source, "Current Capacity");
    const auto full = integer_under(source, "Max Capacity");
    if (now && full && *full > 0 && *now >= 0 && *now <= *full) {
      state.battery_fraction = static_cast<double>(*now) / static_cast<double>(*full);
    }
  }
}

// ---- notify(3) ----

/// The state that the system keeps under a notification's name, registered once.
class NotifyState {
 public:
  explicit NotifyState(const char* name) : get_state_(RTLD_DEFAULT, "notify_get_state") {
    const Symbol<std::uint32_t(const char*, int*)> check(RTLD_DEFAULT, "notify_register_check");
    registered_ = check && get_state_ && check(name, &token_) == 0;
  }

  [[nodiscard]] std::optional<std::uint64_t> get() const {
    std::uint64_t state = 0;
    if (!registered_ || get_state_(token_, &state) != 0) return std::nullopt;
    return state;
  }

 private:
  Symbol<std::uint32_t(int, std::uint64_t*)> get_state_;
  int token_ = 0;
  bool registered_ = false;
};

void add_heat(MachineState& state) {
  static const NotifyState thermal("com.apple.system.thermalpressurelevel");
  static const NotifyState low_power("com.apple.system.lowpowermode");
  if (const auto level = thermal.get()) state.thermal_state = thermal_level_name(*level);
  if (const auto on = low_power.get()) state.low_power_mode = *on != 0;
}

// ---- Mach ----

std::int64_t page_bytes() {
  return sysctl_integer("hw.pagesize").value_or(16384);
}

mach_port_t host() {
  static const mach_port_t port = mach_host_self();
  return port;
}

void add_memory(MachineState& state) {
  vm_statistics64_data_t vm{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(host(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&vm), &count) ==
      KERN_SUCCESS) {
    const auto bytes = [page = page_bytes()](std::uint64_t pages) {
      return static_cast<std::int64_t>(pages) * page;
    };
    // Free pages, pages of files, and what programs have marked as disposable: all can be had
    // without compressing or swapping.
    state.memory_available_bytes =
        bytes(std::uint64_t{vm.free_count} + vm.external_page_count + vm.purgeable_count);
    state.swapped_in_bytes = bytes(vm.swapins);
    state.swapped_out_bytes = bytes(vm.swapouts);
  }
  xsw_usage swap{};
  std::size_t bytes = sizeof swap;
  if (sysctlbyname("vm.swapusage", &swap, &bytes, nullptr, 0) == 0) {
    state.swap_used_bytes = static_cast<std::int64_t>(swap.xsu_used);
  }
  if (const auto level = sysctl_integer("kern.memorystatus_vm_pressure_level")) {
    state.memory_pressure_level = memory_pressure_name(*level);
  }
}

void add_load(MachineState& state) {
  std::array<double, 3> load{};
  if (getloadavg(load.data(), 3) == 3) {
    state.load_1m = load[0];
    state.load_5m = load[1];
    state.load_15m = load[2];
  }
  host_cpu_load_info_data_t cpu{};
  mach_msg_type_number_t count = HOST_CPU_LOAD_INFO_COUNT;
  if (host_statistics(host(), HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&cpu), &count) !=
      KERN_SUCCESS) {
    return;
  }
  const long ticks_per_s = sysconf(_SC_CLK_TCK);
  if (ticks_per_s <= 0) return;
  const auto seconds = [&](int kind) {
    return static_cast<double>(cpu.cpu_ticks[kind]) / static_cast<double>(ticks_per_s);
  };
  state.cpu_busy_s = seconds(CPU_STATE_USER) + seconds(CPU_STATE_SYSTEM) + seconds(CPU_STATE_NICE);
  state.cpu_total_s = *state.cpu_busy_s + seconds(CPU_STATE_IDLE);
}

std::optional<std::string> architecture() {
  utsname names{};
  if (uname(&names) != 0) return std::nullopt;
  return std::string(&names.machine[0]);
}

}  // namespace

Result<Machine> discover_system() {
  Machine machine = macos_machine(read_sysctl());
  machine.architecture = architecture();
  machine.gpus = registry_gpus();
  machine.state = sample_system_state();
  machine.memory.available_bytes = machine.state.memory_available_bytes;
  return machine;
}

std::vector<GpuState> gpu_states() {
  return {};  // without root no interface of macOS tells clock, power or temperature of the GPU
}

MachineState sample_system_state() {
  MachineState state;
  state.time_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  add_load(state);
  add_memory(state);
  add_heat(state);
  add_power(state);
  return state;
}

}  // namespace mlbench::machine
