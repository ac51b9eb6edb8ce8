#include "report/screen.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "fit/fit.hpp"
#include "report/as_used.hpp"
#include "report/key_finding.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mlbench::report {
namespace {

using store::CaseStatus;
using workload::RateUnit;

/// The model that the first screen answers for.
constexpr const char* kHeadlineModel = "Mistral-7B";

/// Names of cases longer than this are cut: one bad name must not make a table unreadable.
constexpr std::size_t kLongest = 60;

struct Group {
  const char* title;
  bool is_memory;
  RateUnit unit;
};

constexpr std::array kGroups = {Group{"COMPUTE", false, RateUnit::flop_per_s},
                                Group{"OPERATIONS", false, RateUnit::bytes_per_s},
                                Group{"OVERHEAD", false, RateUnit::op_per_s},
                                Group{"LANGUAGE MODELS", false, RateUnit::tokens_per_s},
                                Group{"MEMORY", true, RateUnit::bytes_per_s}};

bool belongs(const Row& row, const Group& group) {
  return (row.workload == "memory") == group.is_memory && row.work.unit == group.unit &&
         !row.is_skipped() && !row.entries.empty();
}

/// What binds the row: "compute, 171 FLOP/B"; subjects of one row may differ in it.
std::string bound_words(const Row& row) {
  std::vector<std::string> words;
  for (const Entry& e : row.entries) {
    if (!e.share) continue;
    const std::string word = e.share->memory_bound ? "memory" : "compute";
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  const auto intensity = compare::arithmetic_intensity(row.work);
  if (words.empty() || !intensity) return "";
  return join(words, "/") +
         (*intensity > 0 ? ", " + format_significant(*intensity, 3) + " FLOP/B" : "");
}

ScreenRow screen_row(const Report& report, const Row& row, const Scale& scale) {
  ScreenRow out{.case_id = row.case_id,
                .label = shortened(row.label, kLongest),
                .cells = {},
                .winner = {},
                .share = {},
                .bound = bound_words(row)};
  for (const SubjectView& s : report.subjects) {
    if (s.status != CaseStatus::ok) continue;
    const auto it = std::find_if(row.entries.begin(), row.entries.end(),
                                 [&](const Entry& e) { return e.subject == s.name; });
    out.cells.push_back(it == row.entries.end() ? "" : cell_words(*it, scale));
  }
  if (const auto* v = main_verdict(report, row)) out.winner = verdict_words(report, row, *v);
  std::vector<std::string> shares;
  for (const Entry& e : row.entries) shares.push_back(share_words(e));
  out.share = join(shares, " / ");
  return out;
}

std::optional<ScreenTable> table_of(const Report& report, const Group& group) {
  double largest = 0;
  std::vector<const Row*> rows;
  for (const Row& row : report.rows) {
    if (!belongs(row, group)) continue;
    rows.push_back(&row);
    for (const Entry& e : row.entries) {
      if (e.rate) largest = std::max(largest, e.rate->value);
    }
  }
  if (rows.empty()) return std::nullopt;
  const auto scale = scale_for(largest, group.unit);
  ScreenTable table{.title = group.title, .unit = scale.name, .subjects = {}, .rows = {}};
  for (const SubjectView& s : report.subjects) {
    if (s.status == CaseStatus::ok) table.subjects.push_back(s.title);
  }
  for (const Row* row : rows) table.rows.push_back(screen_row(report, *row, scale));
  return table;
}

/// Thirty skipped cases in three lines.
std::vector<std::string> left_out_words(const Report& report) {
  std::vector<std::string> lines;
  for (const auto& group : left_out_of(report)) lines.push_back(in_words(group));
  return lines;
}

std::vector<std::string> notes_of(const Report& report) {
  std::vector<std::string> lines;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (e.status == CaseStatus::skipped) continue;  // nothing is shown that it could explain
      for (const auto& note : e.notes) {
        const std::string line = fmt::format(
            "{} {}: {}", title_of(report, e.subject),
            row.workload == "memory" ? row.label : row.workload + " " + row.dtype, note);
        if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
      }
    }
  }
  return lines;
}

std::string subject_words(const SubjectView& s) {
  std::vector<std::string> facts = {s.device};
  if (!s.blas.empty()) facts.push_back(s.blas);
  if (const auto threads = find_int(s.facts, "threads"))
    facts.push_back(fmt::format("{} thread{}", *threads, *threads == 1 ? "" : "s"));
  return fmt::format("{}{} ({})", s.title,
                     s.version.empty() || s.framework == "native" ? "" : " " + s.version,
                     join(facts, ", "));
}

/// What was found by trying: one buffer, and all together. "over" where the search ended at its
/// bound before anything was refused.
std::vector<Fact> tried_limits(const Report& report) {
  std::vector<Fact> facts;
  for (const Json& limit : report.limits_tried) {
    const auto name = find_string(limit, "name").value_or("");
    const auto bytes = find_number(limit, "measured_bytes");
    if (!bytes || (name != "largest_allocation" && name != "total_touched")) continue;
    const std::string what = name == "total_touched" ? "all touched" : "one buffer";
    facts.push_back(
        {.name = fmt::format("{}, tried ({})", what, find_string(limit, "subject").value_or("")),
         .answer = (find_number(limit, "refused_bytes") ? "" : "over ") + format_bytes(*bytes)});
  }
  return facts;
}

std::string speed_words(const fit::Range& r) {
  const int digits = r.low < 20 ? 1 : 0;
  return fmt::format("{:.{}f}-{:.{}f}", r.low, digits, r.high, digits);
}

/// "bfloat16 fits: 14.4 of 17.8 GiB, about 6.5-10.6 tok/s; 4-bit 21-36".
std::string model_words(const Report& report) {
  const fit::Request request{.model = kHeadlineModel,
                             .dtype = {},
                             .quant = {},
                             .runtime = {},
                             .machine = "this",
                             .context = {},
                             .batch = {},
                             .training = {}};
  const auto question = fit::resolve(request, machine_of(report), measured_of(report));
  if (!question) return {};
  const auto answer = fit::answer(*question, request);
  if (!answer || !answer->tightest) return {};
  const auto kind = *answer->tightest;
  const auto& limit = fit::limit_of(answer->question.target, kind);
  const auto need = fit::need_for(answer->need, kind);
  std::string text = fmt::format(
      "{} {}: {} of {}", answer->question.format.name, answer->fits ? "fits" : "does not fit",
      format_bytes(static_cast<double>(need)), format_bytes(static_cast<double>(*limit.bytes)));
  if (answer->fits && answer->speed.decode)
    text += ", about " + speed_words(*answer->speed.decode) + " tok/s (estimate)";
  for (const auto& option : answer->options) {
    if (!option.change.starts_with("4-bit")) continue;
    text += option.fits ? "; 4-bit fits" : "; 4-bit does not fit";
    if (option.fits && option.decode) text += ", about " + speed_words(*option.decode);
  }
  return text;
}

}  // namespace

std::vector<LeftOutGroup> left_out_of(const Report& report) {
  std::vector<LeftOutCase> cases;
  for (const Row& row : report.rows) {
    if (!row.is_skipped() || row.entries.empty()) continue;
    const auto skipped = std::find_if(row.entries.begin(), row.entries.end(), [](const Entry& e) {
      return e.status == CaseStatus::skipped;
    });
    cases.push_back({.id = row.case_id, .workload = row.workload, .reason = skipped->reason});
  }
  return group_left_out(cases);
}

std::vector<ScreenTable> tables_of(const Report& report) {
  std::vector<ScreenTable> tables;
  for (const Group& group : kGroups) {
    if (auto table = table_of(report, group)) tables.push_back(*std::move(table));
  }
  return tables;
}

std::string published_words(const Report& report) {
  if (!report.published_bandwidth) return {};
  const Row* best_row = nullptr;
  double best = 0;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (row.workload != "memory" || !e.rate || e.rate->value <= best) continue;
      best = e.rate->value;
      best_row = &row;
    }
  }
  if (best_row == nullptr) return {};
  const double published = report.published_bandwidth->bandwidth_bytes_per_s;
  return fmt::format("{} reaches {}, {:.0f} % of the published {} ({})", best_row->label,
                     format_bandwidth(best), 100 * best / published, format_bandwidth(published),
                     report.published_bandwidth->source);
}

std::vector<std::string> subjects_words(const Report& report) {
  std::vector<std::string> words;
  for (const SubjectView& s : report.subjects) {
    if (s.status == CaseStatus::ok) words.push_back(subject_words(s));
  }
  return words;
}

Screen screen_of(const Report& report) {
  Screen screen{.headline = report.headline,
                .subjects = subjects_words(report),
                .checks = report.checks,
                .key_finding = key_finding_words(report),
                .tables = tables_of(report),
                .published = published_words(report),
                .limits = {},
                .as_used = as_used_words(report),
                .model = model_words(report),
                .notes = notes_of(report),
                .left_out = left_out_words(report),
                .doubts = report.doubts,
                .finished = report.ending.has_value()};
  const auto tried = tried_limits(report);
  for (const auto& limit : report.limits)
    screen.limits.push_back({.name = limit.name,
                             .answer = format_bytes(static_cast<double>(limit.bytes)) +
                                       (limit.is_derived() ? " (derived)" : "")});
  screen.limits.insert(screen.limits.end(), tried.begin(), tried.end());
  return screen;
}

}  // namespace mlbench::report
