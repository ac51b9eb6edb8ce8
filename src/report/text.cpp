#include "report/text.hpp"

#include "core/text.hpp"
#include "report/imported.hpp"
#include "report/screen.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlbench::report {
namespace {

void add_table(std::string& out, const ScreenTable& screen) {
  Table table;
  std::vector<std::string> header = {fmt::format("{}, {}", screen.title, screen.unit)};
  header.insert(header.end(), screen.subjects.begin(), screen.subjects.end());
  header.insert(header.end(), {"winner (95 % range)", "% of best here", "bound by"});
  table.add(header);
  for (const ScreenRow& row : screen.rows) {
    std::vector<std::string> cells = {row.label};
    cells.insert(cells.end(), row.cells.begin(), row.cells.end());
    cells.insert(cells.end(), {row.winner, row.share, row.bound});
    table.add(cells);
  }
  out += "\n" + table.text();
}

void add_tables(std::string& out, const std::vector<ScreenTable>& tables,
                const std::string& published) {
  for (const auto& table : tables) add_table(out, table);
  if (!published.empty()) out += published + "\n";
}

void add_list(std::string& out, const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += fmt::format("\n{}\n", title);
  for (const auto& line : lines) out += "  " + line + "\n";
}

/// "Checks   right answers: yes, all 24   ...".
void add_facts(std::string& out, const char* title, const std::vector<Fact>& facts, char link) {
  if (facts.empty()) return;
  std::vector<std::string> words;
  for (const auto& f : facts)
    words.push_back(link == ' ' ? f.name + " " + f.answer : f.name + ": " + f.answer);
  out += fmt::format("{:<9}{}\n", title, join(words, "   "));
}

std::string head(const std::string& headline, const std::vector<std::string>& subjects) {
  return headline + "\n" + join(subjects, "   ") + "\n";
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string header_text(const Report& report) {
  return head(report.headline, subjects_words(report));
}

std::string tables_text(const Report& report) {
  std::string out;
  add_tables(out, tables_of(report), published_words(report));
  return out;
}

std::string to_text(const Report& report) {
  const auto screen = screen_of(report);
  std::string out = head(screen.headline, screen.subjects);
  add_facts(out, "Checks", screen.checks, ':');
  if (!screen.key_finding.empty()) out += "Finding  " + screen.key_finding + "\n";
  add_tables(out, screen.tables, screen.published);
  out += imported_text(report);
  if (!screen.limits.empty() || !screen.model.empty()) out += '\n';
  add_facts(out, "LIMITS", screen.limits, ' ');
  if (!screen.model.empty())
    out += "MODEL    Mistral-7B in " + screen.model + "   (mlbench fit Mistral-7B)\n";
  add_list(out, "AS USED  each framework alone and sustained, beside both together",
           screen.as_used);
  add_list(out, "NOTES", screen.notes);
  add_list(out, "LEFT OUT", screen.left_out);
  if (!screen.doubts.empty()) {
    add_list(out, "DOUBTS", screen.doubts);
  } else if (screen.finished) {
    out += "\nDOUBTS   none\n";
  }
  return out;
}

}  // namespace mlbench::report
