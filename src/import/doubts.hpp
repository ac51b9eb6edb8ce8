#pragma once

#include "import/rows.hpp"

#include <string>
#include <vector>

/// Reasons not to believe an imported figure, found by rules: physics, arithmetic and the
/// catalogue, never a file's name or a known value. docs/import.md says what each rule looks for
/// and why.
namespace mlbench::importing {

struct Doubt {
  std::string kind;                 ///< "not_finite", "above_ceiling", ...
  std::string file;                 ///< Path.
  std::vector<std::string> fields;  ///< At least one; the first is the one that `value` is of.
  Json value;
  std::string sentence;          ///< Names file, field, value and reason.
  std::vector<const Row*> rows;  ///< Rows that it casts doubt on; empty when it is on facts alone.
};

/// Files that were imported together.
struct Batch {
  std::vector<File> files;
};

/// Every doubt about every file, in the order of the files. Files of one batch are also compared
/// with each other.
[[nodiscard]] std::vector<Doubt> find_doubts(const Batch& batch);

}  // namespace mlbench::importing
