#pragma once

#include "import/rows.hpp"

namespace mlbench::importing {

/// Whether `row` is one of a table of TristanBilot/mlx-benchmark: an operation, and milliseconds by
/// back end.
[[nodiscard]] bool is_mlx_table_row(const Json& row);

/// Reads one table row; every back end is a row of ours. `machine` is what the table's heading
/// says.
void read_mlx_table_row(File& file, const Json& row, const std::string& path,
                        const MachineFacts& machine);

}  // namespace mlbench::importing
