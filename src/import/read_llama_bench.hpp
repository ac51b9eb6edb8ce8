#pragma once

#include "import/rows.hpp"

namespace mlbench::importing {

/// Whether `object` is a result of llama-bench: a row of its JSON, CSV, SQL or Markdown output.
[[nodiscard]] bool is_llama_bench(const Json& object);

/// Reads one such row. Samples of one process after the other are kept as values, not as samples.
void read_llama_bench(File& file, const Json& object, const std::string& path);

}  // namespace mlbench::importing
