#include "machine/macos_facts.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace mlbench::machine {
namespace {

constexpr std::int64_t kMostLevels = 16;

std::optional<std::string> text_of(const SysctlValues& values, std::string_view key) {
  const auto it = values.find(key);
  if (it == values.end() || it->second.empty()) return std::nullopt;
  return it->second;
}

std::optional<std::int64_t> count_of(const SysctlValues& values, std::string_view key) {
  const auto text = text_of(values, key);
  const auto value = text ? parse_int(*text) : std::nullopt;
  if (!value || *value < 0) return std::nullopt;
  return *value;
}

/// A size or a number of cores, where 0 stands for "there is none".
std::optional<std::int64_t> size_of(const SysctlValues& values, std::string_view key) {
  const auto value = count_of(values, key);
  return value == 0 ? std::nullopt : value;
}

struct Feature {
  const char* key;
  const char* name;
};

/// In the order of Cpu::features. A feature may have an older key beside the present one.
constexpr std::array kFeatures = {
    Feature{"hw.optional.arm.AdvSIMD", "neon"},
    Feature{"hw.optional.neon", "neon"},
    Feature{"hw.optional.arm.FEAT_FP16", "fp16"},
    Feature{"hw.optional.neon_fp16", "fp16"},
    Feature{"hw.optional.arm.FEAT_DotProd", "dotprod"},
    Feature{"hw.optional.arm.FEAT_BF16", "bf16"},
    Feature{"hw.optional.arm.FEAT_I8MM", "i8mm"},
    Feature{"hw.optional.arm.FEAT_SME", "sme"},
    Feature{"hw.optional.arm.FEAT_SME2", "sme2"},
};

std::vector<std::string> features_of(const SysctlValues& values) {
  std::vector<std::string> features;
  for (const auto& [key, name] : kFeatures) {
    const bool listed = std::find(features.begin(), features.end(), name) != features.end();
    if (count_of(values, key) == 1 && !listed) features.emplace_back(name);
  }
  return features;
}

std::string level_key(std::int64_t level, const char* field) {
  return "hw.perflevel" + std::to_string(level) + "." + field;
}

CoreGroup core_group(const SysctlValues& values, std::int64_t level) {
  CoreGroup group;
  group.name = text_of(values, level_key(level, "name"));
  group.physical_cores = size_of(values, level_key(level, "physicalcpu"));
  group.logical_cores = size_of(values, level_key(level, "logicalcpu"));
  group.l1d_bytes = size_of(values, level_key(level, "l1dcachesize"));
  group.l2_bytes = size_of(values, level_key(level, "l2cachesize"));
  group.l2_sharing_cores = size_of(values, level_key(level, "cpusperl2"));
  group.l3_bytes = size_of(values, level_key(level, "l3cachesize"));
  group.l3_sharing_cores = size_of(values, level_key(level, "cpusperl3"));
  return group;
}

/// Cores by what the system calls them. Apple has used "Performance" and "Efficiency", and later
/// "Super" and "Performance": only the name "Efficiency" is relied upon.
void count_kinds(Cpu& cpu) {
  std::int64_t efficiency = 0, others = 0;
  for (const CoreGroup& group : cpu.groups) {
    if (!group.name || !group.physical_cores) return;
    (*group.name == "Efficiency" ? efficiency : others) += *group.physical_cores;
  }
  cpu.performance_cores = others;
  cpu.efficiency_cores = efficiency;
}

/// With one kind of core, and on Intel Macs, the general keys tell the caches.
void add_general_caches(const SysctlValues& values, Cpu& cpu) {
  cpu.l1d_bytes = size_of(values, "hw.l1dcachesize");
  cpu.l2_bytes = size_of(values, "hw.l2cachesize");
  cpu.l3_bytes = size_of(values, "hw.l3cachesize");
}

Cpu cpu_of(const SysctlValues& values) {
  Cpu cpu;
  cpu.name = text_of(values, "machdep.cpu.brand_string");
  if (cpu.name && cpu.name->starts_with("Apple")) cpu.vendor = "Apple";
  if (cpu.name && cpu.name->starts_with("Intel")) cpu.vendor = "Intel";
  cpu.physical_cores = size_of(values, "hw.physicalcpu");
  cpu.logical_cores = size_of(values, "hw.logicalcpu");
  cpu.features = features_of(values);
  const std::int64_t levels = std::min(count_of(values, "hw.nperflevels").value_or(0), kMostLevels);
  if (levels == 0) {
    add_general_caches(values, cpu);
    return cpu;
  }
  const CoreGroup fastest = core_group(values, 0);
  cpu.l1d_bytes = fastest.l1d_bytes;
  cpu.l2_bytes = fastest.l2_bytes;
  cpu.l2_sharing_cores = fastest.l2_sharing_cores;
  cpu.l3_bytes = fastest.l3_bytes;
  cpu.l3_sharing_cores = fastest.l3_sharing_cores;
  if (levels > 1) {
    for (std::int64_t i = 0; i < levels; ++i) cpu.groups.push_back(core_group(values, i));
    count_kinds(cpu);
  }
  return cpu;
}

std::optional<std::int64_t> mebibytes(std::optional<std::int64_t> value) {
  constexpr std::int64_t kMebi = std::int64_t{1} << 20;
  if (!value || *value > std::numeric_limits<std::int64_t>::max() / kMebi) return std::nullopt;
  return *value * kMebi;
}

Memory memory_of(const SysctlValues& values) {
  Memory memory;
  memory.total_bytes = size_of(values, "hw.memsize");
  memory.page_bytes = size_of(values, "hw.pagesize");
  // 0 means that the system chooses.
  memory.wired_limit_bytes = mebibytes(size_of(values, "iogpu.wired_limit_mb"));
  return memory;
}

std::optional<bool> flag_of(const SysctlValues& values, std::string_view key) {
  const auto value = count_of(values, key);
  if (!value) return std::nullopt;
  return *value != 0;
}

}  // namespace

SysctlValues parse_sysctl(std::string_view text) {
  SysctlValues values;
  for (const auto line : lines_of(text)) {
    const auto at = line.find(':');
    if (at == std::string_view::npos || trim(line.substr(0, at)).empty()) continue;
    values.emplace(trim(line.substr(0, at)), trim(line.substr(at + 1)));
  }
  return values;
}

std::vector<SysctlKey> sysctl_keys(std::int64_t levels) {
  using Kind = SysctlKey::Kind;
  std::vector<SysctlKey> keys;
  for (const char* name : {"machdep.cpu.brand_string", "hw.model", "kern.osproductversion",
                           "kern.osversion", "kern.ostype", "kern.osrelease"}) {
    keys.push_back({name, Kind::text});
  }
  for (const char* name :
       {"hw.physicalcpu", "hw.logicalcpu", "hw.nperflevels", "hw.l1dcachesize", "hw.l2cachesize",
        "hw.l3cachesize", "hw.memsize", "hw.pagesize", "iogpu.wired_limit_mb",
        "kern.hv_vmm_present", "sysctl.proc_translated"}) {
    keys.push_back({name, Kind::integer});
  }
  for (const Feature& feature : kFeatures) keys.push_back({feature.key, Kind::integer});
  for (std::int64_t i = 0; i < std::min(levels, kMostLevels); ++i) {
    keys.push_back({level_key(i, "name"), Kind::text});
    for (const char* field : {"physicalcpu", "logicalcpu", "l1dcachesize", "l2cachesize",
                              "cpusperl2", "l3cachesize", "cpusperl3"}) {
      keys.push_back({level_key(i, field), Kind::integer});
    }
  }
  return keys;
}

Machine macos_machine(const SysctlValues& values) {
  Machine machine;
  machine.model = text_of(values, "hw.model");
  machine.cpu = cpu_of(values);
  machine.memory = memory_of(values);
  machine.os.name = "macOS";
  machine.os.version = text_of(values, "kern.osproductversion");
  machine.os.build = text_of(values, "kern.osversion");
  if (const auto release = text_of(values, "kern.osrelease")) {
    machine.os.kernel = text_of(values, "kern.ostype").value_or("Darwin") + " " + *release;
  }
  machine.translated = flag_of(values, "sysctl.proc_translated");
  if (const auto guest = flag_of(values, "kern.hv_vmm_present")) {
    machine.hypervisor = *guest ? "unknown hypervisor" : "none";
  }
  return machine;
}

std::optional<std::string> thermal_level_name(std::uint64_t level) {
  constexpr std::array kNames = {"nominal", "moderate", "heavy", "trapping", "sleeping"};
  if (level >= kNames.size()) return std::nullopt;
  return kNames[static_cast<std::size_t>(level)];
}

std::optional<std::string> memory_pressure_name(std::int64_t level) {
  switch (level) {
    case 1: return "normal";
    case 2: return "warn";
    case 4: return "critical";
    default: return std::nullopt;
  }
}

std::optional<std::string> power_source_name(std::string_view iokit_name) {
  if (iokit_name == "AC Power") return "ac";
  if (iokit_name == "Battery Power" || iokit_name == "UPS Power") return "battery";
  return std::nullopt;
}

}  // namespace mlbench::machine
