#pragma once

#include "cli/rehearsal.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

#include <filesystem>
#include <ostream>
#include <string>

namespace mlbench::cli {

/// Where a command writes, and what every command knows.
struct Context {
  std::ostream& out;
  std::ostream& err;
  std::filesystem::path program;  ///< Absolute path of this executable.
  bool json = false;
  std::shared_ptr<const Rehearsal> rehearsal = nullptr;  ///< --rehearsal; else nullptr.
};

/// The project's folder (MLBENCH_ROOT, set by ./mlbench), else the current one.
[[nodiscard]] std::filesystem::path root_folder();
/// A rehearsal keeps its journals and reports apart, in results/rehearsals.
[[nodiscard]] std::filesystem::path default_results_dir(bool rehearsal = false);
[[nodiscard]] std::filesystem::path default_reports_dir(bool rehearsal = false);

/// Folders in which workers lie: beside the program, and in its ../libexec/mlbench.
[[nodiscard]] std::vector<std::filesystem::path> worker_folders(const Context& context);

/// Prints `error` as one sentence on `err`, and as a document of schema mlbench.error/1 on `out`
/// when
/// --json was given; returns its exit code.
int report_error(const Context& context, const Error& error);

/// Prints `document` on `out`, indented.
void print_json(const Context& context, const Json& document);

}  // namespace mlbench::cli
