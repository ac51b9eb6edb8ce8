#include "plan/config.hpp"

#include "core/text.hpp"
#include "plan/config_value.hpp"
#include "plan/config_yaml.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <utility>

namespace mlbench::plan {
namespace {

using Kind = YamlNode::Kind;

/// Fewer process pairs than this give no verdict.
constexpr int kVerdictRounds = 6;

/// Stores what was read.
template <class T, class U>
Status store(std::optional<T>& field, Result<U> value) {
  if (!value) return value.error();
  field = static_cast<T>(*std::move(value));
  return Done{};
}

template <class T, class Read>
Status store_list(std::optional<std::vector<T>>& field, const Value& v, const Read& read) {
  return store(field, read_list(v, read));
}

template <class Read>
Status store_sizes(Config& config, const Value& v, const Read& read) {
  if (config.memory.sizes_bytes) {
    return yaml_error(v.file_name, v.node.line,
                      "benchmarks.memory takes sizes or sizes_gb, not both");
  }
  return store_list(config.memory.sizes_bytes, v, read);
}

/// One key that files may hold: how its value is read, and the sentence for people when something
/// else replaces it.
struct Key {
  std::string_view path;
  Status (*read)(Config& config, const Value& value);
  std::string_view notice = {};
};

constexpr Whole kDimension{1, kMaxDimension};
constexpr Whole kCount{1, 1'000'000};
constexpr Whole kRounds{1, 1000};
constexpr Whole kSeed{0, std::numeric_limits<std::int64_t>::max()};

Status check_only(const Value& v) {
  const auto number = kCount(v);
  if (!number) return number.error();
  return Done{};
}

Status store_batch(Config& config, const Value& v) {
  const auto batch = kCount(v);
  if (!batch) return batch.error();
  config.attention.batch_sizes = {*batch};
  return Done{};
}

constexpr std::string_view kNoModelLevel =
    "benchmarks.model_level is read but not used: mlbench llm, and prefill, decode and block in "
    "benchmarks.operations, measure models";

const std::vector<Key>& keys() {
  static const std::vector<Key> table = {
      {"hardware.expected_chip",
       [](Config& c, const Value& v) { return store(c.expected_chip, read_text(v)); }},
      {"model.name", [](Config& c, const Value& v) { return store(c.model.name, read_text(v)); }},
      {"model.dtype", [](Config& c, const Value& v) { return store(c.model.dtype, read_text(v)); }},
      {"benchmarks.compute.gemm_sizes",
       [](Config& c, const Value& v) { return store_list(c.compute.gemm_sizes, v, kDimension); }},
      {"benchmarks.compute.gemm_shapes",
       [](Config& c, const Value& v) {
         return store_list(c.compute.gemm_shapes, v, read_gemm_shape);
       }},
      {"benchmarks.compute.dtypes",
       [](Config& c, const Value& v) { return store_list(c.compute.dtypes, v, read_dtype); }},
      {"benchmarks.compute.warmup_iters", [](Config&, const Value& v) { return check_only(v); },
       "benchmarks.compute.warmup_iters is not used: warm-up goes on until times settle, within "
       "measure.warmup_min and measure.warmup_max"},
      {"benchmarks.compute.bench_iters", [](Config&, const Value& v) { return check_only(v); },
       "benchmarks.compute.bench_iters is not used: measuring goes on until the interval is as "
       "narrow as measure.target or measure.case_budget is spent"},
      {"benchmarks.attention.seq_lengths",
       [](Config& c, const Value& v) { return store_list(c.attention.seq_lengths, v, kCount); }},
      {"benchmarks.attention.num_heads",
       [](Config& c, const Value& v) { return store(c.attention.num_heads, kCount(v)); }},
      {"benchmarks.attention.head_dim",
       [](Config& c, const Value& v) { return store(c.attention.head_dim, kCount(v)); }},
      {"benchmarks.attention.batch_size",
       [](Config& c, const Value& v) { return store_batch(c, v); }},
      {"benchmarks.attention.batch_sizes",
       [](Config& c, const Value& v) { return store_list(c.attention.batch_sizes, v, kCount); }},
      {"benchmarks.operations",
       [](Config& c, const Value& v) { return store_list(c.operations, v, read_operation); }},
      {"benchmarks.memory.sizes",
       [](Config& c, const Value& v) { return store_sizes(c, v, read_size_bytes); }},
      {"benchmarks.memory.sizes_gb",
       [](Config& c, const Value& v) { return store_sizes(c, v, read_size_gb); }},
      {"benchmarks.memory.ops",
       [](Config& c, const Value& v) { return store_list(c.memory.ops, v, read_op); }},
      {"benchmarks.model_level.batch_sizes",
       [](Config& c, const Value& v) { return store_list(c.model_level.batch_sizes, v, kCount); },
       kNoModelLevel},
      {"benchmarks.model_level.seq_lengths",
       [](Config& c, const Value& v) { return store_list(c.model_level.seq_lengths, v, kCount); },
       kNoModelLevel},
      {"measure.target",
       [](Config& c, const Value& v) { return store(c.measure.target, read_share(v)); }},
      {"measure.budget",
       [](Config& c, const Value& v) { return store(c.measure.budget_s, read_duration_s(v)); }},
      {"measure.case_budget",
       [](Config& c, const Value& v) {
         return store(c.measure.case_budget_s, read_duration_s(v));
       }},
      {"measure.min_rounds",
       [](Config& c, const Value& v) { return store(c.measure.min_rounds, kRounds(v)); }},
      {"measure.max_rounds",
       [](Config& c, const Value& v) { return store(c.measure.max_rounds, kRounds(v)); }},
      {"measure.warmup_min",
       [](Config& c, const Value& v) { return store(c.measure.warmup_min_s, read_duration_s(v)); }},
      {"measure.warmup_max",
       [](Config& c, const Value& v) { return store(c.measure.warmup_max_s, read_duration_s(v)); }},
      {"measure.seed", [](Config& c, const Value& v) { return store(c.measure.seed, kSeed(v)); }},
      {"subjects",
       [](Config& c, const Value& v) { return store_list(c.subjects, v, read_subject); }},
      {"output.results_dir",
       [](Config& c, const Value& v) { return store(c.results_dir, read_text(v)); }},
      {"output.reports_dir",
       [](Config& c, const Value& v) { return store(c.reports_dir, read_text(v)); }},
  };
  return table;
}

const Key* find_key(std::string_view path) {
  const auto it =
      std::find_if(keys().begin(), keys().end(), [&](const Key& key) { return key.path == path; });
  return it == keys().end() ? nullptr : &*it;
}

/// "benchmarks.compute" + "dtypes".
std::string joined(std::string_view section, std::string_view key) {
  return section.empty() ? std::string(key) : std::string(section) + "." + std::string(key);
}

/// Names that may stand directly in `section`.
std::vector<std::string> names_in(std::string_view section) {
  const std::string prefix = joined(section, "");
  std::vector<std::string> names;
  for (const Key& key : keys()) {
    if (!key.path.starts_with(prefix)) continue;
    const auto rest = key.path.substr(prefix.size());
    const std::string name(rest.substr(0, rest.find('.')));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

/// The section in which a key or section called `name` is known, if there is one.
std::optional<std::string> home_of(std::string_view name) {
  for (const Key& key : keys()) {
    std::string section;
    for (const std::string_view part : split(key.path, '.')) {
      if (part == name) return section;
      section = joined(section, part);
    }
  }
  return std::nullopt;
}

Error unknown_key(const YamlNode& node, std::string_view section, std::string_view file_name) {
  std::string message = "unknown key " + in_quotes(node.key);
  if (!section.empty()) message += " in " + std::string(section);
  const auto names = names_in(section);
  if (const auto near = nearest(std::string_view(node.key).substr(0, 100), names)) {
    message += "; did you mean \"" + *near + "\"?";
  } else if (const auto home = home_of(node.key)) {
    message += home->empty() ? "; it belongs at the top level" : "; it belongs in " + *home;
  } else {
    message += "; known here: " + join(names, ", ");
  }
  return yaml_error(file_name, node.key_line, message);
}

/// Adds `sentence` unless an earlier key of the same section did.
void notice(Config& config, std::string_view sentence) {
  auto& all = config.notices;
  if (!sentence.empty() && std::find(all.begin(), all.end(), sentence) == all.end()) {
    all.emplace_back(sentence);
  }
}

/// Reads a map of keys and further sections.
Status read_section(Config& config, const YamlNode& map, const std::string& section,
                    std::string_view file_name) {
  for (const YamlNode& node : map.items) {
    const bool plain = !node.key.empty() && node.key.find('.') == std::string::npos;
    const std::string path = joined(section, node.key);
    const Value value{node, path, file_name};
    if (const Key* known = plain ? find_key(path) : nullptr) {
      if (auto read = known->read(config, value); !read) return read.error();
      notice(config, known->notice);
    } else if (!plain || names_in(path).empty()) {
      return unknown_key(node, section, file_name);
    } else if (node.kind == Kind::map) {
      if (auto read = read_section(config, node, path, file_name); !read) return read.error();
    } else if (node.kind != Kind::null) {  // a section whose keys are all commented out is fine
      return value.error("keys such as " + names_in(path).front() + ", indented below it");
    }
  }
  return Done{};
}

/// What no single key can tell.
Status check_together(Config& config, std::string_view file_name) {
  Config::Measure& m = config.measure;
  if (m.min_rounds && m.max_rounds && *m.min_rounds > *m.max_rounds) {
    return yaml_error(file_name, 0, "measure.min_rounds is more than measure.max_rounds");
  }
  if (m.warmup_min_s && m.warmup_max_s && *m.warmup_min_s > *m.warmup_max_s) {
    return yaml_error(file_name, 0, "measure.warmup_min is longer than measure.warmup_max");
  }
  if (m.max_rounds && *m.max_rounds < kVerdictRounds) {
    m.min_rounds = m.min_rounds.value_or(*m.max_rounds);
    notice(config, "measure.max_rounds is below 6: times are measured, but no case gets a verdict");
  } else if (m.min_rounds && *m.min_rounds < kVerdictRounds) {
    notice(config, "measure.min_rounds is below 6: a case that stops earlier gets no verdict");
  }
  return Done{};
}

/// At most one byte more than a configuration may have, so that no device or pipe is read for ever.
Result<std::string> read_bytes(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(ErrorKind::usage, path.string() + ": is a folder, not a configuration file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorKind::usage, path.string() + ": cannot be opened; is the path right?");
  }
  std::string bytes(kMaxConfigBytes + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (file.bad()) return fail(ErrorKind::usage, path.string() + ": cannot be read");
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

std::vector<std::string> known_config_keys() {
  std::vector<std::string> paths;
  for (const Key& key : keys()) paths.emplace_back(key.path);
  return paths;
}

Result<Config> parse_config(std::string_view text, std::string_view file_name) {
  const auto root = parse_yaml(text, file_name);
  if (!root) return root.error();
  if (root->kind != Kind::map) {
    return yaml_error(file_name, root->line,
                      "a configuration starts with keys such as benchmarks: or measure:");
  }
  Config config;
  if (auto read = read_section(config, *root, "", file_name); !read) return read.error();
  if (auto valid = check_together(config, file_name); !valid) return valid.error();
  return config;
}

Result<Config> read_config(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  if (!bytes) return bytes.error();
  return parse_config(*bytes, path.string());
}

}  // namespace mlbench::plan
