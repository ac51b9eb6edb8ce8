#include "report/discovery_text.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "fit/target.hpp"
#include "report/model.hpp"

#include <fmt/format.h>

namespace mlbench::report {
namespace {

class Facts {
 public:
  void title(const std::string& text) { out_ += "\n" + text + "\n"; }
  void add(const char* name, const std::string& value) {
    if (!value.empty()) out_ += fmt::format("  {:<21} {}\n", name, value);
  }
  void add(const char* name, const std::optional<std::string>& value) {
    add(name, value.value_or(""));
  }
  void add_bytes(const char* name, const std::optional<std::int64_t>& bytes) {
    if (bytes) add(name, format_bytes(static_cast<double>(*bytes)));
  }
  /// A limit that nobody has read on this machine says by which rule it was derived.
  void add_limit(const char* name, const fit::Limit& limit) {
    if (!limit.bytes) return;
    const bool read = !limit.source.starts_with("derived");
    add(name,
        format_bytes(static_cast<double>(*limit.bytes)) + (read ? "" : " (" + limit.source + ")"));
  }
  [[nodiscard]] std::string text() && { return std::move(out_); }

 private:
  std::string out_;
};

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "";
}

void add_cpu(Facts& f, const machine::Machine& m) {
  f.title("CPU");
  f.add("name", m.cpu.name);
  std::string cores = number(m.cpu.physical_cores);
  if (m.cpu.logical_cores && m.cpu.logical_cores != m.cpu.physical_cores)
    cores += fmt::format(" ({} logical)", *m.cpu.logical_cores);
  if (m.cpu.performance_cores) cores += fmt::format(", {} performance", *m.cpu.performance_cores);
  if (m.cpu.efficiency_cores) cores += fmt::format(", {} efficiency", *m.cpu.efficiency_cores);
  f.add("cores", cores);
  f.add_bytes("L1 data cache", m.cpu.l1d_bytes);
  f.add_bytes("L2 cache", m.cpu.l2_bytes);
  f.add_bytes("L3 cache", m.cpu.l3_bytes);
  f.add("instructions", join(m.cpu.features, " "));
  f.add("governor", m.cpu_governor);
}

void add_gpus(Facts& f, const machine::Machine& m) {
  for (const auto& gpu : m.gpus) {
    f.title("GPU");
    f.add("name", gpu.name);
    f.add("cores", number(gpu.cores));
    f.add("multiprocessors", number(gpu.multiprocessors));
    f.add_bytes("L2 cache", gpu.l2_bytes);
    f.add("compute capability", gpu.compute_capability);
    f.add_bytes("memory", gpu.memory_bytes);
    f.add("driver", gpu.driver);
  }
}

void add_system(Facts& f, const machine::Machine& m) {
  f.title("MEMORY");
  f.add_bytes("total", m.memory.total_bytes);
  f.add_bytes("available now", m.memory.available_bytes);
  f.add_bytes("container limit", m.memory.cgroup_limit_bytes);
  const auto target = fit::target_of(m, {});
  if (target.kind == fit::Target::Kind::apple) {
    f.add_limit("GPU working set", target.working_set);
    f.add_limit("largest GPU buffer", target.largest_buffer);
  }
  f.add_bytes("wired limit", m.memory.wired_limit_bytes);
  f.title("SYSTEM");
  f.add("OS", fmt::format("{} {}", m.os.name.value_or("unknown"), m.os.version.value_or("")));
  f.add("build", m.os.build);
  f.add("kernel", m.os.kernel);
  f.add("virtualised", m.hypervisor);
  f.add("container", m.container);
  f.add("power", m.state.power_source);
  if (m.state.low_power_mode)
    f.add("low-power mode", std::string(*m.state.low_power_mode ? "on" : "off"));
  f.add("thermal state", m.state.thermal_state);
  if (m.state.load_1m) f.add("load (1 min)", fmt::format("{:.2f}", *m.state.load_1m));
}

/// "version 2.13.0", "path ...": plain values of an object on a line each.
void add_object(Facts& f, const std::string& prefix, const Json& object) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = prefix + key;
    if (value.is_object()) {
      add_object(f, name + " ", value);
    } else if (value.is_string()) {
      const auto text = value.get<std::string>();
      f.add(name.c_str(), text.substr(0, text.find('\n')));
    } else if (!value.is_null()) {
      f.add(name.c_str(), dump_json(value));
    }
  }
}

}  // namespace

std::string discovery_text(const machine::Machine& m,
                           const std::vector<store::SubjectRecord>& subjects) {
  Facts f;
  add_cpu(f, m);
  add_gpus(f, m);
  add_system(f, m);
  for (const auto& s : subjects) {
    f.title(fmt::format("{} on {}", framework_title(s.framework), s.device));
    if (s.status != store::CaseStatus::ok) f.add(std::string(name_of(s.status)).c_str(), s.reason);
    add_object(f, "", s.facts);
  }
  return machine::headline(m) + "\n" + std::move(f).text();
}

}  // namespace mlbench::report
