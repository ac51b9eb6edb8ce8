#include "import/vocabulary.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mlbench::importing {
namespace {

struct Unit {
  std::string_view suffix;
  Quantity quantity;
  double scale;
};

// Longer suffixes before those that they end in.
constexpr std::array kUnits = {
    Unit{"tokens_per_second", Quantity::token_rate, 1},
    Unit{"tokens_per_sec", Quantity::token_rate, 1},
    Unit{"tokens_per_s", Quantity::token_rate, 1},
    Unit{"tok_per_s", Quantity::token_rate, 1},
    Unit{"tps", Quantity::token_rate, 1},
    Unit{"tflops", Quantity::flop_rate, 1e12},
    Unit{"gflops", Quantity::flop_rate, 1e9},
    Unit{"gb_per_s", Quantity::byte_rate, 1e9},
    Unit{"gbs", Quantity::byte_rate, 1e9},
    Unit{"gbps", Quantity::bit_rate, 1e9},
    Unit{"percent", Quantity::share, 0.01},
    Unit{"pct", Quantity::share, 0.01},
    Unit{"nanoseconds", Quantity::time, 1e-9},
    Unit{"milliseconds", Quantity::time, 1e-3},
    Unit{"seconds", Quantity::time, 1},
    Unit{"ns", Quantity::time, 1e-9},
    Unit{"us", Quantity::time, 1e-6},
    Unit{"ms", Quantity::time, 1e-3},
    Unit{"s", Quantity::time, 1},
    Unit{"gib", Quantity::memory, 1073741824.0},
    Unit{"mib", Quantity::memory, 1048576.0},
    Unit{"gb", Quantity::memory, 1e9},
    Unit{"mb", Quantity::memory, 1e6},
    Unit{"kb", Quantity::memory, 1e3},
    Unit{"bytes", Quantity::memory, 1},
    Unit{"loss", Quantity::loss, 1},
};

// Words that say which figure of an operation it is, not which operation.
constexpr std::array<std::string_view, 24> kRoles = {
    "std",       "stddev", "min",   "max",   "peak",     "theoretical", "load",   "model",
    "published", "start",  "final", "total", "free",     "used",        "size",   "val",
    "train",     "p50",    "p95",   "p99",   "duration", "transfer",    "spread", "available"};

// Words that say nothing: the figure is the main one.
constexpr std::array<std::string_view, 14> kFillers = {
    "time",      "avg",         "mean", "median",  "average", "achieved",   "memory",
    "bandwidth", "utilization", "mfu",  "elapsed", "wall",    "throughput", "result"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::optional<std::string_view> without_suffix(std::string_view name, std::string_view suffix) {
  if (name == suffix) return std::string_view();
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  if (!name.ends_with('_')) return std::nullopt;
  name.remove_suffix(1);
  return name;
}

void append(std::string& text, std::string_view word) {
  if (!text.empty()) text += '_';
  text += word;
}

FieldName take_apart(std::string_view stem, const Unit& unit) {
  FieldName field{.operation = {}, .role = {}, .quantity = unit.quantity, .scale = unit.scale};
  for (const auto word : split(stem, '_')) {
    if (word.empty() || is_one_of(word, kFillers)) continue;
    if (is_one_of(word, kRoles)) {
      append(field.role, word == "stddev" ? "std" : word);
    } else {
      append(field.operation, word);
    }
  }
  return field;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text)
    out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return out;
}

std::optional<FieldName> parse_field_name(std::string_view name) {
  if (name.size() > 80) return std::nullopt;
  std::string text = lower(name);
  std::replace(text.begin(), text.end(), ' ', '_');
  std::string_view stem = text;
  // "tokens_per_second_avg" is "avg_tokens_per_second".
  std::string moved;
  for (const std::string_view tail : {"_avg", "_mean", "_median", "_std", "_min", "_max"}) {
    if (!stem.ends_with(tail)) continue;
    moved =
        std::string(tail.substr(1)) + "_" + std::string(stem.substr(0, stem.size() - tail.size()));
    stem = moved;
    break;
  }
  for (const Unit& unit : kUnits) {
    const auto rest = without_suffix(stem, unit.suffix);
    if (!rest) continue;
    if (unit.suffix == "s" && (rest->empty() || rest->find("per") != std::string_view::npos))
      return std::nullopt;
    return take_apart(*rest, unit);
  }
  if (stem == "duration")
    return FieldName{.operation = {}, .role = "duration", .quantity = Quantity::time};
  return std::nullopt;
}

std::optional<Subject> parse_subject(std::string_view text) {
  const std::string word = lower(text);
  const auto has = [&](std::string_view part) { return word.find(part) != std::string::npos; };
  if (word.size() > 40) return std::nullopt;
  if (has("torch")) {
    return Subject{.framework = "torch",
                   .device = has("mps")    ? "mps"
                             : has("cuda") ? "cuda"
                             : has("cpu")  ? "cpu"
                                           : ""};
  }
  if (word == "mlx" || word.starts_with("mlx_") || word.starts_with("mlx-"))
    return Subject{.framework = "mlx", .device = has("cpu") ? "cpu" : "gpu"};
  if (has("llama_cpp") || has("llama.cpp") || has("llamacpp"))
    return Subject{.framework = "llama.cpp", .device = has("cpu") ? "cpu" : "gpu"};
  return std::nullopt;
}

std::optional<std::string> parse_dtype_word(std::string_view text) {
  const std::string word = lower(trim(text));
  if (word == "float32" || word == "fp32" || word == "f32" || word == "single") return "float32";
  if (word == "float16" || word == "fp16" || word == "f16" || word == "half") return "float16";
  if (word == "bfloat16" || word == "bf16") return "bfloat16";
  if (word == "float64" || word == "fp64" || word == "double") return "float64";
  return std::nullopt;
}

std::optional<double> bits_per_weight(std::string_view text) {
  if (const auto dtype = parse_dtype_word(text))
    return *dtype == "float32" ? 32.0 : *dtype == "float64" ? 64.0 : 16.0;
  const std::string word = lower(text);
  const auto has = [&](std::string_view part) { return word.find(part) != std::string::npos; };
  // At least the bits themselves: scales come on top and only make the weights larger.
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    const auto n = std::to_string(bits);
    if (has(n + "-bit") || has(n + "bit") || has("q" + n) || has("int" + n)) return bits;
  }
  return std::nullopt;
}

std::string operation_of_name(std::string_view name) {
  const std::string text = lower(name);
  std::string_view word = text;
  word = word.substr(0, word.find(" /"));
  // Off with what states the shape: "_512x512", "_seq512".
  while (!word.empty() && word.find_last_of('_') != std::string_view::npos) {
    const auto tail = word.substr(word.find_last_of('_') + 1);
    const bool is_shape =
        tail.find_first_of("0123456789") != std::string_view::npos &&
        (std::isdigit(static_cast<unsigned char>(tail[0])) != 0 || tail.starts_with("seq")) &&
        !tail.ends_with('b');
    if (!is_shape) break;
    word = word.substr(0, word.find_last_of('_'));
  }
  if (word.starts_with("sequential_")) word.remove_prefix(11);
  if (word == "matmul" || word == "mm") word = "gemm";
  return std::string(trim(word));
}

}  // namespace mlbench::importing
