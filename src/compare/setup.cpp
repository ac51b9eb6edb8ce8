#include "compare/setup.hpp"

#include "compare/conditions.hpp"
#include "core/text.hpp"
#include "core/units.hpp"
#include "stats/unpaired.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace mlbench::compare {
namespace {

using store::RunData;
using store::SubjectRecord;

/// One thing that a run says of its set-up.
struct Fact {
  std::string what, value;
  bool both_sides = false;  ///< No difference where one side does not tell.
  bool must_agree = false;  ///< Between the two sides.
  bool uniform = false;     ///< Within one side.
};

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return {};
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array() &&
      std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); })) {
    std::vector<std::string> parts;
    for (const Json& v : value) parts.push_back(v.get<std::string>());
    return join(parts, ", ");
  }
  return dump_json(value);
}

const Json& child(const Json& object, const char* key) {
  static const Json none = nullptr;
  return object.is_object() && object.contains(key) ? object[key] : none;
}

class Facts {
 public:
  void add(const std::string& what, const Json& value) {
    if (const auto text = text_of(value); !text.empty())
      list_.push_back({.what = what, .value = text});
  }
  void add_strict(const std::string& what, const Json& value) {
    if (const auto text = text_of(value); !text.empty())
      list_.push_back({.what = what, .value = text, .must_agree = true, .uniform = true});
  }
  void add_uniform(const std::string& what, const Json& value, bool both_sides = false) {
    if (const auto text = text_of(value); !text.empty())
      list_.push_back({.what = what, .value = text, .both_sides = both_sides, .uniform = true});
  }
  [[nodiscard]] const std::vector<Fact>& list() const { return list_; }

 private:
  std::vector<Fact> list_;
};

std::string memory_text(const Json& machine) {
  const auto bytes = find_number(child(machine, "memory"), "total_bytes");
  return bytes ? format_bytes(*bytes) : "";
}

std::string gpus_text(const Json& machine) {
  std::vector<std::string> names;
  const Json& gpus = child(machine, "gpus");
  if (!gpus.is_array()) return {};
  for (const Json& gpu : gpus) {
    auto name = find_string(gpu, "name").value_or("unnamed");
    if (const auto cores = find_int(gpu, "cores")) name += ", " + std::to_string(*cores) + " cores";
    names.push_back(name);
  }
  return join(names, " and ");
}

void add_machine(Facts& facts, const RunData& run) {
  const Json& machine = child(run.header, "machine");
  const Json& cpu = child(machine, "cpu");
  const Json& os = child(machine, "os");
  facts.add_uniform("model", child(machine, "model"));
  facts.add_uniform("CPU", child(cpu, "name"));
  facts.add_uniform("CPU cores", child(cpu, "logical_cores"));
  facts.add_uniform("GPU", gpus_text(machine));
  facts.add_uniform("memory", memory_text(machine));
  facts.add("usable cores", child(cpu, "usable_logical_cores"));
  facts.add("CPU quota, cores", child(cpu, "quota_cores"));
  std::string system = find_string(os, "name").value_or("");
  for (const char* key : {"version", "build"}) {
    if (const auto part = find_string(os, key)) system += " " + *part;
  }
  facts.add("system", system);
  facts.add("kernel", child(os, "kernel"));
  for (const Json& gpu : child(machine, "gpus"))
    facts.add("driver of " + find_string(gpu, "name").value_or("the GPU"), child(gpu, "driver"));
  facts.add("CPU governor", child(machine, "cpu_governor"));
  facts.add("hypervisor", child(machine, "hypervisor"));
  facts.add("container", child(machine, "container"));
  facts.add("translated by Rosetta", child(machine, "translated"));
  const auto conditions = conditions_of(run);
  facts.add("power source", conditions.power_source);
  facts.add("low-power mode", conditions.low_power_mode);
  facts.add("thermal state", conditions.thermal_state);
}

void add_program(Facts& facts, const RunData& run) {
  facts.add("mlbench", child(run.header, "mlbench_version"));
  facts.add_strict("method version", child(run.header, "method_version"));
  const auto rehearsed = find_string(run.header, "rehearsal");
  facts.add_strict("origin of the times", rehearsed ? "invented: " + *rehearsed : "measured");
  const Json& build = child(run.header, "build");
  facts.add("build of mlbench", child(build, "type"));
  facts.add("compiler of mlbench", child(build, "compiler"));
  facts.add("compiler flags of mlbench", child(build, "flags"));
  const Json& settings = child(run.header, "settings");
  facts.add_strict("seed of the inputs", child(settings, "seed"));
  facts.add("block length, s", child(settings, "block_s"));
  facts.add("block pairs a process", child(settings, "rows"));
  facts.add("least warm-up, s", child(settings, "warm_min_s"));
  facts.add("longest warm-up, s", child(settings, "warm_max_s"));
}

/// Facts that differ from one start to the next, or say where something lies and not what it is.
bool is_volatile(std::string_view key) {
  constexpr std::array<std::string_view, 8> kKeys = {
      "sync_overhead_s", "limits",   "path",      "device",
      "library_path",    "metallib", "framework", "memory_settings"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

constexpr std::string_view kEnvironment = "environment.", kVariable = "variable ";

/// "framework_version" as "version", "blas.core" as "BLAS core".
std::string plain(const std::string& path) {
  static const std::map<std::string, std::string> names = {{"framework_version", "version"},
                                                           {"blas.library", "BLAS"},
                                                           {"blas.version", "BLAS version"},
                                                           {"blas.config", "BLAS build"},
                                                           {"blas.core", "BLAS core"},
                                                           {"blas.threads", "BLAS threads"},
                                                           {"threads", "threads"},
                                                           {"device_name", "device"},
                                                           {"driver", "driver"},
                                                           {"compiler", "compiler of the worker"},
                                                           {"environment", "environment"},
                                                           {"fused_kernels", "fused kernels"},
                                                           {"build.config", "build"},
                                                           {"build.commit", "commit"},
                                                           {"precision", "precision"}};
  const auto it = names.find(path);
  if (it != names.end()) return it->second;
  if (path.starts_with(kEnvironment))
    return std::string(kVariable) + path.substr(kEnvironment.size());
  std::string words = path;
  std::replace(words.begin(), words.end(), '.', ' ');
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

void flatten(std::map<std::string, std::string>& out, const Json& value, const std::string& path) {
  if (!value.is_object()) {
    if (auto text = text_of(value); !text.empty()) out[path] = std::move(text);
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    // Paths of files: only what the library is counts. A library that is a path is named elsewhere.
    if (is_volatile(key) ||
        (inner.is_string() && inner.get<std::string>().find('/') != std::string::npos &&
         key == "library"))
      continue;
    flatten(out, inner, path.empty() ? key : path + "." + key);
  }
}

std::map<std::string, std::string> facts_of(const SubjectRecord& subject) {
  std::map<std::string, std::string> facts;
  flatten(facts, subject.facts, "");
  return facts;
}

void add_subject(Facts& facts, const RunData& run, const std::string& subject,
                 const std::string& title, bool one_framework) {
  const auto* record = run.find_subject(subject);
  if (record == nullptr) return;
  for (const auto& [path, value] : facts_of(*record))
    facts.add_uniform(plain(path) + " of " + title, value,
                      !one_framework && !path.starts_with(kEnvironment));
}

/// "mlx" of "mlx@old:cpu".
std::string framework_of(const std::string& subject) {
  return subject.substr(0, subject.find_first_of("@:"));
}

/// Distinct values of each fact over the runs of a side, in the order in which they appear.
struct Gathered {
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, Fact> facts;
};

void gather(Gathered& into, const Facts& facts) {
  for (const Fact& fact : facts.list()) {
    auto& values = into.values[fact.what];
    if (values.empty()) into.order.push_back(fact.what);
    if (std::find(values.begin(), values.end(), fact.value) == values.end())
      values.push_back(fact.value);
    into.facts[fact.what] = fact;
  }
}

Gathered gather_side(const std::vector<RunData>& runs, const std::vector<SubjectMatch>& subjects,
                     bool is_base) {
  Gathered gathered;
  for (const RunData& run : runs) {
    Facts facts;
    add_machine(facts, run);
    add_program(facts, run);
    for (const SubjectMatch& s : subjects)
      add_subject(facts, run, is_base ? s.base : s.now,
                  s.base == s.now ? s.base : s.base + " / " + s.now,
                  framework_of(s.base) == framework_of(s.now));
    gather(gathered, facts);
  }
  return gathered;
}

std::string joined(const Gathered& side, const std::string& what) {
  const auto it = side.values.find(what);
  return it == side.values.end() ? "" : join(it->second, " and ");
}

/// Mean over the runs of a side that tell.
std::optional<double> mean_of(const std::vector<RunConditions>& side,
                              std::optional<double> RunConditions::*field) {
  std::vector<double> values;
  for (const auto& run : side) {
    if (const auto& value = run.*field) values.push_back(*value);
  }
  return values.empty() ? std::nullopt : std::optional(stats::mean(values));
}

/// Of what both sides tell the first: load of other programs is what disturbs, a load average holds
/// the run's own work as well, and what it was when a run began cannot be held against what it was
/// while another one measured.
std::optional<SetupDifference> load_difference(const std::vector<RunData>& base,
                                               const std::vector<RunData>& now) {
  std::vector<RunConditions> b, n;
  for (const RunData& run : base) b.push_back(conditions_of(run));
  for (const RunData& run : now) n.push_back(conditions_of(run));
  const auto cores =
      find_number(child(child(base.front().header, "machine"), "cpu"), "logical_cores");
  struct Load {
    const char* what;
    std::optional<double> RunConditions::*field;
    double cores_each;
  };
  const std::array kLoads = {
      Load{"cores busy with other programs", &RunConditions::other_fraction, cores.value_or(1)},
      Load{"mean load while it measured", &RunConditions::load_1m, 1},
      Load{"load when the run began", &RunConditions::load_began_1m, 1}};
  for (const auto& [what, field, cores_each] : kLoads) {
    const auto x = mean_of(b, field), y = mean_of(n, field);
    if (!x || !y) continue;
    const double busy_b = *x * cores_each, busy_n = *y * cores_each;
    // A quarter of the cores busy with something else is what a person would want to know.
    if (std::abs(busy_b - busy_n) < std::max(0.5, 0.25 * cores.value_or(1))) return std::nullopt;
    return SetupDifference{
        .what = what, .base = format_significant(busy_b, 2), .now = format_significant(busy_n, 2)};
  }
  return std::nullopt;
}

/// A compiler's whole configuration is no reading matter.
std::string shortened(std::string text) {
  constexpr std::size_t kMost = 72;
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // whole UTF-8
  return text.substr(0, end) + "...";
}

std::string identity(const RunData& run) {
  const Json& machine = child(run.header, "machine");
  const Json& cpu = child(machine, "cpu");
  return text_of(child(machine, "model")) + "|" + text_of(child(cpu, "name")) + "|" +
         text_of(child(cpu, "logical_cores")) + "|" + gpus_text(machine) + "|" +
         memory_text(machine);
}

}  // namespace

std::string SetupDifference::sentence() const {
  const auto or_unknown = [&](const std::string& s) {
    return !s.empty() ? s : what.starts_with(kVariable) ? "not set" : "unknown";
  };
  return what + ": " + shortened(or_unknown(base)) + " in BASE, " + shortened(or_unknown(now)) +
         " in NEW";
}

std::vector<SetupDifference> setup_differences(const std::vector<RunData>& base,
                                               const std::vector<RunData>& now,
                                               const std::vector<SubjectMatch>& subjects) {
  const auto b = gather_side(base, subjects, true), n = gather_side(now, subjects, false);
  auto order = b.order;
  for (const auto& what : n.order) {
    if (std::find(order.begin(), order.end(), what) == order.end()) order.push_back(what);
  }
  const bool one_machine = same_machine(base, now);
  std::vector<SetupDifference> differences;
  for (const auto& what : order) {
    const auto x = joined(b, what), y = joined(n, what);
    const auto in_base = b.facts.find(what), in_new = n.facts.find(what);
    const Fact& fact = in_base != b.facts.end() ? in_base->second : in_new->second;
    const auto mixed = [&](const Gathered& side) {
      const auto it = side.values.find(what);
      return it != side.values.end() && it->second.size() > 1;
    };
    const bool mixed_sides = fact.uniform && (mixed(b) || mixed(n));
    if (x == y && !mixed_sides) continue;
    // What one kind of machine does not tell is no difference between two.
    const bool one_sided = x.empty() || y.empty();
    if (one_sided && !fact.must_agree && (fact.both_sides || !one_machine)) continue;
    differences.push_back(
        {.what = what,
         .base = x,
         .now = y,
         .weight = fact.must_agree || mixed_sides ? Weight::refusal : Weight::note});
  }
  if (auto load = load_difference(base, now)) differences.push_back(*std::move(load));
  return differences;
}

bool same_machine(const std::vector<RunData>& base, const std::vector<RunData>& now) {
  std::set<std::string> machines;
  for (const RunData& run : base) machines.insert(identity(run));
  for (const RunData& run : now) machines.insert(identity(run));
  return machines.size() == 1;
}

bool same_program(const SubjectRecord& x, const SubjectRecord& y) {
  return x.framework == y.framework && x.device == y.device && facts_of(x) == facts_of(y);
}

}  // namespace mlbench::compare
