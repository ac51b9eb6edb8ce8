#include "core/text.hpp"
#include "kit/cgroup.hpp"
#include "native/system.hpp"

#include <sched.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

namespace mlbench::native {
namespace {

const std::string kCgroup = "/sys/fs/cgroup";

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<std::int64_t> read_int(const std::string& path) {
  const auto text = read_file(path);
  return text ? parse_int(trim(*text)) : std::nullopt;
}

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) {  // more CPUs than a cpu_set_t holds
    for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); ++i) cpus.push_back(static_cast<int>(i));
    return cpus;
  }
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) cpus.push_back(static_cast<int>(i));
  }
  return cpus;
}

/// Hyper-threads of one core share its list of siblings.
int physical_cores(const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string name = "cpu" + std::to_string(cpu);
    const auto siblings =
        read_file("/sys/devices/system/cpu/" + name + "/topology/thread_siblings_list");
    cores.insert(siblings.value_or(name));
  }
  return static_cast<int>(cores.size());
}

std::optional<double> quota_cores() {
  std::optional<double> least;
  const auto take = [&](std::optional<double> cores) {
    if (cores) least = std::min(least.value_or(*cores), *cores);
  };
  const std::string groups = read_file("/proc/self/cgroup").value_or("");
  for (const auto& folder : kit::cgroup_folders(groups, "")) {
    take(parse_cpu_max(read_file(kCgroup + folder + "/cpu.max").value_or("")));
  }
  for (const auto& folder : kit::cgroup_folders(groups, "cpu")) {
    const std::string base = kCgroup + "/cpu" + folder + "/cpu.cfs_";
    const auto quota = read_int(base + "quota_us"), period = read_int(base + "period_us");
    if (quota && period && *quota > 0 && *period > 0) {
      take(static_cast<double>(*quota) / static_cast<double>(*period));
    }
  }
  return least;
}

}  // namespace

int usable_cores() {
  const int cores = physical_cores(allowed_cpus());
  const int quota = static_cast<int>(std::floor(quota_cores().value_or(cores)));
  return std::max(1, std::min(cores, quota));
}

std::optional<std::int64_t> last_level_cache_bytes() {
  std::optional<std::int64_t> largest;
  for (int i = 0; i < 8; ++i) {
    const auto text =
        read_file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/size");
    const auto size = text ? parse_cache_size(*text) : std::nullopt;
    if (size) largest = std::max(largest.value_or(0), *size);
  }
  return largest;
}

std::optional<std::string> cpu_name() {
  return parse_cpuinfo(read_file("/proc/cpuinfo").value_or(""), "model name");
}

bool cpu_has_float16_arithmetic() {
#if defined(__aarch64__)
  constexpr unsigned long kAsimdHalf = 1UL << 10;  // HWCAP_ASIMDHP
  return (getauxval(AT_HWCAP) & kAsimdHalf) != 0;
#else
  return false;
#endif
}

void prefer_fast_cores() {}

}  // namespace mlbench::native
