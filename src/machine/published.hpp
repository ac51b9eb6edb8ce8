#pragma once

#include "machine/machine.hpp"

#include <optional>
#include <string>

namespace mlbench::machine {

/// A data-sheet number: what the maker says, never what was measured.
struct Published {
  double bandwidth_bytes_per_s = 0;
  std::string source;  ///< "Apple M5, 10 GPU cores".
};

/// Memory bandwidth that the maker publishes for this machine, looked up by chip *and* GPU core
/// count (binned chips of one name differ) in data/chips.csv, which names each row's source.
/// nullopt for a machine that is not in it.
[[nodiscard]] std::optional<Published> published_bandwidth(const Machine& machine);

}  // namespace mlbench::machine
