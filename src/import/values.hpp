#pragma once

#include "core/json.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace mlbench::importing {

/// One value of a file: a number, text, true, false or null, wherever it stands.
struct Value {
  std::string field;  ///< "benchmarks.gemm[3].tflops".
  const Json* json = nullptr;
  bool understood = false;
};

/// Values in a tree: all that is no list and no object.
[[nodiscard]] std::size_t count_leaves(const Json& node);

/// Every value of a file, and which of them a reader made something of. What no reader took is
/// listed, so that nothing of a file is lost.
class Values {
 public:
  Values() = default;
  /// `root` must outlive this and not move.
  explicit Values(const Json& root) { add(root, ""); }

  /// Marks a value as understood. `leaf` must be part of the root. Returns its index.
  std::size_t use(const Json& leaf);
  /// Marks all values below `node`.
  void use_all(const Json& node);
  [[nodiscard]] bool is_used(const Json& leaf) const;

  [[nodiscard]] const Value& at(std::size_t index) const { return values_[index]; }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] std::vector<const Value*> not_understood() const;

 private:
  void add(const Json& node, const std::string& field);

  std::vector<Value> values_;
  std::unordered_map<const Json*, std::size_t> index_;
};

}  // namespace mlbench::importing
