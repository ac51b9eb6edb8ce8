#include "core/text.hpp"
#include "kit/memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace mlbench::kit {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<std::int64_t> read_number(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::nullopt;
  return parse_int(trim(*text));  // "max" is no number: no limit
}

/// The folder of this process's control group (version 2), where its limits are files.
std::optional<std::string> control_group() {
  const auto text = read_text("/proc/self/cgroup");
  if (!text) return std::nullopt;
  for (const auto line : lines_of(*text)) {
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + std::string(line.substr(3));
  }
  return std::nullopt;
}

std::optional<std::int64_t> smaller(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<std::int64_t> meminfo(std::string_view name) {
  const auto text = read_text("/proc/meminfo");
  return text ? meminfo_bytes(*text, name) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> total_memory_bytes() {
  const auto group = control_group();
  return smaller(meminfo("MemTotal"), group ? read_number(*group + "/memory.max") : std::nullopt);
}

void bound_memory(std::int64_t bytes) {
  std::ofstream("/proc/self/oom_score_adj") << "1000";
  // Writable private memory: what a process really takes. Address space alone would not do, as GPU
  // drivers reserve terabytes of it.
  constexpr std::int64_t kRoom = std::int64_t{256} << 20;  // for the framework itself
  const auto status = read_text("/proc/self/status");
  const auto used = status ? meminfo_bytes(*status, "VmData") : std::nullopt;
  rlimit limit{};
  if (!used || getrlimit(RLIMIT_DATA, &limit) != 0) return;
  const auto wanted = static_cast<rlim_t>(*used + bytes + kRoom);
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted) return;  // stricter already
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_DATA, &limit);
}

std::optional<std::int64_t> available_memory_bytes() {
  const auto system = meminfo("MemAvailable");
  const auto group = control_group();
  if (!group) return system;
  const auto limit = read_number(*group + "/memory.max");
  const auto used = read_number(*group + "/memory.current");
  if (!limit || !used) return system;
  return smaller(system, std::max<std::int64_t>(*limit - *used, 0));
}

std::optional<std::int64_t> process_peak_bytes() {
  const auto text = read_text("/proc/self/status");
  return text ? meminfo_bytes(*text, "VmHWM") : std::nullopt;
}

void reset_process_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets VmHWM
}

}  // namespace mlbench::kit
