#include "fit/runtime.hpp"

#include "core/json.hpp"
#include "core/text.hpp"
#include "fit_constants_json.hpp"

#include <algorithm>
#include <array>

namespace mlbench::fit {
namespace {

constexpr std::array<const char*, 4> kRuntimes = {"mlx-lm", "mlx", "llama.cpp", "torch"};

const Json& document() {
  static const Json json = parse_json(machine::kFitConstantsJson).value_or(Json::object());
  return json;
}

const Json& part(const Json& object, const char* key) {
  static const Json empty = Json::object();
  const auto it = object.find(key);
  return it == object.end() || !it->is_object() ? empty : *it;
}

double number(const Json& object, const char* key, double fallback) {
  return find_number(object, key).value_or(fallback);
}

RuntimeConstants constants_of(const Json& e) {
  const Json &decode = part(e, "decode"), &prefill = part(e, "prefill");
  RuntimeConstants c;
  c.runtime = find_string(e, "runtime").value_or("");
  c.version = find_string(e, "version").value_or("");
  c.covers = find_strings(e, "covers");
  c.device = find_string(e, "device").value_or("");
  c.fitted_on = find_string(e, "fitted_on").value_or("");
  c.layer_s = number(decode, "layer_s", 0), c.moe_layer_s = number(decode, "moe_layer_s", 0);
  c.bandwidth_share = number(decode, "bandwidth_share", 1),
  c.kv_share = number(decode, "kv_share", 1);
  c.odd_group_kv_factor = number(decode, "odd_group_kv_factor", 1);
  c.decode_low = number(decode, "low", 1), c.decode_high = number(decode, "high", 1);
  c.decode_low_moe = find_number(decode, "low_moe"),
  c.decode_high_moe = find_number(decode, "high_moe");
  c.prefill_share_16bit = number(prefill, "share_16bit", 1);
  c.prefill_share_quantised = number(prefill, "share_quantised", 1);
  c.two_die_factor = number(prefill, "two_die_factor", 1),
  c.moe_factor = number(prefill, "moe_factor", 1);
  c.prefill_low = number(prefill, "low", 1), c.prefill_high = number(prefill, "high", 1);
  if (const auto list = get_numbers(prefill, "neural_accelerator_factor");
      list && list->size() == 2) {
    c.accelerator_low = (*list)[0], c.accelerator_high = (*list)[1];
  }
  return c;
}

const std::vector<RuntimeConstants>& all() {
  static const std::vector<RuntimeConstants> list = [] {
    std::vector<RuntimeConstants> entries;
    const auto it = document().find("runtimes");
    if (it == document().end()) return entries;
    for (const Json& e : *it) entries.push_back(constants_of(e));
    return entries;
  }();
  return list;
}

/// mlx-lm is MLX with a loop around it; both are measured by the same rows.
std::string rows_name(const std::string& runtime) {
  return runtime == "mlx" ? "mlx-lm" : runtime;
}

bool is_version(const RuntimeConstants& c, const std::string& version) {
  if (version.find(c.version) != std::string::npos || c.version.starts_with(version)) return true;
  return std::any_of(c.covers.begin(), c.covers.end(), [&](const std::string& v) {
    return version.find(v) != std::string::npos || v.starts_with(version);
  });
}

std::string device_name(Target::Kind kind) {
  switch (kind) {
    case Target::Kind::apple: return "apple";
    case Target::Kind::cuda: return "cuda";
    case Target::Kind::cpu: return "cpu";
  }
  return "cpu";
}

}  // namespace

Result<RuntimeChoice> parse_runtime(const std::string& text) {
  const auto at = text.find('@');
  RuntimeChoice choice{.name = text.substr(0, at),
                       .version = at == std::string::npos ? "" : text.substr(at + 1)};
  const std::vector<std::string> names(kRuntimes.begin(), kRuntimes.end());
  if (std::find(names.begin(), names.end(), choice.name) == names.end()) {
    const auto near = nearest(choice.name, names);
    return fail(ErrorKind::usage, "--runtime " + text + " is not known" +
                                      (near ? "; did you mean " + *near + "?" : ".") +
                                      " There are " + join(names, ", ") +
                                      ", each with @VERSION where wanted");
  }
  if (at != std::string::npos && choice.version.empty()) {
    return fail(ErrorKind::usage,
                "--runtime " + text +
                    ": the version after @ is missing; leave @ away for the newest known");
  }
  return choice;
}

Result<RuntimeConstants> constants_for(const RuntimeChoice& choice, Target::Kind device) {
  std::vector<const RuntimeConstants*> own;
  for (const auto& c : all()) {
    if (c.runtime == rows_name(choice.name) && c.device == device_name(device)) own.push_back(&c);
  }
  if (choice.version.empty()) return own.empty() ? all().back() : *own.back();
  std::vector<std::string> versions;
  for (const auto* c : own) {
    if (is_version(*c, choice.version)) return *c;
    versions.push_back(c->version);
  }
  return fail(ErrorKind::usage, "--runtime " + choice.name + "@" + choice.version +
                                    ": no constants are known for that version on "
                                    "this kind of machine; " +
                                    (versions.empty() ? "there are none of " + choice.name +
                                                            ": leave the version away"
                                                      : "known are " + join(versions, ", ")));
}

bool are_own(const RuntimeConstants& constants) {
  return constants.runtime != "any";
}

bool speed_is_corrected(const RuntimeConstants& constants, const std::string& format) {
  if (!constants.correction) return false;
  return constants.correction->format == format ||
         (are_own(constants) && constants.device == "apple");
}

double reference_clock_hz() {
  return number(document(), "reference_clock_ghz", 1) * 1e9;
}

Band unknown_version_band() {
  const Json& band = part(document(), "unknown_version");
  return {.low = number(band, "low", 1), .high = number(band, "high", 1)};
}

Band unknown_version_band_of_mixtures() {
  const Json& band = part(document(), "unknown_version");
  return {.low = number(band, "low_moe", 1), .high = number(band, "high_moe", 1)};
}

MemoryModel memory_model(const RuntimeChoice& choice) {
  MemoryModel m;
  // Prompt tokens at a time: llama.cpp's n_ubatch, mlx-lm's prefill_step_size, and what this
  // program's own decoder reads (kPrefillChunk of workload/language.hpp).
  m.prefill_chunk = choice.name == "llama.cpp" ? 512 : 2048;
  for (const Json& e : document()["runtimes"]) {
    const Json& peak = part(e, "peak");
    if (peak.empty()) continue;
    m.overhead_bytes = number(peak, "overhead_bytes", 0),
    m.overhead_kv_share = number(peak, "kv_share", 0);
  }
  return m;
}

}  // namespace mlbench::fit
