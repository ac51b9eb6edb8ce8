#include "plan/config.hpp"

#include "core/text.hpp"
#include "plan/config_yaml.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <utility>

namespace mlbench::plan {
namespace {

using Kind = YamlNode::Kind;

// The workloads' own limits (workload/gemm.cpp, memory.cpp), told here with file and line.
constexpr std::int64_t kMaxDimension = std::int64_t{1} << 20;
constexpr std::int64_t kMaxArrayBytes = std::int64_t{1} << 40;
constexpr std::int64_t kArrayStepBytes = 64;
constexpr std::size_t kMaxListItems = 1000;
/// Fewer process pairs than this give no verdict.
constexpr int kVerdictRounds = 6;

/// A value and where it stands, for messages.
struct Value {
  const YamlNode& node;
  std::string path;  ///< "benchmarks.compute.gemm_sizes[1]"
  std::string_view file_name;

  [[nodiscard]] Value item(std::size_t i) const {
    return {node.items[i], path + "[" + std::to_string(i) + "]", file_name};
  }
  [[nodiscard]] Error error(std::string_view expected) const {
    return yaml_error(file_name, node.line,
                      path + ": expected " + std::string(expected) + ", got " + found());
  }

 private:
  [[nodiscard]] std::string found() const {
    switch (node.kind) {
      case Kind::null: return "nothing";
      case Kind::scalar: return quoted(node.scalar);
      case Kind::list: return "a list";
      case Kind::map: return "a group of keys";
    }
    return "";
  }
};

// Readers of one value. Each is a function Value -> Result<T>, so that lists can be read by any.

struct Whole {
  std::int64_t low, high;
  Result<std::int64_t> operator()(const Value& v) const {
    const auto number = parse_int(v.node.scalar);
    if (v.node.kind == Kind::scalar && number && *number >= low && *number <= high) return *number;
    return v.error("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
};

/// A finite decimal number. Hexadecimal, "nan" and "inf" are refused on every platform.
std::optional<double> decimal(std::string_view text) {
  if (text.find_first_not_of("0123456789.eE+- ") != std::string_view::npos) return std::nullopt;
  const auto number = parse_double(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

/// The number before `suffix`; nullopt when the text does not end so.
std::optional<double> before(std::string_view text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return std::nullopt;
  return decimal(text.substr(0, text.size() - suffix.size()));
}

Result<double> read_share(const Value& v) {
  constexpr double kLow = 0.001, kHigh = 0.5;
  auto share = decimal(v.node.scalar);
  if (const auto percent = before(v.node.scalar, "%")) share = *percent / 100;
  if (v.node.kind == Kind::scalar && share && *share >= kLow && *share <= kHigh) return *share;
  return v.error("a share from 0.1% to 50%, for example 1% or 0.01");
}

Result<double> read_duration_s(const Value& v) {
  constexpr double kLow = 0.001, kHigh = 7 * 86400;
  const bool plain = v.node.scalar.find_first_not_of("0123456789.smh") == std::string::npos;
  const auto seconds = plain ? parse_duration_s(v.node.scalar) : std::nullopt;
  if (v.node.kind == Kind::scalar && seconds && *seconds >= kLow && *seconds <= kHigh) {
    return *seconds;
  }
  return v.error("a time from 1 ms to 7 days, for example 90, 90s, 5m or 1h");
}

/// `bytes` rounded to whole steps; nullopt outside the memory workload's range.
std::optional<std::int64_t> array_bytes(double bytes) {
  const double steps = std::round(bytes / kArrayStepBytes);
  if (!(steps >= 1 && steps <= static_cast<double>(kMaxArrayBytes / kArrayStepBytes))) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(steps) * kArrayStepBytes;
}

Result<std::int64_t> read_size_bytes(const Value& v) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}};
  auto bytes = decimal(v.node.scalar);
  for (const auto& [unit, scale] : kUnits) {
    if (const auto number = before(v.node.scalar, unit)) bytes = *number * scale;
  }
  const auto size = bytes && v.node.kind == Kind::scalar ? array_bytes(*bytes) : std::nullopt;
  if (size && static_cast<double>(*size) == *bytes) return *size;
  return v.error("a multiple of 64 bytes up to 1 TiB, for example 256MiB, 1GB or 4096");
}

Result<std::int64_t> read_size_gb(const Value& v) {
  const auto gb = decimal(v.node.scalar);
  const auto size = gb && v.node.kind == Kind::scalar ? array_bytes(*gb * 1e9) : std::nullopt;
  if (size) return *size;
  return v.error("a size in GB (10^9 bytes) up to 1099, for example 0.5");
}

Result<std::string> read_text(const Value& v) {
  constexpr std::size_t kLongest = 1000;
  const std::string& text = v.node.scalar;
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (v.node.kind == Kind::scalar && !trim(text).empty() && text.size() <= kLongest && printable) {
    return text;
  }
  return v.error("a text of one line");
}

/// One of `names`.
Result<std::string> read_name(const Value& v, std::span<const std::string> names) {
  const std::string& name = v.node.scalar;
  if (v.node.kind == Kind::scalar && std::find(names.begin(), names.end(), name) != names.end()) {
    return name;
  }
  Error error = v.error("one of " + join(names, ", "));
  if (const auto near = nearest(std::string_view(name).substr(0, 100), names)) {
    error.message += "; did you mean \"" + *near + "\"?";
  }
  return error;
}

Result<std::string> read_op(const Value& v) {
  static const std::vector<std::string> kOps = {"read", "write", "copy", "triad"};
  return read_name(v, kOps);
}

Result<workload::DType> read_dtype(const Value& v) {
  static const std::vector<std::string> kDTypes = {"float32", "float16", "bfloat16", "float64"};
  const auto name = read_name(v, kDTypes);
  if (!name) return name.error();
  return *workload::parse_dtype(*name);
}

/// "framework[@env]:device", any part of it with * and ?.
Result<std::string> read_subject(const Value& v) {
  const std::string& text = v.node.scalar;
  const auto colon = text.find(':');
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    constexpr std::string_view kMarks = ":@*?_.-";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
  const bool parts = colon != std::string::npos && colon > 0 && colon + 1 < text.size();
  if (v.node.kind == Kind::scalar && plain && parts && text.size() <= 100) return text;
  return v.error("framework:device, for example torch:cpu, mlx:gpu or torch:*");
}

Result<workload::Gemm::Shape> read_gemm_shape(const Value& v) {
  constexpr std::string_view kForm = "a shape like {m: 8, n: 4096, k: 4096}";
  if (v.node.kind != Kind::map || v.node.entries.size() != 3) return v.error(kForm);
  std::array<std::int64_t, 3> mnk{};
  for (const auto& [key, value] : v.node.entries) {
    const auto place = std::string_view("mnk").find(key.scalar);
    if (key.scalar.size() != 1 || place == std::string_view::npos) return v.error(kForm);
    const auto size = Whole{1, kMaxDimension}({value, v.path + "." + key.scalar, v.file_name});
    if (!size) return size.error();
    mnk[place] = *size;
  }
  return workload::Gemm::Shape{.m = mnk[0], .n = mnk[1], .k = mnk[2]};
}

bool same(const workload::Gemm::Shape& a, const workload::Gemm::Shape& b) {
  return a.m == b.m && a.n == b.n && a.k == b.k;
}
template <class T>
bool same(const T& a, const T& b) {
  return a == b;
}

/// A list of values that `read` understands, each once.
template <class Read>
auto read_list(const Value& v, const Read& read)
    -> Result<std::vector<std::decay_t<decltype(*read(v))>>> {
  using T = std::decay_t<decltype(*read(v))>;
  if (v.node.kind != Kind::list) return v.error("a list in brackets, for example [a, b]");
  if (v.node.items.size() > kMaxListItems) return v.error("a list of at most 1000 entries");
  std::vector<T> list;
  for (std::size_t i = 0; i < v.node.items.size(); ++i) {
    auto value = read(v.item(i));
    if (!value) return value.error();
    const auto equal = [&](const T& other) { return same(other, *value); };
    if (std::any_of(list.begin(), list.end(), equal)) {
      return v.item(i).error("each entry once");
    }
    list.push_back(*std::move(value));
  }
  return list;
}

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

/// One key that files may hold: how its value is read, and what to tell when it is there although
/// something else replaces it.
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

constexpr std::string_view kNoAttention =
    "is kept but not used: this version does not measure attention yet";
constexpr std::string_view kNoModelLevel =
    "is kept but not used: this version does not measure whole models yet";

// clang-format off
const std::vector<Key>& keys() {
  static const std::vector<Key> kKeys = {
      {"hardware.expected_chip", [](Config& c, const Value& v) { return store(c.expected_chip, read_text(v)); }},
      {"model.name", [](Config& c, const Value& v) { return store(c.model.name, read_text(v)); }},
      {"model.dtype", [](Config& c, const Value& v) { return store(c.model.dtype, read_text(v)); }},
      {"benchmarks.compute.gemm_sizes", [](Config& c, const Value& v) { return store_list(c.compute.gemm_sizes, v, kDimension); }},
      {"benchmarks.compute.gemm_shapes", [](Config& c, const Value& v) { return store_list(c.compute.gemm_shapes, v, read_gemm_shape); }},
      {"benchmarks.compute.dtypes", [](Config& c, const Value& v) { return store_list(c.compute.dtypes, v, read_dtype); }},
      {"benchmarks.compute.warmup_iters", [](Config&, const Value& v) { return check_only(v); },
       "is not used: warm-up goes on until times settle, within measure.warmup_min and measure.warmup_max"},
      {"benchmarks.compute.bench_iters", [](Config&, const Value& v) { return check_only(v); },
       "is not used: measuring goes on until the interval is as narrow as measure.target or measure.case_budget is spent"},
      {"benchmarks.attention.seq_lengths", [](Config& c, const Value& v) { return store_list(c.attention.seq_lengths, v, kCount); }, kNoAttention},
      {"benchmarks.attention.num_heads", [](Config& c, const Value& v) { return store(c.attention.num_heads, kCount(v)); }, kNoAttention},
      {"benchmarks.attention.head_dim", [](Config& c, const Value& v) { return store(c.attention.head_dim, kCount(v)); }, kNoAttention},
      {"benchmarks.attention.batch_size", [](Config& c, const Value& v) { return store(c.attention.batch_size, kCount(v)); }, kNoAttention},
      {"benchmarks.memory.sizes", [](Config& c, const Value& v) { return store_list(c.memory.sizes_bytes, v, read_size_bytes); }},
      {"benchmarks.memory.sizes_gb", [](Config& c, const Value& v) { return store_list(c.memory.sizes_bytes, v, read_size_gb); }},
      {"benchmarks.memory.ops", [](Config& c, const Value& v) { return store_list(c.memory.ops, v, read_op); }},
      {"benchmarks.model_level.batch_sizes", [](Config& c, const Value& v) { return store_list(c.model_level.batch_sizes, v, kCount); }, kNoModelLevel},
      {"benchmarks.model_level.seq_lengths", [](Config& c, const Value& v) { return store_list(c.model_level.seq_lengths, v, kCount); }, kNoModelLevel},
      {"measure.target", [](Config& c, const Value& v) { return store(c.measure.target, read_share(v)); }},
      {"measure.budget", [](Config& c, const Value& v) { return store(c.measure.budget_s, read_duration_s(v)); }},
      {"measure.case_budget", [](Config& c, const Value& v) { return store(c.measure.case_budget_s, read_duration_s(v)); }},
      {"measure.min_rounds", [](Config& c, const Value& v) { return store(c.measure.min_rounds, kRounds(v)); }},
      {"measure.max_rounds", [](Config& c, const Value& v) { return store(c.measure.max_rounds, kRounds(v)); }},
      {"measure.warmup_min", [](Config& c, const Value& v) { return store(c.measure.warmup_min_s, read_duration_s(v)); }},
      {"measure.warmup_max", [](Config& c, const Value& v) { return store(c.measure.warmup_max_s, read_duration_s(v)); }},
      {"measure.seed", [](Config& c, const Value& v) { return store(c.measure.seed, kSeed(v)); }},
      {"subjects", [](Config& c, const Value& v) { return store_list(c.subjects, v, read_subject); }},
      {"output.results_dir", [](Config& c, const Value& v) { return store(c.results_dir, read_text(v)); }},
      {"output.reports_dir", [](Config& c, const Value& v) { return store(c.reports_dir, read_text(v)); }},
  };
  return kKeys;
}
// clang-format on

const Key* find_key(std::string_view path) {
  const auto it = std::find_if(keys().begin(), keys().end(),
                               [&](const Key& key) { return key.path == path; });
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

Error unknown_key(const YamlNode& key, std::string_view section, std::string_view file_name) {
  std::string message = "unknown key " + quoted(key.scalar);
  if (!section.empty()) message += " in " + std::string(section);
  const auto names = names_in(section);
  if (const auto near = nearest(std::string_view(key.scalar).substr(0, 100), names)) {
    message += "; did you mean \"" + *near + "\"?";
  } else if (const auto home = home_of(key.scalar)) {
    message += home->empty() ? "; it belongs at the top level" : "; it belongs in " + *home;
  } else {
    message += "; known here: " + join(names, ", ");
  }
  return yaml_error(file_name, key.line, message);
}

/// Reads a map of keys and further sections.
Status read_section(Config& config, const YamlNode& map, const std::string& section,
                    std::string_view file_name) {
  for (const auto& [key, node] : map.entries) {
    const std::string path = joined(section, key.scalar);
    const Value value{node, path, file_name};
    if (const Key* known = find_key(path)) {
      if (auto read = known->read(config, value); !read) return read.error();
      if (!known->notice.empty()) config.notices.push_back(path + " " + std::string(known->notice));
    } else if (key.scalar.find('.') != std::string::npos || names_in(path).empty()) {
      return unknown_key(key, section, file_name);
    } else if (node.kind == Kind::map) {
      if (auto read = read_section(config, node, path, file_name); !read) return read.error();
    } else if (node.kind != Kind::null) {  // a section whose keys are all commented out is fine
      return value.error("keys such as " + names_in(path).front() + ", indented below it");
    }
  }
  return Done{};
}

Status check_together(Config& config, std::string_view file_name) {
  Config::Measure& m = config.measure;
  if (m.min_rounds && m.max_rounds && *m.min_rounds > *m.max_rounds) {
    return yaml_error(file_name, 0, "measure.min_rounds is more than measure.max_rounds");
  }
  if (m.warmup_min_s && m.warmup_max_s && *m.warmup_min_s > *m.warmup_max_s) {
    return yaml_error(file_name, 0, "measure.warmup_min is longer than measure.warmup_max");
  }
  return Done{};
}
