#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace mlbench::importing {

/// Largest file that import takes. Result files of other suites are kilobytes; a larger one is
/// something else, and is refused before it is read.
inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

/// The text of a file, without a byte order mark. Errors: `io`, one sentence that names the file,
/// for one that cannot be read, is a folder, empty, larger than kMaxFileBytes or binary.
[[nodiscard]] Result<std::string> read_source(const std::filesystem::path& path);

}  // namespace mlbench::importing
