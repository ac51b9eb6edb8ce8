#include "report/markdown.hpp"

#include "core/text.hpp"
#include "report/screen.hpp"
#include "report/state.hpp"
#include "report/words.hpp"

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

/// Folded away where Markdown is shown as HTML does it.
std::string folded(const std::string& title, const std::string& body) {
  return "\n<details><summary>" + title + "</summary>\n\n" + body + "\n</details>\n";
}

std::string head_of(const std::vector<std::string>& titles) {
  std::string out = row_of(titles) + "| --- |";
  for (std::size_t i = 1; i < titles.size(); ++i) out += " ---: |";
  return out + "\n";
}

std::string basis_table(const Report& report) {
  std::string rows;
  for (const Row& row : report.rows) {
    for (const auto& v : row.verdicts) {
      if (!v.interval || row.is_skipped()) continue;
      const auto basis = basis_of(v);
      rows += row_of({row.label, title_of(report, v.a) + " / " + title_of(report, v.b), basis.pairs,
                      basis.sd, basis.half_width, basis.stopped});
    }
  }
  if (rows.empty()) return {};
  return folded("What the verdicts rest on",
                head_of({"case", "of", "process pairs", "sd", "95 % range", "stopped"}) + rows);
}

std::string state_table(const Report& report) {
  const auto state = state_of(report);
  std::string body;
  if (const auto words = alike_words(state); !words.empty())
    body += "Beside all cases: " + markdown_escape(words) + "\n";
  if (!state.columns.empty()) {
    std::vector<std::string> titles = {"case"};
    titles.insert(titles.end(), state.columns.begin(), state.columns.end());
    body += (body.empty() ? "" : "\n") + head_of(titles);
    for (const auto& line : state.lines) {
      std::vector<std::string> cells = {line.label};
      cells.insert(cells.end(), line.cells.begin(), line.cells.end());
      body += row_of(cells);
    }
  }
  return body.empty() ? "" : folded("State of the machine beside each case", body);
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
  return out + basis_table(report) + state_table(report);
}

}  // namespace mlbench::report
