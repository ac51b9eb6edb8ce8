#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Readers of the texts under /proc and /sys. Each takes any text at all and returns what it could
/// make of it: a field that is missing or makes no sense is nullopt.
namespace mlbench::machine {

/// /proc/cpuinfo, of x86 and of Arm.
struct CpuInfo {
  std::optional<std::string> name;    ///< "model name", or Arm's part number as a name.
  std::optional<std::string> vendor;  ///< "AMD", "Intel", "ARM", ...
  std::optional<std::string> board;   ///< "Raspberry Pi 5 Model B Rev 1.0".
  std::optional<std::int64_t> logical_cores;
  std::optional<std::int64_t> physical_cores;  ///< Where "core id" is told (x86).
  std::vector<std::string> features;           ///< In the spelling of Cpu::features.
  /// Whether the CPU says that a hypervisor runs below the system; nullopt on Arm, which does not
  /// tell.
  std::optional<bool> hypervisor;
};
[[nodiscard]] CpuInfo parse_cpuinfo(std::string_view text);

/// /proc/meminfo.
struct MemInfo {
  std::optional<std::int64_t> total_bytes, available_bytes, swap_total_bytes, swap_free_bytes;
};
[[nodiscard]] MemInfo parse_meminfo(std::string_view text);

/// /etc/os-release. Source: man 5 os-release.
struct OsRelease {
  std::optional<std::string> name, version, build;
};
[[nodiscard]] OsRelease parse_os_release(std::string_view text);

/// /proc/loadavg.
struct LoadAverage {
  std::optional<double> load_1m, load_5m, load_15m;
  std::optional<std::int64_t> runnable_tasks;
};
[[nodiscard]] LoadAverage parse_loadavg(std::string_view text);

/// The line "some" of a file in /proc/pressure.
struct PressureLine {
  std::optional<double> some_fraction_10s, some_total_s;
};
[[nodiscard]] PressureLine parse_pressure(std::string_view text);

/// The line "cpu" of /proc/stat: time of all cores since boot. `ticks_per_s` is
/// sysconf(_SC_CLK_TCK). Source: man 5 proc; guest time is part of user time there.
struct CpuTimes {
  std::optional<double> total_s, busy_s, steal_s;
};
[[nodiscard]] CpuTimes parse_stat(std::string_view text, double ticks_per_s);

/// /proc/vmstat; swap counters are in pages.
struct VmStat {
  std::optional<std::int64_t> swapped_in_pages, swapped_out_pages, oom_kills;
};
[[nodiscard]] VmStat parse_vmstat(std::string_view text);

/// /proc/self/cgroup: where this process sits in each hierarchy, "/" at the root.
struct CgroupPaths {
  std::optional<std::string> unified, memory, cpu;  ///< cgroup v2; v1's controllers.
};
[[nodiscard]] CgroupPaths parse_cgroup(std::string_view text);

/// memory.max of cgroup v2, memory.limit_in_bytes of v1; nullopt for "max" and for v1's way of
/// saying so, a number near 2^63.
[[nodiscard]] std::optional<std::int64_t> parse_memory_limit(std::string_view text);
/// "inactive_file" of a group's memory.stat, with its subgroups ("total_inactive_file" in v1): page
/// cache that the kernel would give back first.
[[nodiscard]] std::optional<std::int64_t> parse_inactive_file(std::string_view text);
/// cpu.max of cgroup v2 ("200000 100000" is 2 cores); nullopt for "max".
[[nodiscard]] std::optional<double> parse_cpu_max(std::string_view text);

/// "0-3,8" -> {0, 1, 2, 3, 8}. At most 65536 numbers; nothing where a part makes no sense.
[[nodiscard]] std::vector<int> parse_cpu_list(std::string_view text);
/// "32K", "8192K", "32M" -> bytes.
[[nodiscard]] std::optional<std::int64_t> parse_cache_size(std::string_view text);
/// A number alone in its file; nullopt when it is negative.
[[nodiscard]] std::optional<std::int64_t> parse_count(std::string_view text);

/// "KVMKVMKVM" -> "KVM", from CPUID leaf 0x40000000; the signature itself when it is not known.
[[nodiscard]] std::optional<std::string> hypervisor_of_signature(std::string_view signature);
/// Of /sys/class/dmi/id/sys_vendor and product_name; nullopt where they name no virtual machine.
[[nodiscard]] std::optional<std::string> hypervisor_of_dmi(std::string_view vendor,
                                                           std::string_view product);
/// "docker", "podman", "kubernetes", "lxc" from the text of /proc/1/cgroup or /proc/self/mountinfo.
[[nodiscard]] std::optional<std::string> container_of_paths(std::string_view text);

}  // namespace mlbench::machine
