#pragma once

#include <string>
#include <vector>

namespace mlbench::report {

/// Rows of text in aligned columns: the first column to the left, the others to the right, except
/// the last two, which hold sentences.
class Table {
 public:
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// All rows, two spaces between columns, no spaces at line ends.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mlbench::report
