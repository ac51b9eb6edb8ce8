#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace mlbench {

/// Appends `item` unless `list` has it: a set that keeps the order of first appearance.
inline void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}
inline void add_once(std::vector<std::string>& list, const std::vector<std::string>& items) {
  for (const auto& item : items) add_once(list, item);
}

}  // namespace mlbench
