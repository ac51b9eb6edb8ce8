#include "core/text.hpp"
#include "kit/cgroup.hpp"
#include "kit/memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

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

/// What a control group allows and has in use. Page cache counts as use but can be dropped.
struct Group {
  std::int64_t limit_bytes, used_bytes, cache_bytes;
};

std::int64_t inactive_file_bytes(const std::string& folder) {
  const std::string stat = read_text(folder + "/memory.stat").value_or("");
  for (const auto line : lines_of(stat)) {
    if (line.starts_with("inactive_file ")) return parse_int(trim(line.substr(14))).value_or(0);
  }
  return 0;
}

/// The groups of this process that have a limit, its own and those around it; versions 2 and 1.
std::vector<Group> limited_groups() {
  constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;  // version 1 states none as 2^63
  std::vector<Group> groups;
  const auto take = [&](const std::string& folder, const char* limit_file, const char* usage_file) {
    const auto limit = read_number(folder + limit_file), used = read_number(folder + usage_file);
    if (limit && used && *limit < kNoLimit)
      groups.push_back({*limit, *used, inactive_file_bytes(folder)});
  };
  const std::string own = read_text("/proc/self/cgroup").value_or("");
  for (const auto& folder : cgroup_folders(own, ""))
    take("/sys/fs/cgroup" + folder, "/memory.max", "/memory.current");
  for (const auto& folder : cgroup_folders(own, "memory"))
    take("/sys/fs/cgroup/memory" + folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes");
  return groups;
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
  auto total = meminfo("MemTotal");
  for (const auto& group : limited_groups()) total = smaller(total, group.limit_bytes);
  return total;
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
  auto available = meminfo("MemAvailable");
  for (const auto& group : limited_groups()) {
    const std::int64_t left = group.limit_bytes - group.used_bytes + group.cache_bytes;
    available = smaller(available, std::max<std::int64_t>(left, 0));
  }
  return available;
}

std::optional<std::int64_t> process_peak_bytes() {
  const auto text = read_text("/proc/self/status");
  return text ? meminfo_bytes(*text, "VmHWM") : std::nullopt;
}

void reset_process_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets VmHWM
}

bool can_keep_gpu_memory_resident() {
  return false;
}

}  // namespace mlbench::kit
