#include "report/details_text.hpp"

#include "report/state.hpp"
#include "report/table.hpp"
#include "report/text.hpp"
#include "report/words.hpp"

#include <algorithm>

namespace mlbench::report {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kLabel = 34;

/// A label cut in its middle: the operation is at its head, the size at its end.
std::string label_of(const std::string& label) {
  if (display_width(label) <= kLabel) return label;
  constexpr std::size_t kHead = 20;
  const auto begin_of = [&](std::size_t character) {
    std::size_t seen = 0, i = 0;
    for (; i < label.size(); ++i) {
      const bool begins = (static_cast<unsigned char>(label[i]) & 0xC0U) != 0x80U;
      if (begins && seen++ == character) break;
    }
    return i;
  };
  const auto tail = display_width(label) - (kLabel - kHead - 1);
  return label.substr(0, begin_of(kHead)) + "…" + label.substr(begin_of(tail));
}

/// One table a pair of subjects.
std::string verdicts_text(const Report& report) {
  std::vector<std::pair<std::string, Table>> tables;
  for (const Row& row : report.rows) {
    for (const auto& v : row.verdicts) {
      if (!v.interval || row.is_skipped()) continue;
      const auto pair = title_of(report, v.a) + " / " + title_of(report, v.b);
      auto it = std::find_if(tables.begin(), tables.end(),
                             [&](const auto& table) { return table.first == pair; });
      if (it == tables.end()) {
        it = tables.insert(it, {pair, Table()});
        it->second.add({"VERDICTS on " + pair, "pairs", "sd", "range", "stopped", ""});
      }
      const auto basis = basis_of(v);
      it->second.add(
          {label_of(row.label), basis.pairs, basis.sd, basis.half_width, basis.stopped, ""});
    }
  }
  std::string out;
  for (const auto& [pair, table] : tables) out += (out.empty() ? "" : "\n") + table.text();
  return out;
}

/// Columns that fit beside the labels, from `begin` on.
std::size_t columns_that_fit(const StateTable& state, std::size_t begin) {
  std::size_t width = 0, end = begin;
  for (const auto& line : state.lines) width = std::max(width, display_width(label_of(line.label)));
  for (; end < state.columns.size(); ++end) {
    std::size_t widest = display_width(state.columns[end]);
    for (const auto& line : state.lines) widest = std::max(widest, display_width(line.cells[end]));
    width += 2 + widest;
    if (width > kWidth && end > begin) break;
  }
  return end;
}

/// What is alike beside all cases, wrapped.
std::string alike_text(const StateTable& state) {
  std::string out, line = "STATE    beside all cases:";
  bool first = true;
  for (const auto& fact : state.alike) {
    const std::string word = fact.name + " " + fact.answer;
    if (!first) line += ",";
    if (display_width(line) + 1 + display_width(word) >= kWidth) {
      out += line + "\n";
      line = std::string(8, ' ');
    }
    line += " " + word;
    first = false;
  }
  return first ? "" : out + line + "\n";
}

std::string state_text(const Report& report) {
  const auto state = state_of(report);
  std::string out = alike_text(state);
  for (std::size_t begin = 0, end = 0; begin < state.columns.size(); begin = end) {
    end = columns_that_fit(state, begin);
    Table table;
    const auto add = [&](const std::string& label, const std::vector<std::string>& cells) {
      std::vector<std::string> line = {label};
      for (std::size_t i = begin; i < end; ++i) line.push_back(cells[i]);
      line.resize(line.size() + 2);  // Table aligns the last two to the left
      table.add(std::move(line));
    };
    add("STATE", state.columns);
    for (const auto& line : state.lines) add(label_of(line.label), line.cells);
    out += (out.empty() ? "" : "\n") + table.text();
  }
  return out;
}

}  // namespace

std::string details_text(const Report& report) {
  std::string out;
  for (const auto& part : {verdicts_text(report), state_text(report)})
    out += (part.empty() ? "" : "\n") + part;
  return out;
}

}  // namespace mlbench::report
