#pragma once

#include "core/error.hpp"
#include "import/rows.hpp"

#include <string_view>

namespace mlbench::importing {

/// Whether `text` is a journal of this program, of any version.
[[nodiscard]] bool is_own_journal(std::string_view text);

/// Reads a journal's finished cases as rows: the median time and, where the case says its work, its
/// rate. Samples stay behind. Errors: `protocol`, with the line, for a broken line; `unsupported`
/// for another schema.
[[nodiscard]] Status read_journal(File& file, std::string_view text);

}  // namespace mlbench::importing
