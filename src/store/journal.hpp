#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "store/run_data.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace mlbench::store {

/// The append-only file of one run (docs/run-file.md): one JSON object a line, flushed line by
/// line, so that a kill loses at most the line in flight. What is written is folded into data()
/// too.
class Journal {
 public:
  /// A new file; its folder is made. Errors: `io` when it exists already or cannot be written.
  [[nodiscard]] static Result<Journal> create(const std::filesystem::path& path);

  /// An existing file to go on with: reads it, cuts off a last line without its newline, and
  /// appends. Errors: `io` as load_journal(), or when the file cannot be written.
  [[nodiscard]] static Result<Journal> resume(const std::filesystem::path& path);

  /// Errors: `io`, naming the file, when it cannot be written (disk full). What was written before
  /// stays.
  [[nodiscard]] Status write(const Json& line);

  [[nodiscard]] const RunData& data() const { return data_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Journal(std::filesystem::path path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  RunData data_;
};

/// Reads a journal. A last line without its newline (the run was killed while writing) is left out.
/// Errors: `io` with file and line when it cannot be read, is not a journal or holds a broken line.
[[nodiscard]] Result<RunData> load_journal(const std::filesystem::path& path);

/// The same from a journal's text; `name` goes into messages.
[[nodiscard]] Result<RunData> parse_journal(std::string_view text, const std::string& name);

/// `run` as a path, or as the name of a journal in `results_dir` ("2026-11-23-185302" for
/// results_dir/2026-11-23-185302.jsonl), or "last" for the newest there. Errors: `usage` when there
/// is none.
[[nodiscard]] Result<std::filesystem::path> find_journal(const std::string& run,
                                                         const std::filesystem::path& results_dir);

}  // namespace mlbench::store
