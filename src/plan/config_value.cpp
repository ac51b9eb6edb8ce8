#include "plan/config_value.hpp"

#include "core/text.hpp"
#include "workload/operation.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

namespace mlbench::plan {
namespace {

using Kind = YamlNode::Kind;

// The memory workload's own limits, told here with file and line.
constexpr std::int64_t kMaxArraySteps = (std::int64_t{1} << 40) / 64;
constexpr std::int64_t kArrayStepBytes = 64;

/// What stands there instead, for messages.
std::string found(const YamlNode& node) {
  switch (node.kind) {
    case Kind::null: return "nothing";
    case Kind::scalar: return in_quotes(node.scalar);
    case Kind::list: return "a list";
    case Kind::map: return "a group of keys";
  }
  return "";
}

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

/// `bytes` rounded to whole steps; nullopt outside the memory workload's range.
std::optional<std::int64_t> array_bytes(double bytes) {
  const double steps = std::round(bytes / kArrayStepBytes);
  if (!(steps >= 1 && steps <= static_cast<double>(kMaxArraySteps))) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(steps) * kArrayStepBytes;
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

}  // namespace

Error Value::error(std::string_view expected) const {
  return yaml_error(file_name, node.line,
                    path + ": expected " + std::string(expected) + ", got " + found(node));
}

Result<std::int64_t> Whole::operator()(const Value& v) const {
  const auto number = parse_int(v.node.scalar);
  if (v.node.kind == Kind::scalar && number && *number >= low && *number <= high) return *number;
  return v.error("a whole number from " + std::to_string(low) + " to " + std::to_string(high));
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

Result<std::int64_t> read_size_bytes(const Value& v) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}};
  const bool scalar = v.node.kind == Kind::scalar;
  const auto plain = parse_int(v.node.scalar);  // bytes without a unit are meant exactly
  auto size = plain && *plain % kArrayStepBytes == 0 ? array_bytes(static_cast<double>(*plain))
                                                     : std::nullopt;
  for (const auto& [unit, scale] : kUnits) {
    if (const auto number = before(v.node.scalar, unit)) size = array_bytes(*number * scale);
  }
  if (scalar && size) return *size;
  return v.error("a size up to 1 TiB, for example 256MiB, 1GB or a multiple of 64 bytes");
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

Result<std::string> read_op(const Value& v) {
  static const std::vector<std::string> ops = {"read", "write", "copy", "scale", "add", "triad"};
  return read_name(v, ops);
}

Result<workload::DType> read_dtype(const Value& v) {
  static const std::vector<std::string> dtypes = {"float32", "float16", "bfloat16", "float64"};
  const auto name = read_name(v, dtypes);
  if (!name) return name.error();
  return *workload::parse_dtype(*name);
}

Result<std::string> read_operation(const Value& v) {
  std::vector<std::string> names = {"block", "prefill", "decode"};
  for (const auto& operation : workload::operations()) {
    if (operation.groups == nullptr) names.emplace_back(operation.name);
  }
  return read_name(v, names);
}

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
  if (v.node.kind != Kind::map || v.node.items.size() != 3) return v.error(kForm);
  std::array<std::int64_t, 3> mnk{};
  for (const YamlNode& value : v.node.items) {
    const auto place = std::string_view("mnk").find(value.key);
    if (value.key.size() != 1 || place == std::string_view::npos) return v.error(kForm);
    const auto size = Whole{1, kMaxDimension}({value, v.path + "." + value.key, v.file_name});
    if (!size) return size.error();
    mnk[place] = *size;
  }
  return workload::Gemm::Shape{.m = mnk[0], .n = mnk[1], .k = mnk[2]};
}

}  // namespace mlbench::plan
