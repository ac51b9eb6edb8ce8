#include "machine/linux_facts.hpp"
#include "machine/nvml.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace mlbench::machine {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{4} << 20;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 16384> buffer{};
  ssize_t count = 0;
  while (text.size() < kMostBytes && (count = read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(fd);
  if (count < 0) return std::nullopt;
  return text;
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  const auto close_folder = [](DIR* folder) { closedir(folder); };
  const std::unique_ptr<DIR, decltype(close_folder)> folder(opendir(path.c_str()), close_folder);
  if (!folder) return names;
  while (const dirent* entry = readdir(folder.get())) {
    std::string name(&entry->d_name[0]);
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> architecture() {
  utsname names{};
  if (uname(&names) != 0) return std::nullopt;
  return std::string(&names.machine[0]);
}

/// Source: Intel SDM volume 2 and AMD APM volume 3, CPUID: bit 31 of ECX of leaf 1 is kept for
/// hypervisors, which then name themselves in leaf 0x40000000.
std::optional<std::string> hypervisor_signature() {
#if defined(__x86_64__) || defined(__i386__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c >> 31) == 0) return std::nullopt;
  __cpuid(0x40000000, a, b, c, d);
  std::string signature;
  for (const unsigned word : {b, c, d}) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      signature += static_cast<char>((word >> shift) & 0xffU);
    }
  }
  return signature;
#else
  return std::nullopt;
#endif
}

std::optional<std::int64_t> usable_logical_cores() {
  // Larger than any machine that Linux runs on; the call fails when the set is too small.
  constexpr int kMostCpus = 65536;
  const auto free_set = [](cpu_set_t* set) { CPU_FREE(set); };
  const std::unique_ptr<cpu_set_t, decltype(free_set)> set(CPU_ALLOC(kMostCpus), free_set);
  const std::size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
  if (!set || sched_getaffinity(0, bytes, set.get()) != 0) return std::nullopt;
  return CPU_COUNT_S(bytes, set.get());
}

const LinuxFiles& this_system() {
  static const LinuxFiles files{read_file, list_folder};
  return files;
}

LinuxCalls numbers() {
  LinuxCalls calls;
  if (const long bytes = sysconf(_SC_PAGESIZE); bytes > 0) calls.page_bytes = bytes;
  if (const long ticks = sysconf(_SC_CLK_TCK); ticks > 0) {
    calls.ticks_per_s = static_cast<double>(ticks);
  }
  return calls;
}

/// What this system tells beyond its files.
void add_live_state(MachineState& state) {
  state.time_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  state.gpus = nvml_states();
}

}  // namespace

Result<Machine> discover_system() {
  LinuxCalls calls = numbers();
  calls.architecture = architecture();
  calls.hypervisor_signature = hypervisor_signature();
  calls.usable_logical_cores = usable_logical_cores();
  Machine machine = linux_machine(this_system(), calls);
  machine.gpus = nvml_gpus();
  add_live_state(machine.state);
  return machine;
}

std::vector<GpuState> gpu_states() {
  return nvml_states();
}

MachineState sample_system_state() {
  MachineState state = linux_state(this_system(), numbers());
  add_live_state(state);
  return state;
}

}  // namespace mlbench::machine
