#pragma once

#include "import/rows.hpp"

namespace mlbench::importing {

/// Reads any JSON tree of benchmark results whose fields are named for what they hold, as the
/// Python Mac ML Benchmark Suite writes them: sections, frameworks and sizes as keys, and leaves
/// such as "attention_ms", "tokens_per_second", "peak_memory_gb". Fills rows, machine and facts of
/// `file` and marks what it understood; what it does not know stays unmarked.
void read_tree(File& file);

}  // namespace mlbench::importing
