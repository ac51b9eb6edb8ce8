#include "import/read_file.hpp"

#include "core/text.hpp"
#include "import/lenient_json.hpp"
#include "import/machine_text.hpp"
#include "import/read_journal.hpp"
#include "import/read_llama_bench.hpp"
#include "import/read_mlx_table.hpp"
#include "import/read_tree.hpp"
#include "import/source.hpp"
#include "import/tables.hpp"
#include "import/values.hpp"

#include <algorithm>

namespace mlbench::importing {
namespace {

constexpr std::size_t kMaxValues = 1000000;

Status keep(File& file, Json root) {
  if (count_leaves(root) > kMaxValues)
    return fail(ErrorKind::io, "holds more than a million values, more than any result file");
  file.root = std::make_unique<Json>(std::move(root));
  file.values = Values(*file.root);
  return Done{};
}

Status read_json(File& file, LenientJson json) {
  file.strict = json.strict;
  if (auto kept = keep(file, std::move(json.root)); !kept) return kept.error();
  const Json& root = *file.root;
  const auto all = [&](auto is) {
    return root.is_array() && !root.empty() && std::all_of(root.begin(), root.end(), is);
  };
  if (is_llama_bench(root)) {
    file.format = "llama-bench JSON";
    read_llama_bench(file, root, "");
  } else if (all(is_llama_bench)) {
    file.format = "llama-bench JSON";
    for (std::size_t i = 0; i < root.size(); ++i)
      read_llama_bench(file, root[i], "[" + std::to_string(i) + "]");
  } else {
    file.format = "Mac ML Benchmark Suite JSON";
    read_tree(file);
  }
  return Done{};
}

MachineFacts heading_of(File& file, const Tables& tables, std::size_t table) {
  if (!tables.headings[table]) return {};
  const Json& line = (*file.root)["text"][*tables.headings[table]];
  auto machine = machine_in_text(line.get_ref<const std::string&>());
  file.values.use(line);
  return machine;
}

Status read_tables(File& file, Tables tables, const char* form) {
  if (auto kept = keep(file, std::move(tables.root)); !kept) return kept.error();
  const Json& list = (*file.root)["tables"];
  for (std::size_t t = 0; t < list.size(); ++t) {
    MachineFacts machine;
    for (std::size_t i = 0; i < list[t].size(); ++i) {
      const Json& row = list[t][i];
      const auto path = "tables[" + std::to_string(t) + "][" + std::to_string(i) + "]";
      if (is_llama_bench(row)) {
        file.format = std::string("llama-bench ") + form;
        read_llama_bench(file, row, path);
      } else if (is_mlx_table_row(row)) {
        file.format = std::string("mlx-benchmark ") + form;
        if (i == 0) machine = heading_of(file, tables, t);
        read_mlx_table_row(file, row, path, machine);
      }
    }
  }
  return Done{};
}

bool has_line(std::string_view text, char first) {
  const auto lines = lines_of(text);
  return std::any_of(lines.begin(), lines.end(),
                     [&](auto line) { return trim(line).starts_with(first); });
}

bool is_object_lines(std::string_view text) {
  int lines = 0;
  for (const auto line : lines_of(text)) {
    if (trim(line).empty()) continue;
    if (!trim(line).starts_with('{') || !trim(line).ends_with('}')) return false;
    ++lines;
  }
  return lines > 1;
}

Status read_any(File& file, const std::string& text) {
  const char first = trim(text)[0];
  if (is_own_journal(text)) return read_journal(file, text);
  if (first == '{' || first == '[') {
    auto json = is_object_lines(text) ? parse_json_lines(text) : parse_lenient_json(text);
    if (!json) return fail(ErrorKind::io, json.error().message);
    return read_json(file, *std::move(json));
  }
  if (text.find("INSERT INTO") != std::string::npos ||
      text.find("insert into") != std::string::npos) {
    auto tables = parse_sql(text);
    if (!tables) return fail(ErrorKind::io, tables.error().message);
    return read_tables(file, *std::move(tables), "SQL");
  }
  if (has_line(text, '|')) return read_tables(file, parse_markdown(text), "Markdown");
  return read_tables(file, parse_csv(text), "CSV");
}

}  // namespace

Result<File> read_text(const std::string& text, const std::string& path) {
  File file;
  file.path = path;
  if (trim(text).empty()) return fail(ErrorKind::io, path + ": is empty");
  if (auto read = read_any(file, text); !read) {
    return fail(ErrorKind::io, path + ": " + read.error().message);
  }
  if (file.rows.empty() && file.machine.text.empty()) {
    return fail(ErrorKind::io,
                path +
                    ": holds nothing that is understood; known are results of the Python Mac ML "
                    "Benchmark Suite (JSON), llama-bench (JSON, JSONL, CSV, SQL, Markdown), "
                    "mlx-benchmark (Markdown, CSV) and journals of mlbench");
  }
  return file;
}

Result<File> read_file(const std::filesystem::path& path) {
  const auto text = read_source(path);
  if (!text) return text.error();
  return read_text(*text, path.string());
}

}  // namespace mlbench::importing
