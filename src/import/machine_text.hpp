#pragma once

#include "import/rows.hpp"

#include <string_view>

namespace mlbench::importing {

/// What a text says of a machine: a chip or card of the catalogue (the longest name that stands in
/// it), GPU cores ("76GPU", "40 GPU cores", "40-core GPU") and memory ("64 GB", taken as GiB).
/// `chip` is empty where none is known.
[[nodiscard]] MachineFacts machine_in_text(std::string_view text);

}  // namespace mlbench::importing
