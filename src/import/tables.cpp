#include "import/tables.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace mlbench::importing {
namespace {

/// Names for the columns of a table: none empty, none twice.
std::vector<std::string> column_names(const std::vector<std::string>& header) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < header.size(); ++i) {
    std::string name = header[i].empty() ? "column " + std::to_string(i + 1) : header[i];
    for (int n = 2; !seen.insert(name).second; ++n)
      name = header[i] + " (" + std::to_string(n) + ")";
    names.push_back(std::move(name));
  }
  return names;
}

Json row_of(const std::vector<std::string>& names, const std::vector<std::string>& cells) {
  Json row = Json::object();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i < names.size()) {
      row[names[i]] = cells[i];
    } else {
      row["more cells"].push_back(cells[i]);
    }
  }
  return row;
}

bool is_table_line(std::string_view line) {
  return trim(line).starts_with('|');
}

std::vector<std::string> cells_of(std::string_view line) {
  line = trim(line);
  line.remove_prefix(1);
  if (line.ends_with('|')) line.remove_suffix(1);
  std::vector<std::string> cells;
  for (const auto cell : split(line, '|')) cells.emplace_back(trim(cell));
  return cells;
}

bool is_rule(std::string_view line) {
  return is_table_line(line) && line.find('-') != std::string_view::npos &&
         line.find_first_not_of("|-: \t\r") == std::string_view::npos;
}

bool is_heading(std::string_view line) {
  line = trim(line);
  return line.starts_with('#') || line.starts_with("**");
}

/// Reads one record of a CSV text and takes it off.
std::vector<std::string> take_record(std::string_view& text) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        cells.back().push_back(c);
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cells.back().push_back(text[++i]);
      } else {
        quoted = false;
      }
    } else if (c == '"' && trim(cells.back()).empty()) {
      cells.back().clear();
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      ++i;
      break;
    } else {
      cells.back().push_back(c);
    }
  }
  text.remove_prefix(i);
  for (auto& cell : cells) cell = std::string(trim(cell));
  return cells;
}

bool is_blank(const std::vector<std::string>& cells) {
  return cells.size() == 1 && cells[0].empty();
}

// --- SQL ---------------------------------------------------------------------------------------

/// Statements without the semicolon; text in single quotes may hold one.
std::vector<std::string_view> statements_of(std::string_view text) {
  std::vector<std::string_view> list;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;  // a doubled quote toggles twice
    if (text[i] != ';' || quoted) continue;
    list.push_back(trim(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  list.push_back(trim(text.substr(begin)));
  return list;
}

bool starts_with_word(std::string_view text, std::string_view upper) {
  return text.size() >= upper.size() &&
         std::equal(upper.begin(), upper.end(), text.begin(), [](char u, char c) {
           return std::toupper(static_cast<unsigned char>(c)) == u;
         });
}

/// The items of "(a, 'b', c)" at the beginning of `text`, which is taken off; nullopt when it does
/// not close.
std::optional<std::vector<std::string>> take_list(std::string_view& text) {
  if (!text.starts_with('(')) return std::nullopt;
  std::vector<std::string> items(1);
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '\'') {
        items.back().push_back(c);
      } else if (i + 1 < text.size() && text[i + 1] == '\'') {
        items.back().push_back(text[++i]);
      } else {
        quoted = false;
      }
    } else if (c == '\'') {
      quoted = true;
    } else if (c == ',') {
      items.emplace_back();
    } else if (c == ')') {
      text.remove_prefix(i + 1);
      for (auto& item : items) item = std::string(trim(item));
      return items;
    } else {
      items.back().push_back(c);
    }
  }
  return std::nullopt;
}

Result<Json> insert_row(std::string_view statement) {
  const auto cut_off = [] {
    return fail(ErrorKind::protocol, "an INSERT statement is cut off or not understood");
  };
  const auto open = statement.find('(');
  if (open == std::string_view::npos) return cut_off();
  statement.remove_prefix(open);
  const auto columns = take_list(statement);
  if (!columns) return cut_off();
  statement = trim(statement);
  if (!starts_with_word(statement, "VALUES")) return cut_off();
  statement = trim(statement.substr(6));
  const auto cells = take_list(statement);
  if (!cells) return cut_off();
  if (cells->size() != columns->size()) {
    return fail(ErrorKind::protocol, "an INSERT statement has " + std::to_string(columns->size()) +
                                         " columns and " + std::to_string(cells->size()) +
                                         " values");
  }
  return row_of(column_names(*columns), *cells);
}

}  // namespace

Tables parse_markdown(std::string_view text) {
  Tables tables;
  std::optional<std::size_t> heading;
  const auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_table_line(lines[i]) && i + 1 < lines.size() && is_rule(lines[i + 1])) {
      const auto names = column_names(cells_of(lines[i]));
      Json rows = Json::array();
      for (i += 2; i < lines.size() && is_table_line(lines[i]); ++i)
        rows.push_back(row_of(names, cells_of(lines[i])));
      --i;
      tables.root["tables"].push_back(std::move(rows));
      tables.headings.push_back(heading);
    } else if (!trim(lines[i]).empty()) {
      Json& prose = tables.root["text"];
      if (is_heading(lines[i])) heading = prose.size();
      prose.push_back(std::string(trim(lines[i])));
    }
  }
  return tables;
}

Tables parse_csv(std::string_view text) {
  Tables tables;
  tables.headings.emplace_back();
  Json rows = Json::array();
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto cells = take_record(text);
    if (is_blank(cells)) continue;
    if (names.empty()) {
      names = column_names(cells);
    } else {
      rows.push_back(row_of(names, cells));
    }
  }
  tables.root["tables"].push_back(std::move(rows));
  return tables;
}

Result<Tables> parse_sql(std::string_view text) {
  Tables tables;
  tables.headings.emplace_back();
  Json rows = Json::array();
  for (const auto statement : statements_of(text)) {
    if (statement.empty() || starts_with_word(statement, "CREATE TABLE")) continue;
    if (!starts_with_word(statement, "INSERT INTO")) {
      tables.root["text"].push_back(std::string(statement));
      continue;
    }
    auto row = insert_row(statement);
    if (!row) return row.error();
    rows.push_back(*std::move(row));
  }
  tables.root["tables"].push_back(std::move(rows));
  return tables;
}

}  // namespace mlbench::importing
