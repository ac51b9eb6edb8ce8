#include "report/model.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "machine/machine.hpp"
#include "report/setup_doubts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlbench::report {
namespace {

using store::CaseRecord;
using store::CaseStatus;
using store::Cell;
using store::RunData;

SubjectView view_of(const store::SubjectRecord& s) {
  SubjectView view{.name = s.name,
                   .title = framework_title(s.framework),
                   .framework = s.framework,
                   .device = s.device,
                   .version = find_string(s.facts, "framework_version").value_or(""),
                   .blas = {},
                   .status = s.status,
                   .reason = s.reason,
                   .facts = s.facts};
  const auto at = s.name.find('@');
  if (at != std::string::npos) view.title += s.name.substr(at, s.name.find(':', at) - at);
  if (s.facts.contains("blas")) {
    const Json& blas = s.facts["blas"];
    view.blas = find_string(blas, "library").value_or("");
    if (const auto version = find_string(blas, "version"); version && !view.blas.empty())
      view.blas += " " + *version;
  }
  if (const auto kernels = has_neural_accelerator_kernels(s.facts))
    view.blas += std::string(", neural-accelerator kernels: ") + (*kernels ? "yes" : "no");
  return view;
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

Entry entry_of(const CaseRecord& c, const SubjectView& subject, const Cell& cell,
               const compare::Ceilings& ceilings) {
  Entry e{.subject = subject.name,
          .status = cell.status,
          .reason = cell.reason,
          .time = {},
          .rate = {},
          .ceiling_fraction = {},
          .kernel = cell.kernel,
          .notes = cell.notes,
          .flags = cell.flags,
          .check = cell.check};
  if (cell.status != CaseStatus::ok) return e;  // a case that is not ok gets no rate
  e.time = compare::time_of(cell);
  if (!e.time) return e;
  e.rate = rate_of(c, *e.time);
  e.ceiling_fraction = ceilings.fraction(c, subject.device, e.time->median_s);
  return e;
}

void add_doubts(Report& report, const RunData& run) {
  auto& doubts = report.doubts;
  for (const SubjectView& s : report.subjects) {
    if (s.status != CaseStatus::ok)
      doubts.push_back(s.title + " on " + s.device + " was not measured: " + s.reason);
    for (const auto& doubt : setup_doubts(s.facts))
      doubts.push_back(s.title + " on " + s.device + ": " + doubt);
  }
  for (const Json& notice : run.notices)
    doubts.push_back(find_string(notice, "message").value_or(""));
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      const auto* subject = report.find_subject(e.subject);
      const std::string where =
          row.label + ", " + (subject == nullptr ? e.subject : subject->title) + ": ";
      if (is_failure(e.status))
        doubts.push_back(where + std::string(name_of(e.status)) + ": " + e.reason);
      if (e.ceiling_fraction && *e.ceiling_fraction > 1.05)
        doubts.push_back(where + "faster than the machine's measured roof");
      for (const auto& flag : e.flags) doubts.push_back(where + flag + " (docs/warnings.md)");
    }
    for (const auto& v : row.verdicts) {
      for (const auto& flag : v.flags)
        doubts.push_back(row.label + ", " + v.a + " against " + v.b + ": " + flag +
                         " (docs/warnings.md)");
    }
  }
  if (report.ending == "interrupted")
    doubts.emplace_back("the run was interrupted: what was measured until then is shown");
}

Json to_json(const Entry& e, const Row& row) {
  Json time = nullptr, rate = nullptr;
  if (e.time)
    time = {{"median", e.time->median_s},
            {"low", to_json_or_null(e.time->low_s)},
            {"high", to_json_or_null(e.time->high_s)}};
  if (e.rate) {
    rate = {{"value", e.rate->value},
            {"low", to_json_or_null(e.rate->low)},
            {"high", to_json_or_null(e.rate->high)},
            {"unit", name_of(e.rate->unit)}};
  }
  Json json = {{"case", row.case_id},
               {"workload", row.workload},
               {"dtype", row.dtype},
               {"subject", e.subject},
               {"status", name_of(e.status)},
               {"reason", e.reason.empty() ? Json(nullptr) : Json(e.reason)},
               {"time_s", time},
               {"rate", rate},
               {"ceiling_fraction", to_json_or_null(e.ceiling_fraction)},
               {"flags", e.flags},
               {"kernel", e.kernel},
               {"notes", e.notes},
               {"check", nullptr}};
  if (e.check) {
    json["check"] = {{"ok", e.check->ok},
                     {"method", e.check->method},
                     {"max_error", to_json_or_null(e.check->max_error)},
                     {"tolerance", to_json_or_null(e.check->tolerance)}};
  }
  return json;
}

Json to_json(const Report& report, const compare::CaseVerdict& v) {
  const auto* a = report.find_subject(v.a);
  const auto* b = report.find_subject(v.b);
  const auto field = [&](auto member) {
    return v.interval ? Json((*v.interval).*member) : Json(nullptr);
  };
  return {{"case", v.case_id},
          {"a", v.a},
          {"b", v.b},
          {"ratio", field(&stats::RatioInterval::ratio)},
          {"low", field(&stats::RatioInterval::low)},
          {"high", field(&stats::RatioInterval::high)},
          {"pairs", v.pair_log_ratios.size()},
          {"verdict", name_of(v.judgement.verdict)},
          {"sentence",
           compare::sentence(v, a == nullptr ? v.a : a->title, b == nullptr ? v.b : b->title)},
          {"flags", v.flags}};
}

}  // namespace

bool Row::is_skipped() const {
  return std::all_of(entries.begin(), entries.end(),
                     [](const Entry& e) { return e.status == CaseStatus::skipped; });
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

Report build_report(const RunData& run, const std::string& path) {
  Report report;
  report.run = path;
  report.header = run.header;
  auto machine = machine::machine_from_json(run.header.contains("machine") ? run.header["machine"]
                                                                           : Json::object());
  for (const auto& s : run.subjects) machine::merge_device_facts(machine, s.facts);
  report.headline = machine::headline(machine);
  if (const auto rehearsed = find_string(run.header, "rehearsal")) {
    report.headline = "REHEARSAL, nothing was measured: " + report.headline;
    report.doubts.push_back("this is a rehearsal of " + *rehearsed +
                            ": the machine was recorded, every time and rate is invented");
  }
  report.published_bandwidth = machine::published_bandwidth(machine);
  for (const auto& s : run.subjects) report.subjects.push_back(view_of(s));

  const compare::Ceilings ceilings(run);
  report.ceilings = ceilings.all();
  auto verdicts = compare::verdicts_of(run);
  for (const CaseRecord& c : run.cases) {
    Row row{.case_id = c.definition.id,
            .label = workload::label_of(c.definition),
            .workload = c.definition.workload,
            .dtype = std::string(name_of(c.definition.dtype)),
            .entries = {},
            .verdicts = {}};
    for (const SubjectView& s : report.subjects) {
      const auto it = c.cells.find(s.name);
      if (it != c.cells.end()) row.entries.push_back(entry_of(c, s, it->second, ceilings));
    }
    for (auto& v : verdicts) {
      if (v.case_id == row.case_id) row.verdicts.push_back(std::move(v));
    }
    report.rows.push_back(std::move(row));
  }
  if (run.end) {
    report.ending = find_string(*run.end, "ending");
    report.duration_s = find_number(*run.end, "duration_s");
  }
  add_doubts(report, run);
  return report;
}

Json to_json(const Report& report) {
  Json subjects = Json::array(), cases = Json::array(), verdicts = Json::array(),
       ceilings = Json::array();
  for (const SubjectView& s : report.subjects) {
    subjects.push_back({{"subject", s.name},
                        {"framework", s.framework},
                        {"device", s.device},
                        {"version", s.version},
                        {"blas", s.blas.empty() ? Json(nullptr) : Json(s.blas)},
                        {"status", name_of(s.status)},
                        {"reason", s.reason.empty() ? Json(nullptr) : Json(s.reason)},
                        {"facts", s.facts}});
  }
  Json controls = {{"null", nullptr}, {"positive", nullptr}};
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) cases.push_back(to_json(e, row));
    for (const auto& v : row.verdicts) {
      if (v.control) {
        controls["null"] = to_json(report, v);
      } else {
        verdicts.push_back(to_json(report, v));
      }
    }
  }
  for (const auto& c : report.ceilings) {
    ceilings.push_back({{"device_kind", c.device_kind},
                        {"resource", c.resource},
                        {"rate", c.rate},
                        {"case", c.case_id},
                        {"subject", c.subject}});
  }
  return {{"schema", "mlbench.report/1"},
          {"run", report.run},
          {"rehearsal", to_json_or_null(find_string(report.header, "rehearsal"))},
          {"machine", report.header.contains("machine") ? report.header["machine"] : Json(nullptr)},
          {"subjects", subjects},
          {"cases", cases},
          {"verdicts", verdicts},
          {"controls", controls},
          {"ceilings", ceilings},
          {"published_bytes_per_s", report.published_bandwidth
                                        ? Json(report.published_bandwidth->bandwidth_bytes_per_s)
                                        : Json(nullptr)},
          {"doubts", report.doubts},
          {"ending", to_json_or_null(report.ending)},
          {"duration_s", to_json_or_null(report.duration_s)}};
}

}  // namespace mlbench::report
