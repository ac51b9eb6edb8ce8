#include "store/journal.hpp"

#include "core/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

namespace mlbench::store {
namespace {

namespace fs = std::filesystem;

Error io_error(const fs::path& path, const std::string& what) {
  return fail(ErrorKind::io, path.string() + ": " + what + ": " + std::strerror(errno));
}

Result<std::string> read_file(const fs::path& path) {
  if (fs::is_directory(path))
    return fail(ErrorKind::io, path.string() + ": is a folder, not a journal");
  std::ifstream file(path, std::ios::binary);
  if (!file) return io_error(path, "cannot be read");
  std::string text;
  std::error_code error;
  if (const auto size = fs::file_size(path, error); !error) {
    text.resize(size);
    file.read(text.data(), static_cast<std::streamsize>(size));
    text.resize(static_cast<std::size_t>(file.gcount()));
  } else {  // a pipe
    std::ostringstream all;
    all << file.rdbuf();
    text = std::move(all).str();
  }
  if (file.bad()) return io_error(path, "cannot be read");
  return text;
}

/// Folds all whole lines of `text` into data.
Status fold(const fs::path& path, std::string_view text, RunData& data) {
  int number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;  // the line in flight when the run was killed
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ++number;
    if (number > 1) {
      if (const auto flat = FlatLine::parse(line); flat && data.add_flat(*flat)) continue;
    }
    const auto where = path.string() + ": line " + std::to_string(number);
    auto json = parse_json(line);
    if (!json) return fail(ErrorKind::io, where + ": " + json.error().message);
    if (number == 1 && find_string(*json, "type") != "run") {
      return fail(
          ErrorKind::io,
          path.string() + ": is not a journal of mlbench (its first line is not of type \"run\")");
    }
    if (auto added = data.add(*json); !added)
      return fail(ErrorKind::io, where + ": " + added.error().message);
  }
  if (number == 0) return fail(ErrorKind::io, path.string() + ": is empty or holds no whole line");
  return Done{};
}

}  // namespace

Result<Journal> Journal::create(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) {
    return fail(ErrorKind::io, path.parent_path().string() + ": cannot be made: " +
                                   error.message() + "; name another folder with --results");
  }
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (file == nullptr) return io_error(path, "cannot be written").in("journal");
  return Journal(path, file);
}

Result<Journal> Journal::resume(const fs::path& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  RunData data;
  if (auto folded = fold(path, *text, data); !folded) return folded.error();
  const auto whole = text->rfind('\n') + 1;
  if (whole != text->size() && truncate(path.c_str(), static_cast<off_t>(whole)) != 0) {
    return io_error(path, "cannot be written");
  }
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return io_error(path, "cannot be written");
  Journal journal(path, file);
  journal.data_ = std::move(data);
  return journal;
}

Status Journal::write(const Json& line) {
  const std::string text = dump_json(line) + "\n";
  const bool written = std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size();
  if (!written || std::fflush(file_.get()) != 0) {
    return io_error(
        path_, "cannot be written; what was measured so far is kept and --resume goes on from it");
  }
  return data_.add(line);
}

Result<RunData> load_journal(const fs::path& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  RunData data;
  if (auto folded = fold(path, *text, data); !folded) return folded.error();
  return data;
}

Result<RunData> parse_journal(std::string_view text, const std::string& name) {
  RunData data;
  if (auto folded = fold(name, text, data); !folded) return folded.error();
  return data;
}

Result<fs::path> find_journal(const std::string& run, const fs::path& results_dir) {
  std::error_code ignored;
  if (run != "last") {
    for (const fs::path& candidate :
         {fs::path(run), results_dir / (run + ".jsonl"), results_dir / run}) {
      if (fs::is_regular_file(candidate, ignored)) return candidate;
    }
    return fail(ErrorKind::usage,
                "no run \"" + run + "\": neither a file nor a journal in " + results_dir.string());
  }
  std::vector<fs::path> journals;
  for (const auto& entry : fs::directory_iterator(results_dir, ignored)) {
    if (entry.path().extension() == ".jsonl") journals.push_back(entry.path());
  }
  if (journals.empty())
    return fail(ErrorKind::usage, "there is no run in " + results_dir.string() + " yet");
  // Names are dates. Without the extension, as "-2" of a second run must come after "".
  return *std::max_element(journals.begin(), journals.end(),
                           [](const auto& a, const auto& b) { return a.stem() < b.stem(); });
}

}  // namespace mlbench::store
