#include "report/markdown.hpp"

#include "core/text.hpp"
#include "report/screen.hpp"

#include <string_view>

namespace mlbench::report {
namespace {

std::string row_of(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const auto& cell : cells) line += " " + markdown_escape(cell) + " |";
  return line + "\n";
}

std::string table(const ScreenTable& t) {
  std::vector<std::string> header = {t.title + ", " + t.unit};
  header.insert(header.end(), t.subjects.begin(), t.subjects.end());
  header.insert(header.end(), {"winner (95 % range)", "% of best here", "bound by"});
  std::string out = "\n" + row_of(header) + "| --- |";
  for (std::size_t i = 0; i < t.subjects.size(); ++i) out += " ---: |";
  out += " --- | --- | --- |\n";
  for (const auto& row : t.rows) {
    std::vector<std::string> cells = {row.label};
    cells.insert(cells.end(), row.cells.begin(), row.cells.end());
    cells.insert(cells.end(), {row.winner, row.share, row.bound});
    out += row_of(cells);
  }
  return out;
}

std::string facts(const char* title, const std::vector<Fact>& list) {
  if (list.empty()) return {};
  std::vector<std::string> words;
  for (const auto& f : list) words.push_back(markdown_escape(f.name + ": " + f.answer));
  return std::string("\n**") + title + "** " + join(words, " · ") + "\n";
}

std::string list(const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string out = std::string("\n**") + title + "**\n\n";
  for (const auto& line : lines) out += "- " + markdown_escape(line) + "\n";
  return out;
}

}  // namespace

std::string markdown_escape(const std::string& text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>#|~$!&@";
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += ' ';
      continue;
    }
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string to_markdown(const Report& report) {
  const auto screen = screen_of(report);
  std::vector<std::string> subjects;
  for (const auto& s : screen.subjects) subjects.push_back(markdown_escape(s));
  std::string out =
      "**" + markdown_escape(screen.headline) + "**\n\n" + join(subjects, " · ") + "\n";
  out += facts("Checks", screen.checks);
  if (!screen.key_finding.empty())
    out += "\n**Finding** " + markdown_escape(screen.key_finding) + "\n";
  for (const auto& t : screen.tables) out += table(t);
  if (!screen.published.empty()) out += "\n" + markdown_escape(screen.published) + "\n";
  out += facts("Limits", screen.limits);
  if (!screen.model.empty()) out += "\n**Mistral-7B** in " + markdown_escape(screen.model) + "\n";
  out += list("As used: each framework alone and sustained, beside both together", screen.as_used);
  out += list("Notes", screen.notes) + list("Left out", screen.left_out);
  if (!screen.doubts.empty()) {
    out += list("Doubts", screen.doubts);
  } else if (screen.finished) {
    out += "\n**Doubts** none\n";
  }
  return out;
}

}  // namespace mlbench::report
