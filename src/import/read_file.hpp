#pragma once

#include "core/error.hpp"
#include "import/rows.hpp"

#include <filesystem>
#include <string>

namespace mlbench::importing {

/// Reads `text` as the file `path`: finds out by its content, never by its name, what it is.
/// Errors: `io`, naming the file, when it is no known format, broken, or holds nothing that is
/// understood.
[[nodiscard]] Result<File> read_text(const std::string& text, const std::string& path);

/// The same from a file.
[[nodiscard]] Result<File> read_file(const std::filesystem::path& path);

}  // namespace mlbench::importing
