#pragma once

#include "core/error.hpp"
#include "report/model.hpp"

#include <filesystem>
#include <vector>

namespace mlbench::cli {

/// What was written, and why a kind of picture was not.
struct Pictures {
  std::vector<std::filesystem::path> files;
  std::string missing;  ///< One sentence; empty when everything is there.
};

/// The report's charts as SVG in `folder` (by Node.js) and as PNG beside them (by rsvg-convert).
/// Errors: `unsupported` without Node.js, naming the cure; `io` when a file cannot be written or
/// Node fails.
[[nodiscard]] Result<Pictures> write_pictures(const report::Report& report,
                                              const std::filesystem::path& folder);

}  // namespace mlbench::cli
