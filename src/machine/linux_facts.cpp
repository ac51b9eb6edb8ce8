#include "machine/linux_facts.hpp"

#include "core/text.hpp"
#include "machine/linux_parsers.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace mlbench::machine {
namespace {

const std::string kCpus = "/sys/devices/system/cpu";
const std::string kCpufreq = "/sys/devices/system/cpu/cpufreq";
constexpr std::size_t kMaxPolicies = 65536;

std::string read_or_empty(const LinuxFiles& files, const std::string& path) {
  return files.read(path).value_or("");
}

/// The trimmed text of a file; nullopt when it is missing or empty.
std::optional<std::string> read_line(const LinuxFiles& files, const std::string& path) {
  const auto text = files.read(path);
  if (!text || trim(*text).empty()) return std::nullopt;
  return std::string(trim(*text));
}

std::optional<std::int64_t> read_count(const LinuxFiles& files, const std::string& path) {
  return parse_count(read_or_empty(files, path));
}

template <class T>
void keep_larger(std::optional<T>& best, const std::optional<T>& value) {
  if (value && (!best || *value > *best)) best = value;
}

template <class T>
void keep_smaller(std::optional<T>& best, const std::optional<T>& value) {
  if (value && (!best || *value < *best)) best = value;
}

std::string cpu_folder(int cpu) {
  return kCpus + "/cpu" + std::to_string(cpu);
}

// ---- caches and kinds of core ----

/// Sizes of one cache of each level, as `cpu` sees them, and how many logical cores share one.
struct Caches {
  std::optional<std::int64_t> l1d_bytes, l2_bytes, l3_bytes;
  std::optional<std::int64_t> l1d_sharing, l2_sharing, l3_sharing;
};

Caches caches_of(const LinuxFiles& files, int cpu) {
  Caches caches;
  const std::string folder = cpu_folder(cpu) + "/cache";
  for (const std::string& entry : files.list(folder)) {
    if (!entry.starts_with("index")) continue;
    const std::string path = folder + "/" + entry;
    const auto level = read_count(files, path + "/level");
    const auto type = read_line(files, path + "/type");
    const auto bytes = parse_cache_size(read_or_empty(files, path + "/size"));
    const auto sharing =
        std::ssize(parse_cpu_list(read_or_empty(files, path + "/shared_cpu_list")));
    if (!level || !type || *type == "Instruction" || !bytes) continue;
    const auto shared = sharing > 0 ? std::optional<std::int64_t>(sharing) : std::nullopt;
    if (*level == 1) caches.l1d_bytes = bytes, caches.l1d_sharing = shared;
    if (*level == 2) caches.l2_bytes = bytes, caches.l2_sharing = shared;
    if (*level == 3) caches.l3_bytes = bytes, caches.l3_sharing = shared;
  }
  return caches;
}

/// Cores among `cpus` that are not threads of the same core; nullopt without a topology.
std::optional<std::int64_t> count_physical(const LinuxFiles& files, const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string topology = cpu_folder(cpu) + "/topology/";
    auto siblings = read_line(files, topology + "core_cpus_list");
    if (!siblings) siblings = read_line(files, topology + "thread_siblings_list");
    if (!siblings) return std::nullopt;
    cores.insert(*siblings);
  }
  if (cores.empty()) return std::nullopt;
  return std::ssize(cores);
}

using NamedCpus = std::vector<std::pair<std::string, std::vector<int>>>;

/// Intel's hybrid processors have one performance-counter unit per kind of core.
NamedCpus intel_kinds(const LinuxFiles& files) {
  NamedCpus kinds;
  const auto add = [&](const char* name, const char* folder) {
    auto cpus =
        parse_cpu_list(read_or_empty(files, std::string("/sys/devices/") + folder + "/cpus"));
    if (!cpus.empty()) kinds.emplace_back(name, std::move(cpus));
  };
  add("Performance", "cpu_core");
  add("Efficiency", "cpu_atom");
  return kinds;
}

/// Arm systems tell each core's capacity, 1024 for the fastest. The kind with the least is called
/// "Efficiency", every other one "Performance".
NamedCpus arm_kinds(const LinuxFiles& files, const std::vector<int>& cpus) {
  std::map<std::int64_t, std::vector<int>, std::greater<>> by_capacity;
  for (const int cpu : cpus) {
    const auto capacity = read_count(files, cpu_folder(cpu) + "/cpu_capacity");
    if (!capacity) return {};
    by_capacity[*capacity].push_back(cpu);
  }
  NamedCpus kinds;
  for (auto& [capacity, members] : by_capacity) {
    kinds.emplace_back("Performance", std::move(members));
  }
  if (!kinds.empty()) kinds.back().first = "Efficiency";
  return kinds;
}

CoreGroup core_group(const LinuxFiles& files, const std::string& name,
                     const std::vector<int>& cpus) {
  const Caches caches = caches_of(files, cpus.front());
  CoreGroup group;
  group.name = name;
  group.physical_cores = count_physical(files, cpus);
  group.logical_cores = std::ssize(cpus);
  group.l1d_bytes = caches.l1d_bytes;
  group.l2_bytes = caches.l2_bytes;
  group.l2_sharing_cores = caches.l2_sharing;
  group.l3_bytes = caches.l3_bytes;
  group.l3_sharing_cores = caches.l3_sharing;
  return group;
}

void add_core_groups(const LinuxFiles& files, const std::vector<int>& online, Cpu& cpu) {
  NamedCpus kinds = intel_kinds(files);
  if (kinds.empty()) kinds = arm_kinds(files, online);
  if (kinds.size() < 2) return;
  for (const auto& [name, cpus] : kinds) {
    const CoreGroup group = core_group(files, name, cpus);
    const auto cores = group.physical_cores.value_or(*group.logical_cores);
    auto& sum = name == "Efficiency" ? cpu.efficiency_cores : cpu.performance_cores;
    sum = sum.value_or(0) + cores;
    cpu.groups.push_back(group);
  }
}

int first_cpu(const LinuxFiles& files, const std::vector<int>& online) {
  const NamedCpus intel = intel_kinds(files);
  if (!intel.empty()) return intel.front().second.front();
  const NamedCpus arm = arm_kinds(files, online);
  if (!arm.empty()) return arm.front().second.front();
  return online.empty() ? 0 : online.front();
}

/// The largest of one file of all frequency policies, which is in kHz.
std::optional<double> largest_clock_hz(const LinuxFiles& files, const char* file,
                                       std::size_t most_policies) {
  std::optional<double> best_hz;
  std::size_t policies = 0;
  for (const std::string& entry : files.list(kCpufreq)) {
    if (!entry.starts_with("policy") || policies++ >= most_policies) continue;
    const auto khz = read_count(files, kCpufreq + "/" + entry + "/" + file);
    if (khz && *khz > 0) keep_larger(best_hz, std::optional(static_cast<double>(*khz) * 1e3));
  }
  return best_hz;
}

// ---- limits of a container ----

/// Paths of `file` for the group at `path` under `mount` and for all groups above it: a limit
/// anywhere on the way binds. In a container the path may be the host's and not exist; its own
/// group is then the root of the mount.
std::vector<std::string> files_upwards(const std::string& mount, std::string path,
                                       const std::string& file) {
  std::vector<std::string> paths;
  while (path.size() > 1) {
    paths.push_back(mount + path + "/" + file);
    path.erase(path.rfind('/'));
  }
  paths.push_back(mount + "/" + file);
  return paths;
}

/// The tightest limit on this process's memory and what its group uses of it already, without
/// page cache that the kernel would give back.
struct CgroupMemory {
  std::optional<std::int64_t> limit_bytes, used_bytes;
};

std::optional<std::int64_t> used_in_group(const LinuxFiles& files, const std::string& folder) {
  auto used = read_count(files, folder + "/memory.current");
  if (!used) used = read_count(files, folder + "/memory.usage_in_bytes");
  const auto cache = parse_inactive_file(read_or_empty(files, folder + "/memory.stat"));
  if (!used) return std::nullopt;
  return std::max(std::int64_t{0}, *used - cache.value_or(0));
}

CgroupMemory cgroup_memory(const LinuxFiles& files, const CgroupPaths& paths) {
  CgroupMemory tightest;
  const auto look = [&](const std::string& mount, const std::optional<std::string>& path,
                        const char* file) {
    for (const auto& name : files_upwards(mount, path.value_or("/"), file)) {
      const auto limit = parse_memory_limit(read_or_empty(files, name));
      if (!limit || (tightest.limit_bytes && *limit >= *tightest.limit_bytes)) continue;
      tightest = {limit, used_in_group(files, name.substr(0, name.rfind('/')))};
    }
  };
  look("/sys/fs/cgroup", paths.unified, "memory.max");
  look("/sys/fs/cgroup/memory", paths.memory, "memory.limit_in_bytes");
  return tightest;
}

std::optional<double> cgroup_cpu_quota(const LinuxFiles& files, const CgroupPaths& paths) {
  std::optional<double> cores;
  for (const auto& name : files_upwards("/sys/fs/cgroup", paths.unified.value_or("/"), "cpu.max")) {
    keep_smaller(cores, parse_cpu_max(read_or_empty(files, name)));
  }
  // Version 1 keeps the two numbers of cpu.max in two files.
  for (const char* mount : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    for (const auto& name : files_upwards(mount, paths.cpu.value_or("/"), "cpu.cfs_quota_us")) {
      const std::string folder = name.substr(0, name.rfind('/'));
      const auto period = read_or_empty(files, folder + "/cpu.cfs_period_us");
      keep_smaller(cores, parse_cpu_max(read_or_empty(files, name) + " " + period));
    }
  }
  return cores;
}

// ---- what runs below and around ----

std::optional<std::string> hypervisor_of(const LinuxFiles& files, const LinuxCalls& calls,
                                         const CpuInfo& cpu) {
  if (calls.hypervisor_signature) {
    if (auto name = hypervisor_of_signature(*calls.hypervisor_signature)) return name;
  }
  if (cpu.hypervisor == false) return "none";
  if (const auto type = read_line(files, "/sys/hypervisor/type")) {
    return *type == "xen" ? "Xen" : *type;
  }
  const std::string tree = read_or_empty(files, "/proc/device-tree/hypervisor/compatible");
  if (tree.find("kvm") != std::string::npos) return "KVM";
  if (tree.find("xen") != std::string::npos) return "Xen";
  const std::string dmi = "/sys/class/dmi/id/";
  auto name = hypervisor_of_dmi(read_or_empty(files, dmi + "sys_vendor"),
                                read_or_empty(files, dmi + "product_name"));
  if (name) return name;
  if (cpu.hypervisor == true) return "unknown hypervisor";
  return std::nullopt;
}

std::optional<std::string> container_of(const LinuxFiles& files, const std::string& kernel) {
  if (kernel.find("microsoft") != std::string::npos) return "wsl";
  if (const auto name = read_line(files, "/run/systemd/container")) return name;
  if (files.read("/run/.containerenv")) return "podman";
  const auto cgroup = files.read("/proc/1/cgroup");
  const auto mounts = files.read("/proc/self/mountinfo");
  for (const auto& text : {cgroup, mounts}) {
    if (auto name = container_of_paths(text.value_or(""))) return name;
  }
  if (files.read("/.dockerenv")) return "docker";
  if (!cgroup && !mounts) return std::nullopt;
  return "none";
}

std::optional<std::string> model_of(const LinuxFiles& files, const CpuInfo& cpu) {
  if (cpu.board) return cpu.board;
  // Device-tree strings end with a zero byte.
  auto tree = files.read("/proc/device-tree/model");
  if (tree && !tree->empty()) return tree->substr(0, tree->find('\0'));
  return read_line(files, "/sys/class/dmi/id/product_name");
}

Cpu cpu_of(const LinuxFiles& files, const LinuxCalls& calls, const CpuInfo& info,
           const CgroupPaths& cgroup) {
  const auto online = parse_cpu_list(read_or_empty(files, kCpus + "/online"));
  Cpu cpu;
  cpu.name = info.name;
  cpu.vendor = info.vendor;
  cpu.features = info.features;
  cpu.logical_cores =
      online.empty() ? info.logical_cores : std::optional<std::int64_t>(std::ssize(online));
  cpu.physical_cores = count_physical(files, online);
  if (!cpu.physical_cores) cpu.physical_cores = info.physical_cores;
  cpu.usable_logical_cores = calls.usable_logical_cores;
  cpu.quota_cores = cgroup_cpu_quota(files, cgroup);
  cpu.max_clock_hz = largest_clock_hz(files, "cpuinfo_max_freq", kMaxPolicies);
  const Caches caches = caches_of(files, first_cpu(files, online));
  cpu.l1d_bytes = caches.l1d_bytes;
  cpu.l2_bytes = caches.l2_bytes;
  cpu.l3_bytes = caches.l3_bytes;
  cpu.l1d_sharing_cores = caches.l1d_sharing;
  cpu.l2_sharing_cores = caches.l2_sharing;
  cpu.l3_sharing_cores = caches.l3_sharing;
  add_core_groups(files, online, cpu);
  return cpu;
}

Memory memory_of(const LinuxFiles& files, const LinuxCalls& calls, const CgroupPaths& cgroup) {
  const MemInfo info = parse_meminfo(read_or_empty(files, "/proc/meminfo"));
  Memory memory;
  memory.total_bytes = info.total_bytes;
  memory.available_bytes = info.available_bytes;
  memory.swap_total_bytes = info.swap_total_bytes;
  memory.page_bytes = calls.page_bytes;
  const auto [limit, used] = cgroup_memory(files, cgroup);
  if (!limit || (info.total_bytes && *limit >= *info.total_bytes)) return memory;
  memory.cgroup_limit_bytes = limit;
  const std::int64_t left = std::max(std::int64_t{0}, *limit - used.value_or(0));
  keep_smaller(memory.available_bytes, std::optional(left));
  return memory;
}

Os os_of(const LinuxFiles& files, const std::string& kernel) {
  const OsRelease release = parse_os_release(read_or_empty(files, "/etc/os-release"));
  Os os;
  os.name = release.name;
  os.version = release.version;
  os.build = release.build;
  if (!kernel.empty()) os.kernel = "Linux " + kernel;
  return os;
}

// ---- state ----

std::optional<Pressure> pressure_of(const LinuxFiles& files, const char* resource) {
  const auto text = files.read(std::string("/proc/pressure/") + resource);
  if (!text) return std::nullopt;
  const PressureLine line = parse_pressure(*text);
  if (!line.some_fraction_10s && !line.some_total_s) return std::nullopt;
  return Pressure{line.some_fraction_10s, line.some_total_s};
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

/// The hottest of the sensors that belong to the CPU. Others (discs, radios) are not asked: some
/// of them answer slowly.
std::optional<double> cpu_temperature_c(const LinuxFiles& files) {
  std::optional<double> hottest;
  const auto take = [&](const std::string& path) {
    const auto milli = read_count(files, path);
    if (milli) keep_larger(hottest, std::optional(static_cast<double>(*milli) * 1e-3));
  };
  const std::string zones = "/sys/class/thermal";
  for (const std::string& entry : files.list(zones)) {
    if (!entry.starts_with("thermal_zone")) continue;
    const std::string type = read_or_empty(files, zones + "/" + entry + "/type");
    if (contains_any(type, {"x86_pkg_temp", "cpu", "soc"})) take(zones + "/" + entry + "/temp");
  }
  if (hottest) return hottest;
  const std::string sensors = "/sys/class/hwmon";
  for (const std::string& entry : files.list(sensors)) {
    const std::string name = read_or_empty(files, sensors + "/" + entry + "/name");
    if (contains_any(name, {"coretemp", "k10temp", "zenpower", "cpu"})) {
      take(sensors + "/" + entry + "/temp1_input");
    }
  }
  return hottest;
}

/// "battery" while one of the machine's own batteries is discharging, "ac" while a supply is
/// connected. Machines without either tell nothing.
void add_power(const LinuxFiles& files, MachineState& state) {
  const std::string folder = "/sys/class/power_supply";
  for (const std::string& entry : files.list(folder)) {
    const std::string supply = folder + "/" + entry;
    const auto type = read_line(files, supply + "/type");
    // Batteries of mice and headsets.
    if (!type || read_line(files, supply + "/scope") == "Device") continue;
    if (*type == "Battery") {
      if (read_line(files, supply + "/status") == "Discharging") state.power_source = "battery";
      const auto percent = read_count(files, supply + "/capacity");
      if (percent && *percent <= 100) state.battery_fraction = static_cast<double>(*percent) / 100;
    } else if (read_count(files, supply + "/online") == 1 && state.power_source != "battery") {
      state.power_source = "ac";
    }
  }
  if (const auto profile = read_line(files, "/sys/firmware/acpi/platform_profile")) {
    state.low_power_mode = *profile == "low-power";
  }
}

std::optional<std::int64_t> throttle_count(const LinuxFiles& files) {
  const std::string folder = kCpus + "/cpu0/thermal_throttle/";
  const auto package = read_count(files, folder + "package_throttle_count");
  return package ? package : read_count(files, folder + "core_throttle_count");
}

std::optional<std::int64_t> pages_to_bytes(std::optional<std::int64_t> pages,
                                           std::int64_t page_bytes) {
  constexpr std::int64_t kMostPages = std::int64_t{1} << 45;
  if (!pages || *pages > kMostPages) return std::nullopt;
  return *pages * page_bytes;
}

void add_memory(const LinuxFiles& files, const LinuxCalls& calls, MachineState& state) {
  const MemInfo memory = parse_meminfo(read_or_empty(files, "/proc/meminfo"));
  state.memory_available_bytes = memory.available_bytes;
  if (memory.swap_total_bytes && memory.swap_free_bytes) {
    state.swap_used_bytes =
        std::max(std::int64_t{0}, *memory.swap_total_bytes - *memory.swap_free_bytes);
  }
  const VmStat stat = parse_vmstat(read_or_empty(files, "/proc/vmstat"));
  state.swapped_in_bytes = pages_to_bytes(stat.swapped_in_pages, calls.page_bytes);
  state.swapped_out_bytes = pages_to_bytes(stat.swapped_out_pages, calls.page_bytes);
  state.oom_kills = stat.oom_kills;
}

void add_load(const LinuxFiles& files, const LinuxCalls& calls, MachineState& state) {
  const LoadAverage load = parse_loadavg(read_or_empty(files, "/proc/loadavg"));
  state.load_1m = load.load_1m;
  state.load_5m = load.load_5m;
  state.load_15m = load.load_15m;
  state.runnable_tasks = load.runnable_tasks;
  state.cpu_pressure = pressure_of(files, "cpu");
  state.memory_pressure = pressure_of(files, "memory");
  state.io_pressure = pressure_of(files, "io");
  const CpuTimes times = parse_stat(read_or_empty(files, "/proc/stat"), calls.ticks_per_s);
  state.cpu_total_s = times.total_s;
  state.cpu_busy_s = times.busy_s;
  state.cpu_steal_s = times.steal_s;
}

}  // namespace

Machine linux_machine(const LinuxFiles& files, const LinuxCalls& calls) {
  const CpuInfo info = parse_cpuinfo(read_or_empty(files, "/proc/cpuinfo"));
  const CgroupPaths cgroup = parse_cgroup(read_or_empty(files, "/proc/self/cgroup"));
  const std::string kernel = read_line(files, "/proc/sys/kernel/osrelease").value_or("");
  Machine machine;
  machine.architecture = calls.architecture;
  machine.model = model_of(files, info);
  machine.cpu = cpu_of(files, calls, info, cgroup);
  machine.memory = memory_of(files, calls, cgroup);
  machine.os = os_of(files, kernel);
  machine.cpu_governor = read_line(files, cpu_folder(0) + "/cpufreq/scaling_governor");
  machine.hypervisor = hypervisor_of(files, calls, info);
  machine.container = container_of(files, kernel);
  machine.state = linux_state(files, calls);
  return machine;
}

MachineState linux_state(const LinuxFiles& files, const LinuxCalls& calls) {
  // A reading may interrupt the core that it is about, so large machines are sampled.
  constexpr std::size_t kSampledPolicies = 8;
  MachineState state;
  state.cpu_clock_hz = largest_clock_hz(files, "scaling_cur_freq", kSampledPolicies);
  state.cpu_temperature_c = cpu_temperature_c(files);
  state.cpu_throttle_count = throttle_count(files);
  add_load(files, calls, state);
  add_memory(files, calls, state);
  add_power(files, state);
  return state;
}

}  // namespace mlbench::machine
