#pragma once

#include "core/error.hpp"
#include "plan/config_yaml.hpp"
#include "workload/dtype.hpp"
#include "workload/gemm.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Readers of the values that configuration keys take. Each is a function of a Value; its error is
/// a `usage` error that names file, line, key, what was expected and what was found.
namespace mlbench::plan {

/// A value and where it stands, for messages.
struct Value {
  const YamlNode& node;
  std::string path;  ///< "benchmarks.compute.gemm_sizes[1]"
  std::string_view file_name;

  [[nodiscard]] Value item(std::size_t i) const {
    return {node.items[i], path + "[" + std::to_string(i) + "]", file_name};
  }
  /// "file:line: path: expected ..., got ...".
  [[nodiscard]] Error error(std::string_view expected) const;
};

/// Largest dimension of a matrix that the gemm workload takes.
inline constexpr std::int64_t kMaxDimension = std::int64_t{1} << 20;

/// Reads a whole number from `low` to `high`.
struct Whole {
  std::int64_t low, high;
  Result<std::int64_t> operator()(const Value& v) const;
};

/// A share from 0.1 % to 50 %: "1%" and 0.01 are the same.
[[nodiscard]] Result<double> read_share(const Value& v);
/// Seconds of 90, "90s", "5m" or "1h".
[[nodiscard]] Result<double> read_duration_s(const Value& v);
/// Bytes of one array: "256MiB" and "1.5GB" to the nearest multiple of 64, 4096 exactly; up to 1
/// TiB.
[[nodiscard]] Result<std::int64_t> read_size_bytes(const Value& v);
/// Bytes of a number of GB (10^9 bytes), to the nearest multiple of 64.
[[nodiscard]] Result<std::int64_t> read_size_gb(const Value& v);
/// One line of text, not empty.
[[nodiscard]] Result<std::string> read_text(const Value& v);
/// The name of one of workload::operations().
[[nodiscard]] Result<std::string> read_operation(const Value& v);
/// An operation of the memory workload: "read", "triad", ...
[[nodiscard]] Result<std::string> read_op(const Value& v);
[[nodiscard]] Result<workload::DType> read_dtype(const Value& v);
/// "framework[@env]:device", any part of it with * and ?.
[[nodiscard]] Result<std::string> read_subject(const Value& v);
/// {m: 8, n: 4096, k: 4096}
[[nodiscard]] Result<workload::Gemm::Shape> read_gemm_shape(const Value& v);

inline bool same(const workload::Gemm::Shape& a, const workload::Gemm::Shape& b) {
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
  constexpr std::size_t kMaxItems = 1000;
  using T = std::decay_t<decltype(*read(v))>;
  if (v.node.kind != YamlNode::Kind::list) return v.error("a list in brackets, for example [a, b]");
  if (v.node.items.size() > kMaxItems) return v.error("a list of at most 1000 entries");
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

}  // namespace mlbench::plan
