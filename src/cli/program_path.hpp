#pragma once

#include <filesystem>
#include <string>

namespace mlbench::cli {

/// Absolute path of the running executable, also when it was found on PATH; `argv0` where the
/// system does not tell.
[[nodiscard]] std::filesystem::path program_path(const std::string& argv0);

}  // namespace mlbench::cli
