#include "machine/machine.hpp"

#include "core/units.hpp"
#include "machine/fields.hpp"

#include <algorithm>
#include <array>

namespace mlbench::machine {

// Found by the templates of fields.hpp through the namespace of the types.
template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, CoreGroup>
void each_field(Self& s, F&& f) {
  f("name", s.name);
  f("physical_cores", s.physical_cores);
  f("logical_cores", s.logical_cores);
  f("l1d_bytes", s.l1d_bytes);
  f("l2_bytes", s.l2_bytes);
  f("l2_sharing_cores", s.l2_sharing_cores);
  f("l3_bytes", s.l3_bytes);
  f("l3_sharing_cores", s.l3_sharing_cores);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, Cpu>
void each_field(Self& s, F&& f) {
  f("name", s.name);
  f("vendor", s.vendor);
  f("physical_cores", s.physical_cores);
  f("logical_cores", s.logical_cores);
  f("performance_cores", s.performance_cores);
  f("efficiency_cores", s.efficiency_cores);
  f("usable_logical_cores", s.usable_logical_cores);
  f("quota_cores", s.quota_cores);
  f("max_clock_hz", s.max_clock_hz);
  f("l1d_bytes", s.l1d_bytes);
  f("l2_bytes", s.l2_bytes);
  f("l3_bytes", s.l3_bytes);
  f("l1d_sharing_cores", s.l1d_sharing_cores);
  f("l2_sharing_cores", s.l2_sharing_cores);
  f("l3_sharing_cores", s.l3_sharing_cores);
  f("groups", s.groups);
  f("features", s.features);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, Gpu>
void each_field(Self& s, F&& f) {
  f("name", s.name);
  f("driver", s.driver);
  f("architecture", s.architecture);
  f("compute_capability", s.compute_capability);
  f("cores", s.cores);
  f("multiprocessors", s.multiprocessors);
  f("l2_bytes", s.l2_bytes);
  f("memory_bytes", s.memory_bytes);
  f("memory_bus_bits", s.memory_bus_bits);
  f("max_sm_clock_hz", s.max_sm_clock_hz);
  f("max_memory_clock_hz", s.max_memory_clock_hz);
  f("power_limit_w", s.power_limit_w);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, Memory>
void each_field(Self& s, F&& f) {
  f("total_bytes", s.total_bytes);
  f("available_bytes", s.available_bytes);
  f("cgroup_limit_bytes", s.cgroup_limit_bytes);
  f("swap_total_bytes", s.swap_total_bytes);
  f("page_bytes", s.page_bytes);
  f("gpu_working_set_bytes", s.gpu_working_set_bytes);
  f("largest_buffer_bytes", s.largest_buffer_bytes);
  f("gpu_limits_source", s.gpu_limits_source);
  f("wired_limit_bytes", s.wired_limit_bytes);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, Os>
void each_field(Self& s, F&& f) {
  f("name", s.name);
  f("version", s.version);
  f("build", s.build);
  f("kernel", s.kernel);
}

/// All but the state, which has its own functions.
template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, Machine>
void each_field(Self& s, F&& f) {
  f("architecture", s.architecture);
  f("model", s.model);
  f("cpu", s.cpu);
  f("gpus", s.gpus);
  f("memory", s.memory);
  f("os", s.os);
  f("cpu_governor", s.cpu_governor);
  f("hypervisor", s.hypervisor);
  f("container", s.container);
  f("translated", s.translated);
}

Json to_json(const Machine& machine) {
  Json json = detail::write_fields(machine);
  json["state"] = to_json(machine.state);
  return json;
}

Machine machine_from_json(const Json& json) {
  Machine machine;
  detail::read_fields(json, machine);
  if (const Json* state = detail::find_part(json, "state")) machine.state = state_from_json(*state);
  return machine;
}

bool Cpu::has(std::string_view feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

std::optional<std::int64_t> Memory::usable_bytes() const {
  if (!total_bytes || !cgroup_limit_bytes) return total_bytes ? total_bytes : cgroup_limit_bytes;
  return std::min(*total_bytes, *cgroup_limit_bytes);
}

namespace {

template <class T>
void fill(std::optional<T>& field, std::optional<T> value) {
  if (!field) field = std::move(value);
}

bool unified_memory(const Machine& machine) {
  return machine.os.name == "macOS";
}

bool about_a_gpu(const Json& reply) {
  const auto device = find_string(reply, "device");
  if (device) return *device != "cpu";
  const Json* limits = detail::find_part(reply, "limits");
  return find_int(reply, "gpu_cores") || find_int(reply, "multiprocessors") ||
         (limits != nullptr && find_int(*limits, "working_set_bytes"));
}

/// The GPU that is meant: by name, else the only one there is, else a new one.
Gpu& gpu_named(Machine& machine, const std::optional<std::string>& name) {
  auto& gpus = machine.gpus;
  const auto it = std::find_if(gpus.begin(), gpus.end(),
                               [&](const Gpu& gpu) { return name && gpu.name == name; });
  if (it != gpus.end()) return *it;
  if (gpus.size() == 1 && (!name || !gpus.front().name || unified_memory(machine))) {
    return gpus.front();
  }
  return gpus.emplace_back();
}

void merge_limits(Machine& machine, Gpu& gpu, const Json& limits, const std::string& source) {
  const auto working_set = find_int(limits, "working_set_bytes");
  const auto largest_buffer = find_int(limits, "largest_buffer_bytes");
  Memory& memory = machine.memory;
  if ((working_set && !memory.gpu_working_set_bytes) ||
      (largest_buffer && !memory.largest_buffer_bytes)) {
    fill(memory.gpu_limits_source, std::optional(source));
  }
  fill(memory.gpu_working_set_bytes, working_set);
  fill(memory.largest_buffer_bytes, largest_buffer);
  // With unified memory this is the machine's memory and not the GPU's own.
  if (!unified_memory(machine)) fill(gpu.memory_bytes, find_int(limits, "memory_bytes"));
}

}  // namespace

void merge_device_facts(Machine& machine, const Json& describe_reply) {
  if (!describe_reply.is_object() || !about_a_gpu(describe_reply)) return;
  const auto name = find_string(describe_reply, "device_name");
  Gpu& gpu = gpu_named(machine, name);
  fill(gpu.name, name);
  fill(gpu.driver, find_string(describe_reply, "driver"));
  fill(gpu.architecture, find_string(describe_reply, "architecture"));
  fill(gpu.compute_capability, find_string(describe_reply, "compute_capability"));
  fill(gpu.cores, find_int(describe_reply, "gpu_cores"));
  fill(gpu.multiprocessors, find_int(describe_reply, "multiprocessors"));
  fill(gpu.l2_bytes, find_int(describe_reply, "l2_bytes"));
  if (const Json* limits = detail::find_part(describe_reply, "limits")) {
    const std::string framework = find_string(describe_reply, "framework").value_or("framework");
    const std::string device = find_string(describe_reply, "device").value_or("gpu");
    merge_limits(machine, gpu, *limits, framework + ":" + device);
  }
}

namespace {

/// "24 GiB" and "23.5 GiB": whole sizes without decimals.
std::string short_bytes(std::int64_t bytes) {
  std::string text = format_bytes(static_cast<double>(bytes));
  for (const std::string_view zeros : {".00 ", ".0 "}) {
    const auto at = text.find(zeros);
    if (at != std::string::npos) text.replace(at, zeros.size(), " ");
  }
  return text;
}

std::string counted(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void erase_all(std::string& text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part)) {
    text.erase(at, part.size());
  }
}

/// "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz" -> "Intel Xeon Platinum 8481C".
std::string plain_name(std::string name) {
  erase_all(name, "(R)");
  erase_all(name, "(TM)");
  if (const auto at = name.find(" CPU @"); at != std::string::npos) name.erase(at);
  return name;
}

std::string gpu_words(const Gpu& gpu) {
  std::string text = plain_name(gpu.name.value_or("GPU"));
  std::string details;
  if (gpu.multiprocessors) details = counted(*gpu.multiprocessors, "SM", "SMs");
  if (gpu.memory_bytes) {
    details += (details.empty() ? "" : ", ") + short_bytes(*gpu.memory_bytes);
  }
  return details.empty() ? text : text + " (" + details + ")";
}

/// Equal GPUs share one entry: "2x NVIDIA H100 (132 SMs, 79.6 GiB)".
std::vector<std::string> all_gpu_words(const std::vector<Gpu>& gpus) {
  std::vector<std::pair<std::string, int>> kinds;
  for (const Gpu& gpu : gpus) {
    const std::string words = gpu_words(gpu);
    const auto it = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const auto& kind) { return kind.first == words; });
    if (it == kinds.end()) {
      kinds.emplace_back(words, 1);
    } else {
      ++it->second;
    }
  }
  std::vector<std::string> texts;
  for (const auto& [words, count] : kinds) {
    texts.push_back(count == 1 ? words : std::to_string(count) + "x " + words);
  }
  return texts;
}

std::optional<std::string> memory_words(const Memory& memory) {
  const auto usable = memory.usable_bytes();
  if (!usable) return std::nullopt;
  if (memory.total_bytes && *usable < *memory.total_bytes) {
    return short_bytes(*usable) + " of " + short_bytes(*memory.total_bytes);
  }
  return short_bytes(*usable);
}

std::optional<std::string> os_words(const Os& os) {
  if (!os.name) return os.kernel;
  return os.version ? *os.name + " " + *os.version : *os.name;
}

std::optional<std::string> power_words(const MachineState& state) {
  if (state.low_power_mode == true) return "low-power mode";
  if (state.power_source == "ac") return "plugged in";
  if (state.power_source == "battery") return "on battery";
  return std::nullopt;
}

std::optional<std::string> heat_words(const MachineState& state) {
  if (!state.thermal_state) return std::nullopt;
  if (*state.thermal_state == "nominal") return "cool";
  if (*state.thermal_state == "moderate") return "warm";
  if (*state.thermal_state == "heavy") return "hot";
  return "very hot";
}

std::optional<std::string> core_words(const Machine& machine) {
  // Apple sells its chips by the GPU's cores, and the CPU's name already names the GPU.
  if (machine.os.name == "macOS" && !machine.gpus.empty() && machine.gpus.front().cores) {
    return counted(*machine.gpus.front().cores, "GPU core", "GPU cores");
  }
  const auto cores =
      machine.cpu.physical_cores ? machine.cpu.physical_cores : machine.cpu.logical_cores;
  if (!cores) return std::nullopt;
  return counted(*cores, "core", "cores");
}

}  // namespace

std::string headline(const Machine& machine) {
  std::vector<std::string> parts;
  const auto add = [&](const std::optional<std::string>& part) {
    if (part && !part->empty()) parts.push_back(*part);
  };
  add(plain_name(machine.cpu.name.value_or(machine.architecture.value_or("unknown processor"))));
  add(core_words(machine));
  if (machine.os.name != "macOS") {
    for (const std::string& gpu : all_gpu_words(machine.gpus)) add(gpu);
  }
  add(memory_words(machine.memory));
  add(os_words(machine.os));
  if (machine.hypervisor && machine.hypervisor != "none") {
    add("virtualised (" + *machine.hypervisor + ")");
  }
  add(power_words(machine.state));
  add(heat_words(machine.state));
  std::string line;
  for (const std::string& part : parts) line += (line.empty() ? "" : " · ") + part;
  return line;
}

}  // namespace mlbench::machine
