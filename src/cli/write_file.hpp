#pragma once

#include "core/error.hpp"

#include <filesystem>
#include <string>

namespace mlbench::cli {

/// Writes `text` to `path`, whose folder is made when it is missing. Errors: `io`, naming the file.
[[nodiscard]] Status write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace mlbench::cli
