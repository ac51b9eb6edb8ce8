#pragma once

#include "core/error.hpp"
#include "import/doubts.hpp"

#include <filesystem>
#include <string>
#include <vector>

/// `mlbench import`: results of other programs as runs of ours, with doubts raised by rules.
namespace mlbench::importing {

/// A file that could not be read, and why.
struct Refused {
  std::string path;
  Error error;
};

struct Import {
  Batch batch;
  std::vector<Doubt> doubts;
  std::vector<Refused> refused;
  std::vector<std::vector<std::string>> runs;  ///< Of each file of the batch, the journals written.
};

/// Reads files; what cannot be read is refused and does not stop the others. Files of one folder
/// are taken to be of one machine where only one is named among them.
[[nodiscard]] Import import_files(const std::vector<std::filesystem::path>& paths);
/// The same from texts: pairs of path and text.
[[nodiscard]] Import import_texts(
    const std::vector<std::pair<std::string, std::string>>& paths_and_texts);

/// The document of `mlbench import --json`: schema "mlbench.import/1" of docs/json.md.
[[nodiscard]] Json to_json(const Import& import);

/// Rows that are results; descriptions of the machine are not.
[[nodiscard]] std::size_t result_rows(const File& file);
/// Every value of the file, and those that no reader took.
[[nodiscard]] std::size_t count_values(const File& file);

/// A journal: its lines for each machine that the file has rows of (docs/run-file.md, "Imported
/// rows").
struct Journal {
  std::string machine;  ///< Part of the name when the file has several; empty for one.
  std::vector<Json> lines;
};
[[nodiscard]] std::vector<Journal> journals_of(const Import& import, const File& file);

/// Writes the journals of all files into `folder` and fills in `runs`. A journal of the same source
/// is replaced. Errors: `io` when one cannot be written.
[[nodiscard]] Status save(Import& import, const std::filesystem::path& folder);

}  // namespace mlbench::importing
