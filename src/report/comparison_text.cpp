#include "core/text.hpp"
#include "core/units.hpp"
#include "report/comparison_view.hpp"
#include "report/table.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mlbench::report {
namespace {

using compare::CaseComparison;
using compare::Comparison;
using Gate = compare::CaseComparison::Gate;

std::string speed(const CaseComparison& c, const std::optional<stats::TimeSummary>& time,
                  const std::optional<store::CaseStatus>& status) {
  if (!status) return "-";
  if (*status != store::CaseStatus::ok) return std::string(name_of(*status));
  if (!time) return "-";
  const double rate = c.work.amount() / time->median_s;
  using workload::RateUnit;
  if (c.work.unit == RateUnit::flop_per_s && rate > 0) return format_flop_rate(rate);
  if (c.work.unit == RateUnit::bytes_per_s && rate > 0) return format_bandwidth(rate);
  if (c.work.unit == RateUnit::tokens_per_s && rate > 0)
    return format_significant(rate, 3) + " tok/s";
  return format_time(time->median_s);
}

std::string times(double ratio) {
  return ratio < 10 ? fmt::format("{:.2f}", ratio) : format_significant(ratio, 3);
}

/// "~1.04x (1.01-1.07)": a ratio that nobody should build on.
std::string ratio_only(const stats::RatioInterval& i) {
  return fmt::format("~{}x ({}-{})", times(i.ratio), times(i.low), times(i.high));
}

std::string outcome(const CaseComparison& c) {
  std::string text;
  if (c.judgement.verdict != stats::Verdict::invalid) {
    text = compare::sentence(c);
  } else if (c.interval) {
    text = ratio_only(*c.interval);
  } else if (c.ratio_without_range) {
    text = "~" + times(*c.ratio_without_range) + "x";
  } else {
    text = "-";
  }
  if (c.gate == Gate::regression) text += "  REGRESSION";
  if (c.gate == Gate::broken) text += "  BROKEN";
  return text;
}

/// Whether a row says anything: a case that was left out on both sides is counted, not shown.
bool has_row(const CaseComparison& c) {
  return c.base_time || c.now_time || c.gate == Gate::broken || !c.skipped;
}

/// Reasons with the cases they hold for, of those that `takes`, in order of appearance.
template <class Takes>
std::vector<std::pair<std::string, std::vector<std::string>>> reasons_of(
    const Comparison& comparison, Takes takes) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const auto& c : comparison.cases) {
    if (c.reason.empty() || !takes(c)) continue;
    std::string reason = c.reason;
    // A time in the reason would make every case a group of its own.
    if (const auto at = reason.find(": a call takes"); at != std::string::npos)
      reason = reason.substr(0, at) + ": too slow for the preset";
    const auto it = std::find_if(groups.begin(), groups.end(),
                                 [&](const auto& g) { return g.first == reason; });
    const std::string name = c.case_id + " on " + c.subjects.now;
    if (it == groups.end()) {
      groups.push_back({reason, {name}});
    } else {
      it->second.push_back(name);
    }
  }
  return groups;
}

std::string names_or_count(const std::vector<std::string>& names) {
  return names.size() <= 2 ? join(names, ", ") : fmt::format("{} cases", names.size());
}

std::vector<std::string> reason_lines(const Comparison& comparison) {
  std::vector<std::string> lines;
  const auto any = [](const CaseComparison& /*c*/) { return true; };
  for (const auto& [reason, names] : reasons_of(comparison, any))
    lines.push_back(names_or_count(names) + ": " + reason);
  return lines;
}

/// What a gate did not judge, each case by name.
std::vector<std::string> unjudged_lines(const Comparison& comparison) {
  std::vector<std::string> lines;
  const auto is_unjudged = [](const CaseComparison& c) { return c.gate == Gate::not_judged; };
  for (const auto& [reason, names] : reasons_of(comparison, is_unjudged))
    lines.push_back(reason + ": " + join(names, ", "));
  return lines;
}

std::vector<std::string> flag_lines(const Comparison& comparison) {
  std::map<std::string, std::vector<std::string>> by_flag;
  for (const auto& c : comparison.cases) {
    for (const auto& flag : c.flags) by_flag[flag].push_back(c.label + " on " + c.subjects.now);
  }
  std::vector<std::string> lines;
  for (const auto& [flag, names] : by_flag)
    lines.push_back(names_or_count(names) + ": " + flag + " (docs/warnings.md)");
  return lines;
}

std::vector<std::string> control_lines(const Comparison& comparison) {
  std::vector<std::string> lines;
  for (const auto& [kind, control] : comparison.controls) {
    if (!control.interval) continue;
    lines.push_back(fmt::format(
        "{} over {} case{}, the same program on both sides: {}, {}", join(control.subjects, ", "),
        control.cases, control.cases == 1 ? "" : "s", ratio_only(*control.interval).substr(1),
        control.unchanged ? "unchanged" : "not shown to be unchanged within 2 %"));
  }
  return lines;
}

/// What stands above everything else: why nothing below is to be built on.
std::vector<std::string> banner(const Comparison& c) {
  std::vector<std::string> lines;
  if (!c.rehearsals.empty())
    lines.push_back("REHEARSAL, nothing was measured: every time and rate is invented (" +
                    one_line(join(c.rehearsals, ", ")) + ", docs/mac.md)");
  for (const auto& f : c.failed_controls) {
    const char* side = f.in_base && f.in_new ? "the run" : f.in_base ? "BASE" : "NEW";
    lines.push_back(fmt::format("CONTROL FAILED, no verdicts: in {} of {}, {} (docs/warnings.md)",
                                side, one_line(f.started), one_line(f.sentence)));
  }
  return lines;
}

/// How the two were measured, and what may be concluded from that.
std::string how(const Comparison& c) {
  if (!c.failed_controls.empty())
    return "A control failed: ratios (~), no verdicts. Measure again with nothing else on the "
           "machine.";
  if (c.interleaved) return "Measured together in one run: verdicts hold.";
  if (!c.same_machine)
    return "Different machines: ratios (~) with the spread between processes, no verdicts.";
  const bool judged = std::any_of(c.cases.begin(), c.cases.end(), [](const auto& v) {
    return v.judgement.verdict != stats::Verdict::invalid;
  });
  if (judged)
    return "Not measured together: verdicts rest on a control that is unchanged, and its range is "
           "in theirs.";
  return "Not measured together: ratios (~), no verdicts. mlbench run --ab measures both in one "
         "run.";
}

std::string title_of(const compare::SubjectMatch& s) {
  return s.base == s.now ? s.now : s.base + " -> " + s.now;
}

template <class AddRow>
void for_rows(const Comparison& c, const compare::SubjectMatch& subjects, AddRow add) {
  for (const auto& v : c.cases) {
    if (v.subjects.base == subjects.base && v.subjects.now == subjects.now && has_row(v)) add(v);
  }
}

void add_list(std::string& out, const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += "\n" + title + "\n";
  for (const auto& line : lines) out += "  " + line + "\n";
}

std::vector<std::string> difference_lines(const Comparison& c) {
  std::vector<std::string> lines;
  for (const auto& d : c.differences)
    lines.push_back((d.weight == compare::Weight::refusal ? "NOT COMPARABLE  " : "") +
                    d.sentence());
  for (const auto& s : c.unmatched) lines.push_back(s);
  return lines;
}

/// `%`, line ends, and in properties `:` and `,`, as the workflow commands of GitHub Actions want
/// them.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out += c;
    }
  }
  return out;
}

std::string annotation(const char* level, const std::string& title, const std::string& message) {
  return fmt::format("::{} title={}::{}\n", level, escaped(title, true), escaped(message, false));
}

/// A cell of a Markdown table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

}  // namespace

std::string to_text(const ComparisonView& view) {
  const Comparison& c = view.comparison;
  std::string out;
  for (const auto& line : banner(c)) out += line + "\n";
  out += fmt::format("BASE  {}   {}\n", join(view.base, ", "), view.base_machine);
  if (!c.interleaved) out += fmt::format("NEW   {}   {}\n", join(view.now, ", "), view.now_machine);
  const auto differences = difference_lines(c);
  if (differences.empty()) {
    out += "\nSET-UP   no difference found\n";
  } else {
    add_list(out, "SET-UP, what differs", differences);
  }
  if (!c.refusal.empty() && c.cases.empty()) return out;
  out += "\n" + how(c) + "\n";
  for (const auto& line : control_lines(c)) out += "Control: " + line + "\n";
  for (const auto& subjects : c.subjects) {
    Table table;
    table.add({title_of(subjects), "BASE", "NEW", "NEW against BASE", ""});
    std::size_t rows = 0;
    for_rows(c, subjects, [&](const CaseComparison& v) {
      table.add({v.label, speed(v, v.base_time, v.base_status), speed(v, v.now_time, v.now_status),
                 outcome(v), ""});
      ++rows;
    });
    if (rows > 0) out += "\n" + table.text();
  }
  add_list(out, "NO VERDICT", reason_lines(c));
  add_list(out, "DOUBTS", flag_lines(c));
  if (c.gate) {
    add_list(out, "NOT JUDGED BY THE GATE", unjudged_lines(c));
    out += fmt::format("\nGATE {}\n", gate_sentence(c));
  }
  return out;
}

std::string to_markdown(const ComparisonView& view) {
  const Comparison& c = view.comparison;
  std::string out = "## mlbench compare\n\n";
  for (const auto& line : banner(c)) out += "**" + line + "**\n\n";
  if (c.gate) out += fmt::format("**Gate {}**\n\n", gate_sentence(c));
  out += fmt::format("BASE `{}`, {}  \n", join(view.base, ", "), view.base_machine);
  if (!c.interleaved) out += fmt::format("NEW `{}`, {}\n", join(view.now, ", "), view.now_machine);
  const auto list = [&](const char* title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    out += fmt::format("\n{}\n\n", title);
    for (const auto& line : lines) out += "- " + line + "\n";
  };
  list("What differs in the set-up:", difference_lines(c));
  if (!c.refusal.empty() && c.cases.empty()) return out;
  out += "\n" + how(c) + "\n";
  list("Control:", control_lines(c));
  for (const auto& subjects : c.subjects) {
    std::string rows;
    for_rows(c, subjects, [&](const CaseComparison& v) {
      rows += fmt::format("| {} | {} | {} | {} |\n", cell(v.label),
                          speed(v, v.base_time, v.base_status), speed(v, v.now_time, v.now_status),
                          cell(outcome(v)));
    });
    if (!rows.empty())
      out +=
          fmt::format("\n| {} | BASE | NEW | NEW against BASE |\n| --- | ---: | ---: | --- |\n{}",
                      cell(title_of(subjects)), rows);
  }
  list("No verdict:", reason_lines(c));
  list("Doubts:", flag_lines(c));
  list("Not judged by the gate:", unjudged_lines(c));
  return out;
}

std::string to_github(const ComparisonView& view) {
  const Comparison& c = view.comparison;
  std::string out;
  for (const auto& line : banner(c)) out += annotation("warning", "mlbench", line);
  if (!c.refusal.empty()) out += annotation("error", "mlbench: not comparable", c.refusal);
  for (const auto& v : c.cases) {
    const std::string where = v.label + " on " + v.subjects.now;
    if (v.gate == Gate::regression) {
      out += annotation("error", "mlbench: regression", where + ": " + compare::sentence(v));
    } else if (v.gate == Gate::broken) {
      out += annotation("error", "mlbench: broken", where + ": " + v.reason);
    } else if (v.gate == Gate::not_judged) {
      out += annotation("warning", "mlbench: not judged", where + ": " + v.reason);
    }
  }
  if (!c.gate) return out;
  for (const auto& subject : c.gate->lost_subjects)
    out += annotation("warning", "mlbench: not judged", subject + " was measured in BASE only");
  out += annotation("notice", "mlbench gate", gate_sentence(c));
  return out;
}

}  // namespace mlbench::report
