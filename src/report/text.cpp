#include "report/text.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace mlbench::report {
namespace {

using store::CaseStatus;
using workload::RateUnit;

/// A unit for a whole column, so that numbers below each other compare.
struct Scale {
  double factor;
  const char* name;
};

Scale scale_for(double largest, RateUnit unit) {
  if (unit == RateUnit::bytes_per_s) return {1e9, "GB/s"};
  if (largest >= 1e12) return {1e12, "TFLOP/s"};
  return {1e9, "GFLOP/s"};
}

std::string rate_text(const Entry& e, const Scale& scale) {
  if (e.status != CaseStatus::ok) return std::string(name_of(e.status));
  if (!e.rate) return "~";
  auto text = format_significant(e.rate->value / scale.factor, 3);
  if (!e.rate->low || !e.rate->high) return "~" + text;
  const double half = (*e.rate->high - *e.rate->low) / (2 * e.rate->value);
  if (half > 1) return text + " ±>100%";
  return text + fmt::format(" ±{:.0f}%", std::max(1.0, std::ceil(half * 100)));
}

/// The verdict between the two frameworks; the ceilings' pairs are not what a reader asks first.
const compare::CaseVerdict* main_verdict(const Report& report, const Row& row) {
  for (const auto& v : row.verdicts) {
    const auto* a = report.find_subject(v.a);
    const auto* b = report.find_subject(v.b);
    if (!v.control && a != nullptr && b != nullptr && a->framework != "native" &&
        b->framework != "native")
      return &v;
  }
  return nullptr;
}

std::string winner_text(const Report& report, const Row& row) {
  const auto* v = main_verdict(report, row);
  if (v == nullptr) return "";
  const auto title = [&](const std::string& name) { return report.find_subject(name)->title; };
  const auto times = [](double r) { return format_significant(r, r < 10 ? 3 : 2) + "x"; };
  using stats::Verdict;
  const bool failed = std::any_of(row.entries.begin(), row.entries.end(), [&](const Entry& e) {
    return e.status != CaseStatus::ok && (e.subject == v->a || e.subject == v->b);
  });
  if (failed || v->pair_log_ratios.empty()) return "";
  if (!v->interval) return "~";
  const auto& i = *v->interval;
  switch (v->judgement.verdict) {
    case Verdict::faster:
      return fmt::format("{} {} ({}-{}){}", title(v->a), times(i.ratio),
                         format_significant(i.low, 3), format_significant(i.high, 3),
                         v->judgement.below_practical ? ", small" : "");
    case Verdict::slower:
      return fmt::format("{} {} ({}-{}){}", title(v->b), times(1 / i.ratio),
                         format_significant(1 / i.high, 3), format_significant(1 / i.low, 3),
                         v->judgement.below_practical ? ", small" : "");
    case Verdict::equal: return "equal within 2 %";
    case Verdict::undecided:
      return fmt::format("not decided ({:+.0f} ... {:+.0f} %)", 100 * (i.low - 1),
                         100 * (i.high - 1));
    case Verdict::invalid: break;
  }
  return "~";
}

std::string share_text(const Row& row) {
  std::vector<std::string> shares;
  for (const Entry& e : row.entries) {
    if (e.status != CaseStatus::ok) {
      shares.emplace_back("-");
    } else {
      shares.push_back(e.ceiling_fraction ? fmt::format("{:.0f}", 100 * *e.ceiling_fraction) : "?");
    }
  }
  return join(shares, " / ");
}

void add_table(std::string& out, const Report& report, const char* title, bool is_memory) {
  double largest = 0;
  std::vector<const Row*> rows;
  for (const Row& row : report.rows) {
    if ((row.workload == "memory") != is_memory || row.is_skipped() || row.entries.empty())
      continue;
    rows.push_back(&row);
    for (const Entry& e : row.entries) {
      if (e.rate) largest = std::max(largest, e.rate->value);
    }
  }
  if (rows.empty()) return;
  const Scale scale = scale_for(largest, is_memory ? RateUnit::bytes_per_s : RateUnit::flop_per_s);
  Table table;
  std::vector<std::string> header = {fmt::format("{}, {}", title, scale.name)};
  for (const SubjectView& s : report.subjects) {
    if (s.status == CaseStatus::ok) header.push_back(s.title);
  }
  header.insert(header.end(), {"winner (95 % range)", "% of best here"});
  table.add(header);
  for (const Row* row : rows) {
    std::vector<std::string> cells = {row->label};
    for (const SubjectView& s : report.subjects) {
      if (s.status != CaseStatus::ok) continue;
      const auto it = std::find_if(row->entries.begin(), row->entries.end(),
                                   [&](const Entry& e) { return e.subject == s.name; });
      cells.push_back(it == row->entries.end() ? "" : rate_text(*it, scale));
    }
    cells.push_back(winner_text(report, *row));
    cells.push_back(share_text(*row));
    table.add(cells);
  }
  out += "\n" + table.text();
}

/// "copy 64 MiB reaches 119 GB/s, 78 % of the published 153 GB/s (Apple M5, 10 GPU cores)".
void add_published(std::string& out, const Report& report) {
  if (!report.published_bandwidth) return;
  const Row* best_row = nullptr;
  double best = 0;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (row.workload != "memory" || !e.rate || e.rate->value <= best) continue;
      best = e.rate->value;
      best_row = &row;
    }
  }
  if (best_row == nullptr) return;
  const double published = report.published_bandwidth->bandwidth_bytes_per_s;
  out += fmt::format("{} reaches {}, {:.0f} % of the published {} ({})\n", best_row->label,
                     format_bandwidth(best), 100 * best / published, format_bandwidth(published),
                     report.published_bandwidth->source);
}

/// Reasons with how many cases they hold for, so that thirty skipped cases are three lines.
void add_left_out(std::string& out, const Report& report) {
  std::map<std::string, std::vector<std::string>> by_reason;
  std::vector<std::string> order;
  for (const Row& row : report.rows) {
    if (!row.is_skipped() || row.entries.empty()) continue;
    std::string reason = row.entries.front().reason;
    if (reason.starts_with("a call takes about")) {
      reason = reason.ends_with("--full measures it")
                   ? "too slow for this preset; --full measures it"
                   : "a call takes over 2 s";
    }
    if (!by_reason.contains(reason)) order.push_back(reason);
    by_reason[reason].push_back(row.case_id);
  }
  if (order.empty()) return;
  out += "\nLEFT OUT\n";
  for (const auto& reason : order) {
    const auto& ids = by_reason[reason];
    const std::string which =
        ids.size() <= 2 ? join(ids, ", ") : fmt::format("{} cases", ids.size());
    out += fmt::format("  {}: {}\n", which, reason);
  }
}

void add_list(std::string& out, const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += fmt::format("\n{}\n", title);
  for (const auto& line : lines) out += "  " + line + "\n";
}

std::vector<std::string> notes_of(const Report& report) {
  std::vector<std::string> lines;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      const auto* s = report.find_subject(e.subject);
      for (const auto& note : e.notes) {
        const std::string line = fmt::format(
            "{} {}: {}", s->title,
            row.workload == "memory" ? row.label : row.workload + " " + row.dtype, note);
        if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
      }
    }
  }
  return lines;
}

/// Of several controls of a kind the one that a reader has to know of. nullptr when there is none.
const compare::Control* worst_control(const Report& report, bool positive) {
  using compare::ControlOutcome;
  const auto badness = [](const compare::Control& c) {
    switch (c.outcome) {
      case ControlOutcome::different:
      case ControlOutcome::missed: return 3;
      case ControlOutcome::not_tested: return 2;
      case ControlOutcome::undecided: return 1;
      case ControlOutcome::equal:
      case ControlOutcome::found: break;
    }
    return 0;
  };
  const compare::Control* worst = nullptr;
  for (const auto& c : report.controls) {
    if (c.positive == positive && (worst == nullptr || badness(c) > badness(*worst))) worst = &c;
  }
  return worst;
}

std::string checks_text(const Report& report) {
  int checked = 0, good = 0;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (!e.check) continue;
      ++checked;
      good += e.check->ok ? 1 : 0;
    }
  }
  std::vector<std::string> checks;
  if (checked > 0)
    checks.push_back("right answers: " + (good == checked ? fmt::format("yes, all {}", checked)
                                                          : fmt::format("NO: {} of {} wrong",
                                                                        checked - good, checked)));
  if (const auto* c = worst_control(report, false)) {
    checks.push_back("A against A: " + in_words(*c));
  }
  if (const auto* c = worst_control(report, true)) {
    const auto percent = std::lround(100 * (c->verdict.true_ratio - 1));
    checks.push_back(fmt::format(
        "{} more work: {}", percent > 0 ? fmt::format("{} %", percent) : "some", in_words(*c)));
  }
  return checks.empty() ? "" : "Checks   " + join(checks, "   ") + "\n";
}

std::string subject_text(const SubjectView& s) {
  std::vector<std::string> facts = {s.device};
  if (!s.blas.empty()) facts.push_back(s.blas);
  if (const auto threads = find_int(s.facts, "threads"))
    facts.push_back(fmt::format("{} thread{}", *threads, *threads == 1 ? "" : "s"));
  return fmt::format("{}{} ({})", s.title,
                     s.version.empty() || s.framework == "native" ? "" : " " + s.version,
                     join(facts, ", "));
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string header_text(const Report& report) {
  std::string out = report.headline + "\n";
  std::vector<std::string> subjects;
  for (const SubjectView& s : report.subjects) {
    if (s.status == CaseStatus::ok) subjects.push_back(subject_text(s));
  }
  return out + join(subjects, "   ") + "\n";
}

std::string tables_text(const Report& report) {
  std::string out;
  add_table(out, report, "COMPUTE", false);
  add_table(out, report, "MEMORY", true);
  add_published(out, report);
  return out;
}

std::string to_text(const Report& report) {
  std::string out = header_text(report) + checks_text(report) + tables_text(report);
  add_list(out, "NOTES", notes_of(report));
  add_left_out(out, report);
  if (report.doubts.empty()) {
    if (report.ending) out += "\nDOUBTS   none\n";
  } else {
    add_list(out, "DOUBTS", report.doubts);
  }
  return out;
}

}  // namespace mlbench::report
