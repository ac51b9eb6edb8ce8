#pragma once

#include "cli/commands.hpp"
#include "report/collection.hpp"

#include <filesystem>
#include <vector>

namespace mlbench::cli {

/// Journals of `runs`: a folder stands for every journal in it.
[[nodiscard]] std::vector<std::string> expand_folders(const std::vector<std::string>& runs);

/// Reads journals on several threads, keeping only what a collection shows of each. One that cannot
/// be read is listed as refused and does not stop the others.
[[nodiscard]] report::Collection load_collection(const std::vector<std::filesystem::path>& paths);

/// More runs than this are shown as a collection.
inline constexpr std::size_t kManyRuns = 12;

/// `report` of very many runs: one table over all of them, as text, JSON or a page.
int report_collection(const Context& context, const ReportOptions& options,
                      const std::vector<std::filesystem::path>& paths);

}  // namespace mlbench::cli
