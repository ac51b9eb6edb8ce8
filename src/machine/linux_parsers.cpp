#include "machine/linux_parsers.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace mlbench::machine {
namespace {

constexpr std::size_t kMaxCpus = 65536;

struct KeyValue {
  std::string_view key, value;
};

/// "key<separator>value", both trimmed; nullopt without the separator.
std::optional<KeyValue> key_value(std::string_view line, char separator) {
  const auto at = line.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  return KeyValue{trim(line.substr(0, at)), trim(line.substr(at + 1))};
}

/// The parts of `text` between spaces and tabs.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (auto at = text.find_first_not_of(" \t\r\n"); at != std::string_view::npos;) {
    const auto end = text.find_first_of(" \t\r\n", at);
    words.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    at = text.find_first_not_of(" \t\r\n", end);
  }
  return words;
}

std::optional<std::int64_t> scaled(std::optional<std::int64_t> value, std::int64_t factor) {
  if (!value || *value < 0 || *value > std::numeric_limits<std::int64_t>::max() / factor) {
    return std::nullopt;
  }
  return *value * factor;
}

std::optional<double> finite(std::string_view text) {
  const auto value = parse_double(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::string> non_empty(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

struct Name {
  std::string_view from, to;
};

template <std::size_t N>
std::optional<std::string> lookup(const std::array<Name, N>& names, std::string_view key) {
  const auto it =
      std::find_if(names.begin(), names.end(), [&](const Name& n) { return n.from == key; });
  if (it == names.end()) return std::nullopt;
  return std::string(it->to);
}

/// The kernel's spelling and ours, in the order in which features are listed.
constexpr std::array kX86Features = {
    Name{"sse4_2", "sse4_2"},
    Name{"avx", "avx"},
    Name{"f16c", "f16c"},
    Name{"fma", "fma"},
    Name{"avx2", "avx2"},
    Name{"avx_vnni", "avx_vnni"},
    Name{"avx_vnni_int8", "avx_vnni_int8"},
    Name{"avx_ne_convert", "avx_ne_convert"},
    Name{"avx512f", "avx512f"},
    Name{"avx512bw", "avx512bw"},
    Name{"avx512dq", "avx512dq"},
    Name{"avx512vl", "avx512vl"},
    Name{"avx512_vnni", "avx512_vnni"},
    Name{"avx512_bf16", "avx512_bf16"},
    Name{"avx512_fp16", "avx512_fp16"},
    Name{"avx10_1", "avx10_1"},
    Name{"avx10_2", "avx10_2"},
    Name{"amx_tile", "amx_tile"},
    Name{"amx_int8", "amx_int8"},
    Name{"amx_bf16", "amx_bf16"},
    Name{"amx_fp16", "amx_fp16"},
};
constexpr std::array kArmFeatures = {
    Name{"neon", "neon"},  // 32-bit kernels
    Name{"asimd", "neon"},      Name{"asimdhp", "fp16"},    Name{"asimddp", "dotprod"},
    Name{"bf16", "bf16"},       Name{"i8mm", "i8mm"},       Name{"sve", "sve"},
    Name{"svebf16", "svebf16"}, Name{"svei8mm", "svei8mm"}, Name{"sve2", "sve2"},
    Name{"sme", "sme"},         Name{"sme2", "sme2"},
};

template <std::size_t N>
std::vector<std::string> known_features(const std::array<Name, N>& names, std::string_view flags) {
  const auto words = words_of(flags);
  const std::set<std::string_view> present(words.begin(), words.end());
  std::vector<std::string> features;
  for (const Name& name : names) {
    const bool listed = std::find(features.begin(), features.end(), name.to) != features.end();
    if (present.contains(name.from) && !listed) features.emplace_back(name.to);
  }
  return features;
}

constexpr std::array kX86Vendors = {Name{"AuthenticAMD", "AMD"}, Name{"GenuineIntel", "Intel"},
                                    Name{"HygonGenuine", "Hygon"}, Name{"CentaurHauls", "Zhaoxin"},
                                    Name{"Shanghai", "Zhaoxin"}};

/// Arm's register MIDR holds numbers, no names. Source: Arm's Technical Reference Manuals and the
/// kernel's arch/arm64/include/asm/cputype.h.
constexpr std::array kArmVendors = {
    Name{"0x41", "ARM"},       Name{"0x42", "Broadcom"},  Name{"0x43", "Cavium"},
    Name{"0x46", "Fujitsu"},   Name{"0x48", "HiSilicon"}, Name{"0x4e", "NVIDIA"},
    Name{"0x51", "Qualcomm"},  Name{"0x53", "Samsung"},   Name{"0x61", "Apple"},
    Name{"0x6d", "Microsoft"}, Name{"0xc0", "Ampere"}};
constexpr std::array kArmParts = {
    Name{"0x41:0xd03", "Cortex-A53"},  Name{"0x41:0xd05", "Cortex-A55"},
    Name{"0x41:0xd07", "Cortex-A57"},  Name{"0x41:0xd08", "Cortex-A72"},
    Name{"0x41:0xd0a", "Cortex-A75"},  Name{"0x41:0xd0b", "Cortex-A76"},
    Name{"0x41:0xd0c", "Neoverse-N1"}, Name{"0x41:0xd40", "Neoverse-V1"},
    Name{"0x41:0xd41", "Cortex-A78"},  Name{"0x41:0xd42", "Cortex-A78AE"},
    Name{"0x41:0xd44", "Cortex-X1"},   Name{"0x41:0xd49", "Neoverse-N2"},
    Name{"0x41:0xd4f", "Neoverse-V2"}, Name{"0x41:0xd84", "Neoverse-V3"},
    Name{"0x41:0xd8e", "Neoverse-N3"}, Name{"0x46:0x001", "A64FX"},
    Name{"0x4e:0x004", "Carmel"},      Name{"0xc0:0xac3", "Ampere-1"},
    Name{"0xc0:0xac4", "Ampere-1a"}};

/// Everything of interest in /proc/cpuinfo, before it is interpreted.
struct RawCpuInfo {
  std::set<std::string_view> processors;
  std::set<std::pair<std::string_view, std::string_view>> cores;  ///< Package and core.
  std::string_view model_name, vendor, flags, arm_features, board, package;
  std::string_view implementer;
  std::vector<std::string_view> parts;  ///< Arm part numbers, each once, in order.
};

void take_line(RawCpuInfo& raw, const KeyValue& line) {
  const auto first = [&](std::string_view& field) {
    if (field.empty()) field = line.value;
  };
  if (line.key == "processor" && parse_count(line.value)) raw.processors.insert(line.value);
  if (line.key == "model name") first(raw.model_name);
  if (line.key == "vendor_id") first(raw.vendor);
  if (line.key == "flags") first(raw.flags);
  if (line.key == "Features") first(raw.arm_features);
  if (line.key == "Model") first(raw.board);
  if (line.key == "physical id") raw.package = line.value;
  if (line.key == "core id") raw.cores.emplace(raw.package, line.value);
  if (line.key == "CPU implementer") first(raw.implementer);
  if (line.key == "CPU part" &&
      std::find(raw.parts.begin(), raw.parts.end(), line.value) == raw.parts.end()) {
    raw.parts.push_back(line.value);
  }
}

/// "Cortex-A76 + Cortex-A55"; nullopt where a part is not known.
std::optional<std::string> arm_name(const RawCpuInfo& raw) {
  std::vector<std::string> names;
  for (const std::string_view part : raw.parts) {
    auto name = lookup(kArmParts, std::string(raw.implementer) + ":" + std::string(part));
    if (!name) return std::nullopt;
    names.push_back(*std::move(name));
  }
  return non_empty(join(names, " + "));
}

/// The value of "key=value" among words, for example of "some avg10=0.00 total=5".
std::optional<double> assigned(const std::vector<std::string_view>& words, std::string_view key) {
  for (const std::string_view word : words) {
    const auto pair = key_value(word, '=');
    if (pair && pair->key == key) return finite(pair->value);
  }
  return std::nullopt;
}

std::string unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  if (!quoted) return std::string(value);
  std::string text;
  const std::string_view inner = value.substr(1, value.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\' && i + 1 < inner.size()) ++i;
    text += inner[i];
  }
  return text;
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  RawCpuInfo raw;
  for (const auto line : lines_of(text)) {
    if (const auto pair = key_value(line, ':')) take_line(raw, *pair);
  }
  CpuInfo info;
  const bool arm = !raw.implementer.empty() || !raw.arm_features.empty();
  info.name = arm ? arm_name(raw) : std::nullopt;
  if (!info.name) info.name = non_empty(raw.model_name);
  info.vendor = arm ? lookup(kArmVendors, raw.implementer) : lookup(kX86Vendors, raw.vendor);
  if (!info.vendor && !arm) info.vendor = non_empty(raw.vendor);
  info.board = non_empty(raw.board);
  if (!raw.processors.empty()) info.logical_cores = std::ssize(raw.processors);
  if (!raw.cores.empty()) info.physical_cores = std::ssize(raw.cores);
  info.features = arm ? known_features(kArmFeatures, raw.arm_features)
                      : known_features(kX86Features, raw.flags);
  if (!raw.flags.empty()) {
    const auto flags = words_of(raw.flags);
    info.hypervisor = std::find(flags.begin(), flags.end(), "hypervisor") != flags.end();
  }
  return info;
}

MemInfo parse_meminfo(std::string_view text) {
  MemInfo info;
  for (const auto line : lines_of(text)) {
    const auto pair = key_value(line, ':');
    if (!pair || !pair->value.ends_with("kB")) continue;
    const auto kib = parse_int(pair->value.substr(0, pair->value.size() - 2));
    const auto bytes = scaled(kib ? std::optional<std::int64_t>(*kib) : std::nullopt, 1024);
    if (pair->key == "MemTotal") info.total_bytes = bytes;
    if (pair->key == "MemAvailable") info.available_bytes = bytes;
    if (pair->key == "SwapTotal") info.swap_total_bytes = bytes;
    if (pair->key == "SwapFree") info.swap_free_bytes = bytes;
  }
  return info;
}

OsRelease parse_os_release(std::string_view text) {
  OsRelease release;
  for (const auto line : lines_of(text)) {
    const auto pair = key_value(line, '=');
    if (!pair) continue;
    const auto value = non_empty(unquoted(pair->value));
    if (pair->key == "NAME") release.name = value;
    if (pair->key == "VERSION_ID") release.version = value;
    if (pair->key == "BUILD_ID") release.build = value;
  }
  return release;
}

LoadAverage parse_loadavg(std::string_view text) {
  LoadAverage load;
  const auto words = words_of(text);
  if (!words.empty()) load.load_1m = finite(words[0]);
  if (words.size() > 1) load.load_5m = finite(words[1]);
  if (words.size() > 2) load.load_15m = finite(words[2]);
  if (words.size() > 3) load.runnable_tasks = parse_count(split(words[3], '/').front());
  return load;
}

PressureLine parse_pressure(std::string_view text) {
  PressureLine pressure;
  for (const auto line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.empty() || words.front() != "some") continue;
    const auto percent = assigned(words, "avg10");
    const auto total_us = assigned(words, "total");
    if (percent) pressure.some_fraction_10s = *percent / 100;
    if (total_us) pressure.some_total_s = *total_us * 1e-6;
    break;
  }
  return pressure;
}

CpuTimes parse_stat(std::string_view text, double ticks_per_s) {
  // user nice system idle iowait irq softirq steal; what follows is contained in user and nice.
  constexpr std::size_t kIdle = 3, kIoWait = 4, kSteal = 7, kUsed = 8;
  CpuTimes times;
  if (!(ticks_per_s > 0)) return times;
  for (const auto line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.size() < 5 || words.front() != "cpu") continue;
    std::array<double, kUsed> ticks{};
    double total = 0;
    for (std::size_t i = 0; i < kUsed && i + 1 < words.size(); ++i) {
      const auto count = parse_count(words[i + 1]);
      if (!count) return times;
      ticks[i] = static_cast<double>(*count);
      total += ticks[i];
    }
    times.total_s = total / ticks_per_s;
    times.busy_s = (total - ticks[kIdle] - ticks[kIoWait]) / ticks_per_s;
    if (words.size() > kSteal + 1) times.steal_s = ticks[kSteal] / ticks_per_s;
    break;
  }
  return times;
}

VmStat parse_vmstat(std::string_view text) {
  VmStat stat;
  for (const auto line : lines_of(text)) {
    const auto pair = key_value(line, ' ');
    if (!pair) continue;
    if (pair->key == "pswpin") stat.swapped_in_pages = parse_count(pair->value);
    if (pair->key == "pswpout") stat.swapped_out_pages = parse_count(pair->value);
    if (pair->key == "oom_kill") stat.oom_kills = parse_count(pair->value);
  }
  return stat;
}

CgroupPaths parse_cgroup(std::string_view text) {
  CgroupPaths paths;
  for (const auto line : lines_of(text)) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view path = line.substr(second + 1);
    if (!path.starts_with('/')) continue;
    const auto controllers = split(line.substr(first + 1, second - first - 1), ',');
    for (const auto controller : controllers) {
      if (controller.empty()) paths.unified = std::string(path);
      if (controller == "memory") paths.memory = std::string(path);
      if (controller == "cpu") paths.cpu = std::string(path);
    }
  }
  return paths;
}

std::optional<std::int64_t> parse_memory_limit(std::string_view text) {
  constexpr std::int64_t kNoLimit = std::int64_t{1} << 62;
  const auto bytes = parse_count(text);
  if (!bytes || *bytes == 0 || *bytes >= kNoLimit) return std::nullopt;
  return bytes;
}

std::optional<std::int64_t> parse_inactive_file(std::string_view text) {
  std::optional<std::int64_t> own, total;
  for (const auto line : lines_of(text)) {
    const auto pair = key_value(line, ' ');
    if (!pair) continue;
    if (pair->key == "inactive_file") own = parse_count(pair->value);
    if (pair->key == "total_inactive_file") total = parse_count(pair->value);
  }
  return total ? total : own;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto words = words_of(text);
  if (words.size() != 2) return std::nullopt;
  const auto quota_us = parse_count(words[0]);
  const auto period_us = parse_count(words[1]);
  if (!quota_us || !period_us || *quota_us == 0 || *period_us == 0) return std::nullopt;
  return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  text = trim(text);
  if (text.empty()) return cpus;
  for (const auto part : split(text, ',')) {
    const auto ends = split(part, '-');
    const auto from = parse_count(ends.front());
    const auto to = ends.size() == 2 ? parse_count(ends.back()) : from;
    if (ends.size() > 2 || !from || !to || *to < *from) return {};
    if (*to >= static_cast<std::int64_t>(kMaxCpus)) return {};
    for (auto cpu = *from; cpu <= *to; ++cpu) {
      if (cpus.size() == kMaxCpus) return {};
      cpus.push_back(static_cast<int>(cpu));
    }
  }
  return cpus;
}

std::optional<std::int64_t> parse_cache_size(std::string_view text) {
  text = trim(text);
  std::int64_t unit = 1;
  if (text.ends_with('K')) unit = std::int64_t{1} << 10;
  if (text.ends_with('M')) unit = std::int64_t{1} << 20;
  if (text.ends_with('G')) unit = std::int64_t{1} << 30;
  if (unit > 1) text.remove_suffix(1);
  const auto bytes = scaled(parse_count(text), unit);
  return bytes == 0 ? std::nullopt : bytes;
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  const auto value = parse_int(text);
  if (!value || *value < 0) return std::nullopt;
  return *value;
}

std::optional<std::string> hypervisor_of_signature(std::string_view signature) {
  constexpr std::array kNames = {
      Name{"KVMKVMKVM", "KVM"},        Name{"Linux KVM Hv", "KVM"},
      Name{"Microsoft Hv", "Hyper-V"}, Name{"VMwareVMware", "VMware"},
      Name{"XenVMMXenVMM", "Xen"},     Name{"VBoxVBoxVBox", "VirtualBox"},
      Name{"prl hyperv", "Parallels"}, Name{"TCGTCGTCGTCG", "QEMU"},
      Name{"bhyve bhyve", "bhyve"},    Name{"ACRNACRNACRN", "ACRN"},
  };
  while (!signature.empty() && signature.back() == '\0') signature.remove_suffix(1);
  signature = trim(signature);
  if (signature.empty()) return std::nullopt;
  const auto known = lookup(kNames, signature);
  return known ? known : std::string(signature);
}

std::optional<std::string> hypervisor_of_dmi(std::string_view vendor, std::string_view product) {
  constexpr std::array kVendors = {Name{"QEMU", "QEMU"},
                                   Name{"VMware, Inc.", "VMware"},
                                   Name{"innotek GmbH", "VirtualBox"},
                                   Name{"Xen", "Xen"},
                                   Name{"Parallels", "Parallels"},
                                   Name{"Parallels International GmbH.", "Parallels"},
                                   Name{"Bochs", "QEMU"},
                                   Name{"Google", "Google Compute Engine"},
                                   Name{"Apple Inc.", "Apple Virtualization"}};
  vendor = trim(vendor);
  product = trim(product);
  // These vendors also sell or rent real machines; the product tells.
  if (vendor == "Apple Inc." && !product.starts_with("Apple Virtualization")) return std::nullopt;
  if (vendor == "Google" && product != "Google Compute Engine") return std::nullopt;
  if (vendor == "Microsoft Corporation" && product == "Virtual Machine") return "Hyper-V";
  if (vendor == "Amazon EC2" && product.find(".metal") == std::string_view::npos) {
    return "Amazon EC2";
  }
  return lookup(kVendors, vendor);
}

std::optional<std::string> container_of_paths(std::string_view text) {
  constexpr std::array kMarks = {Name{"kubepods", "kubernetes"},
                                 Name{"/kubelet/pods/", "kubernetes"},
                                 Name{"/docker/containers/", "docker"},
                                 Name{":/docker/", "docker"},
                                 Name{"/libpod-", "podman"},
                                 Name{"/lxc/", "lxc"},
                                 Name{"/lxc.payload", "lxc"}};
  for (const Name& mark : kMarks) {
    if (text.find(mark.from) != std::string_view::npos) return std::string(mark.to);
  }
  return std::nullopt;
}

}  // namespace mlbench::machine
