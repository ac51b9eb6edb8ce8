#include "report/model.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "machine/machine.hpp"
#include "report/condition_doubts.hpp"
#include "report/imported.hpp"
#include "report/setup_doubts.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <unordered_map>

namespace mlbench::report {
namespace {

using store::CaseRecord;
using store::CaseStatus;
using store::Cell;
using store::RunData;

SubjectView view_of(const store::SubjectRecord& s) {
  SubjectView view{.name = s.name,
                   .title = one_line(framework_title(s.framework)),
                   .framework = s.framework,
                   .device = s.device,
                   .version = one_line(find_string(s.facts, "framework_version").value_or("")),
                   .blas = {},
                   .status = s.status,
                   .reason = one_line(s.reason),
                   .facts = s.facts,
                   .self_test = {}};
  const auto at = s.name.find('@');
  if (at != std::string::npos) view.title += one_line(s.name.substr(at, s.name.find(':', at) - at));
  view.device = one_line(view.device);
  if (s.facts.contains("blas")) {
    const Json& blas = s.facts["blas"];
    view.blas = find_string(blas, "library").value_or("");
    if (const auto version = find_string(blas, "version"); version && !view.blas.empty())
      view.blas += " " + *version;
    view.blas = one_line(view.blas);
  }
  if (const auto kernels = has_neural_accelerator_kernels(s.facts))
    view.blas += std::string(", neural-accelerator kernels: ") + (*kernels ? "yes" : "no");
  return view;
}

/// The same framework on two devices: "PyTorch cpu", "PyTorch cuda:0".
void tell_apart(std::vector<SubjectView>& subjects) {
  std::map<std::string, int> count;
  for (const auto& s : subjects) ++count[s.title];
  for (auto& s : subjects) {
    if (count[s.title] > 1) s.title += " " + s.device;
  }
}

std::optional<Rate> rate_of(const CaseRecord& c, const stats::TimeSummary& t) {
  if (c.work.amount() <= 0) return std::nullopt;
  Rate rate{.value = c.work.amount() / t.median_s, .low = {}, .high = {}, .unit = c.work.unit};
  if (t.low_s && t.high_s) {
    rate.low = c.work.amount() / *t.high_s;
    rate.high = c.work.amount() / *t.low_s;
  }
  return rate;
}

std::vector<std::string> one_lines(std::vector<std::string> texts) {
  for (auto& text : texts) text = one_line(text);
  return texts;
}

Entry entry_of(const CaseRecord& c, const SubjectView& subject, const Cell& cell,
               const compare::Ceilings& ceilings) {
  Entry e{.subject = subject.name,
          .status = cell.status,
          .reason = one_line(cell.reason),
          .time = {},
          .rate = {},
          .ceiling_fraction = {},
          .share = {},
          .kernel = one_line(cell.kernel),
          .notes = one_lines(cell.notes),
          .flags = cell.flags,
          .check = cell.check,
          .conditions = compare::conditions_of(cell),
          .all_flags = {}};
  if (cell.status != CaseStatus::ok) return e;  // a case that is not ok gets no rate
  e.time = compare::time_of(cell);
  if (!e.time) return e;
  e.rate = rate_of(c, *e.time);
  e.share = ceilings.share(c, subject.device, e.time->median_s);
  if (e.share) e.ceiling_fraction = e.share->fraction;
  return e;
}

/// Flags of the measuring first, then those of the machine's state, which a result alone can have.
std::vector<std::string> all_flags_of(const Entry& e, const Row& row) {
  auto flags = e.flags;
  if (e.status != CaseStatus::ok || !e.time) return flags;
  for (const auto& more : {compare::flags_of(e.conditions), compare::flags_of(row.conditions)})
    flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

/// Sentences of which several things may be true: each is said once, with what it is true of.
class Shared {
 public:
  void add(const std::string& sentence, const std::string& what) {
    auto it = std::find_if(said_.begin(), said_.end(),
                           [&](const auto& said) { return said.first == sentence; });
    if (it == said_.end()) it = said_.insert(it, {sentence, {}});
    it->second.push_back(what);
  }
  [[nodiscard]] const auto& all() const { return said_; }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> said_;
};

void add_subject_doubts(Report& report) {
  Shared shared;
  for (const SubjectView& s : report.subjects) {
    const std::string name = s.title + " on " + s.device;
    if (s.status != CaseStatus::ok)
      report.doubts.push_back(name + " was not measured: " + s.reason);
    for (const auto& doubt : setup_doubts(s.facts)) shared.add(doubt, name);
    if (const auto doubt = old_kernels_doubt(s.facts, machine_of(report).cpu.features))
      shared.add(*doubt, name);
  }
  for (const auto& [doubt, names] : shared.all())
    report.doubts.push_back(join(names, ", ") + ": " + doubt);
}

/// One line a flag where it holds for many results; the cases have their own.
void add_flag_doubts(Report& report, const Shared& flags) {
  constexpr std::size_t kEach = 4;
  for (const auto& [flag, results] : flags.all()) {
    if (results.size() <= kEach) {
      for (const auto& result : results)
        report.doubts.push_back(result + ": " + flag + " (docs/warnings.md)");
      continue;
    }
    const std::vector first(results.begin(), results.begin() + kEach - 1);
    report.doubts.push_back(fmt::format("{} results are {}: {} and {} more (docs/warnings.md)",
                                        results.size(), flag, join(first, "; "),
                                        results.size() - first.size()));
  }
}

void add_doubts(Report& report, const RunData& run) {
  auto& doubts = report.doubts;
  add_subject_doubts(report);
  for (const SubjectView& s : report.subjects) {
    if (s.status == CaseStatus::ok && s.self_test && !s.self_test->waited)
      doubts.push_back(s.title + " on " + s.device +
                       " was not seen to wait for its device: " + one_line(s.self_test->reason));
  }
  doubts.insert(doubts.end(), run.imported_doubts.begin(), run.imported_doubts.end());
  for (const Json& notice : run.notices)
    doubts.push_back(one_line(find_string(notice, "message").value_or("")));
  Shared flags;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      const std::string where = row.label + ", " + title_of(report, e.subject);
      if (is_failure(e.status))
        doubts.push_back(where + ": " + std::string(name_of(e.status)) + ": " + e.reason);
      if (e.ceiling_fraction && *e.ceiling_fraction > 1.05)
        doubts.push_back(where + ": faster than the machine's measured roof");
      if (e.status == CaseStatus::skipped) continue;  // no number of it is shown
      for (const auto& flag : e.flags) flags.add(flag, where);
    }
    for (const auto& v : row.verdicts) {
      if (row.is_skipped()) break;
      for (const auto& flag : v.flags)
        flags.add(flag,
                  row.label + ", " + title_of(report, v.a) + " against " + title_of(report, v.b));
    }
  }
  add_flag_doubts(report, flags);
  for (auto& doubt : condition_doubts(report)) doubts.push_back(std::move(doubt));
  for (const auto& c : report.controls) {
    const auto* subject = report.find_subject(c.verdict.a);
    const std::string title = subject == nullptr ? c.verdict.a : subject->title;
    if (c.outcome == compare::ControlOutcome::different)
      doubts.push_back("this run has no verdicts: null control failed: " + title +
                       " against itself came out " + in_words(c) + " (docs/warnings.md)");
    if (c.outcome == compare::ControlOutcome::missed)
      doubts.push_back("this run has no verdicts: positive control missed: " + title +
                       " against itself with more work: " + in_words(c) + " (docs/warnings.md)");
  }
  if (report.ending == "interrupted")
    doubts.emplace_back("the run was interrupted: what was measured until then is shown");
}

std::optional<Fact> right_answers(const Report& report) {
  int checked = 0, good = 0;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (!e.check) continue;
      ++checked;
      good += e.check->ok ? 1 : 0;
    }
  }
  if (checked == 0) return std::nullopt;
  return Fact{.name = "right answers",
              .answer = good == checked
                            ? fmt::format("yes, all {}", checked)
                            : fmt::format("NO: {} of {} wrong", checked - good, checked)};
}

/// "device waited for: yes", or which subject was not seen to.
std::optional<Fact> device_waited_for(const Report& report) {
  std::vector<std::string> not_waited, untested;
  bool tested = false;
  for (const SubjectView& s : report.subjects) {
    if (!s.self_test) continue;
    tested = true;
    if (!s.self_test->waited) untested.push_back(s.title);
    if (s.self_test->waited == false) not_waited.push_back(s.title);
  }
  if (!tested) return std::nullopt;
  Fact fact{.name = "device waited for", .answer = "yes"};
  if (!untested.empty()) fact.answer = "not known of " + join(untested, ", ");
  if (!not_waited.empty()) fact.answer = "NO: " + join(not_waited, ", ");
  return fact;
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

/// "A against A: equal", "5 % more work: found".
void add_control_checks(Report& report) {
  if (const auto* c = worst_control(report, false))
    report.checks.push_back({.name = "A against A", .answer = in_words(*c)});
  if (const auto* c = worst_control(report, true)) {
    const auto percent = std::lround(100 * (c->verdict.true_ratio - 1));
    report.checks.push_back(
        {.name = (percent > 0 ? fmt::format("{} %", percent) : "some") + " more work",
         .answer = in_words(*c)});
  }
}

std::vector<MemoryLimit> limits_of(const machine::Machine& machine) {
  std::vector<MemoryLimit> limits;
  const auto target = fit::target_of(machine, {});
  const auto add = [&](const char* name, const fit::Limit& limit) {
    if (limit.bytes)
      limits.push_back({.name = name,
                        .bytes = static_cast<std::uint64_t>(*limit.bytes),
                        .source = limit.source});
  };
  add("one buffer", target.largest_buffer);
  add("GPU working set", target.working_set);
  add("memory", {.bytes = machine.memory.usable_bytes(),
                 .source = machine.memory.cgroup_limit_bytes ? "the container's limit" : "read"});
  return limits;
}

}  // namespace

bool Row::is_skipped() const {
  const auto with = [&](CaseStatus status) {
    return std::count_if(entries.begin(), entries.end(),
                         [&](const Entry& e) { return e.status == status; });
  };
  const auto skipped = with(CaseStatus::skipped);
  return entries.empty() ||
         (skipped > 0 && skipped + with(CaseStatus::unsupported) == std::ssize(entries));
}

const SubjectView* Report::find_subject(const std::string& name) const {
  const auto it =
      std::find_if(subjects.begin(), subjects.end(), [&](const auto& s) { return s.name == name; });
  return it == subjects.end() ? nullptr : &*it;
}

int Report::failures() const {
  int count = 0;
  for (const SubjectView& s : subjects) count += is_failure(s.status) ? 1 : 0;
  for (const Row& row : rows) {
    for (const Entry& e : row.entries) count += is_failure(e.status) ? 1 : 0;
  }
  return count;
}

std::string framework_title(const std::string& framework) {
  if (framework == "torch") return "PyTorch";
  if (framework == "mlx") return "MLX";
  return framework;
}

machine::Machine machine_of(const Report& report) {
  auto machine = machine::machine_from_json(
      report.header.contains("machine") ? report.header["machine"] : Json::object());
  for (const auto& s : report.subjects) machine::merge_device_facts(machine, s.facts);
  return machine;
}

fit::Measured measured_of(const Report& report) {
  fit::Measured measured{.bandwidth_bytes_per_s = std::nullopt,
                         .flop_per_s = std::nullopt,
                         .bandwidths = {},
                         .source = std::filesystem::path(report.run).filename().string()};
  const std::string kind = machine_of(report).gpus.empty() ? "cpu" : "gpu";
  for (const auto& c : report.ceilings) {  // the last is that of the largest working set
    if (c.device_kind != kind || c.resource != "bytes_per_s") continue;
    measured.bandwidth_bytes_per_s = c.rate;
    if (c.working_set_bytes) measured.bandwidths.push_back({*c.working_set_bytes, c.rate});
  }
  // What goes over less memory can be served as fast as what goes over more.
  for (std::size_t i = measured.bandwidths.size(); i-- > 1;) {
    auto &smaller = measured.bandwidths[i - 1], &larger = measured.bandwidths[i];
    smaller.bytes_per_s = std::max(smaller.bytes_per_s, larger.bytes_per_s);
  }
  // What products reached, not what arithmetic on registers could.
  for (const Row& row : report.rows) {
    if (row.workload != "gemm") continue;
    for (const Entry& e : row.entries) {
      const auto* subject = report.find_subject(e.subject);
      if (e.rate && subject != nullptr && compare::device_kind(subject->device) == kind)
        measured.flop_per_s = std::max(measured.flop_per_s.value_or(0), e.rate->value);
    }
  }
  return measured;
}

Report build_report(const RunData& run, const std::string& path) {
  Report report;
  report.run = path;
  report.header = run.header;
  for (const auto& s : run.subjects) {
    report.subjects.push_back(view_of(s));
    const auto test = run.self_tests.find(s.name);
    if (test != run.self_tests.end()) report.subjects.back().self_test = test->second;
  }
  tell_apart(report.subjects);
  const auto machine = machine_of(report);
  report.headline = one_line(machine::headline(machine));
  if (const auto rehearsed = find_string(run.header, "rehearsal")) {
    report.headline = "REHEARSAL, nothing was measured: " + report.headline;
    report.doubts.push_back("this is a rehearsal of " + one_line(*rehearsed) +
                            ": the machine was recorded, every time and rate is invented");
  }
  report.published_bandwidth = machine::published_bandwidth(machine);
  report.limits = limits_of(machine);
  report.limits_tried = run.limits;

  const compare::Ceilings ceilings(run);
  report.ceilings = ceilings.all();
  std::unordered_map<std::string, std::vector<compare::CaseVerdict>> verdicts;
  for (auto& v : compare::verdicts_of(run)) verdicts[v.case_id].push_back(std::move(v));
  report.controls = compare::controls_of(run);
  report.as_used = compare::as_used_of(run);
  for (const CaseRecord& c : run.cases) {
    if (c.control) continue;
    Row row{.case_id = c.definition.id,
            .label = one_line(workload::label_of(c.definition)),
            .workload = one_line(c.definition.workload),
            .dtype = std::string(name_of(c.definition.dtype)),
            .params = c.definition.params,
            .work = c.work,
            .alone = c.definition.variant.alone,
            .entries = {},
            .verdicts = std::move(verdicts[c.definition.id]),
            .clock_ratios = {},
            .conditions = compare::conditions_of(run, c)};
    for (const SubjectView& s : report.subjects) {
      const auto it = c.cells.find(s.name);
      if (it != c.cells.end()) row.entries.push_back(entry_of(c, s, it->second, ceilings));
    }
    for (Entry& e : row.entries) e.all_flags = all_flags_of(e, row);
    for (const auto& v : row.verdicts)
      row.clock_ratios.push_back(compare::clock_ratio_of(run, c, {.a = v.a, .b = v.b}));
    report.rows.push_back(std::move(row));
  }
  report.imported = run.imported;
  if (run.end) {
    report.ending = find_string(*run.end, "ending");
    report.duration_s = find_number(*run.end, "duration_s");
  }
  if (auto fact = device_waited_for(report)) report.checks.push_back(*std::move(fact));
  if (auto fact = right_answers(report)) report.checks.push_back(*std::move(fact));
  add_control_checks(report);
  add_doubts(report, run);
  return report;
}

}  // namespace mlbench::report
