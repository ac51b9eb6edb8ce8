#include "import/values.hpp"

namespace mlbench::importing {

std::size_t count_leaves(const Json& node) {
  if (!node.is_structured()) return 1;
  std::size_t count = 0;
  for (const Json& child : node) count += count_leaves(child);
  return count;
}

void Values::add(const Json& node, const std::string& field) {
  if (node.is_object()) {
    for (const auto& [key, child] : node.items())
      add(child, field.empty() ? key : field + "." + key);
  } else if (node.is_array()) {
    std::size_t i = 0;
    for (const Json& child : node) add(child, field + "[" + std::to_string(i++) + "]");
  } else {
    index_.emplace(&node, values_.size());
    values_.push_back({.field = field, .json = &node});
  }
}

std::size_t Values::use(const Json& leaf) {
  const auto i = index_.at(&leaf);
  values_[i].understood = true;
  return i;
}

void Values::use_all(const Json& node) {
  if (!node.is_structured()) {
    use(node);
    return;
  }
  for (const Json& child : node) use_all(child);
}

bool Values::is_used(const Json& leaf) const {
  const auto it = index_.find(&leaf);
  return it != index_.end() && values_[it->second].understood;
}

std::vector<const Value*> Values::not_understood() const {
  std::vector<const Value*> list;
  for (const Value& v : values_) {
    if (!v.understood) list.push_back(&v);
  }
  return list;
}

}  // namespace mlbench::importing
