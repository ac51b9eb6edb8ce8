#include "core/units.hpp"
#include "report/as_used.hpp"
#include "report/imported.hpp"
#include "report/key_finding.hpp"
#include "report/model.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <cmath>

namespace mlbench::report {
namespace {

/// "right: Freivalds + 256 dot products, largest error 7.8e-06, allowed 0.011".
std::string check_words(const store::CheckRecord& check) {
  std::string text = (check.ok ? "right: " : "WRONG: ") + check.method;
  if (check.max_error) text += fmt::format(", largest error {:.2g}", *check.max_error);
  if (check.tolerance) text += fmt::format(", allowed {:.2g}", *check.tolerance);
  return text;
}

/// The entry's numbers as they are shown; empty where there is none.
Json text_of(const Entry& e) {
  Json text = {{"time", ""},  {"range", ""},    {"rate", ""},    {"spread", ""},    {"share", ""},
               {"check", ""}, {"switches", ""}, {"waiters", ""}, {"arithmetic", ""}};
  const auto& c = e.conditions;
  if (c.switches_per_s) text["switches"] = fmt::format("{:.0f} a second", *c.switches_per_s);
  if (c.waiters_fraction)
    text["waiters"] = fmt::format("{:.1f} % of a core", 100 * *c.waiters_fraction);
  if (c.spin_s) text["arithmetic"] = format_time(*c.spin_s);
  if (c.spin_s && c.spin_change)
    text["arithmetic"] =
        fmt::format("{}, {:+.1f} % over the run", format_time(*c.spin_s), 100 * *c.spin_change);
  if (e.time) text["time"] = format_time(e.time->median_s);
  if (e.time && e.time->low_s && e.time->high_s)
    text["range"] = format_time(*e.time->low_s) + " to " + format_time(*e.time->high_s);
  if (e.rate) {
    text["rate"] = rate_words(e.rate->value, e.rate->unit);
    text["spread"] = spread_words(*e.rate);
  }
  if (e.check) text["check"] = check_words(*e.check);
  if (e.ceiling_fraction) text["share"] = share_words(e) + " %";
  return text;
}

/// The state of the machine beside this result; null where nothing is known of it.
Json conditions_json(const Entry& e, const Row& row) {
  const auto& c = row.conditions;
  return {{"other_fraction", to_json_or_null(c.other_fraction)},
          {"steal_fraction", to_json_or_null(c.steal_fraction)},
          {"cpu_pressure_fraction", to_json_or_null(c.cpu_pressure_fraction)},
          {"memory_pressure_fraction", to_json_or_null(c.memory_pressure_fraction)},
          {"swapped_in_bytes", to_json_or_null(c.swapped_in_bytes)},
          {"cpu_throttle_count", to_json_or_null(c.cpu_throttle_count)},
          {"load_1m", to_json_or_null(c.load_1m)},
          {"cpu_clock_hz", to_json_or_null(c.cpu_clock_hz)},
          {"cpu_temperature_c", to_json_or_null(c.cpu_temperature_c)},
          {"gpu_clock_hz", to_json_or_null(gpu_clock_hz(e, row))},
          {"gpu_temperature_c", to_json_or_null(c.gpu_temperature_c)},
          {"gpu_power_w", to_json_or_null(gpu_power_w(e, row))},
          {"gpu_clock_reasons", c.gpu_clock_reasons},
          {"thermal_state", to_json_or_null(c.thermal_state)},
          {"power_source", to_json_or_null(c.power_source)},
          {"low_power_mode", to_json_or_null(c.low_power_mode)},
          {"involuntary_switches_per_s", to_json_or_null(e.conditions.switches_per_s)},
          {"waiters_fraction", to_json_or_null(e.conditions.waiters_fraction)},
          {"spin_s", to_json_or_null(e.conditions.spin_s)},
          {"spin_change", to_json_or_null(e.conditions.spin_change)},
          {"device_spin_s", to_json_or_null(e.conditions.device_spin_s)},
          {"device_spin_change", to_json_or_null(e.conditions.device_spin_change)}};
}

Json to_json(const compare::Ceiling& c) {
  return {{"device_kind", c.device_kind},
          {"resource", c.resource},
          {"rate", c.rate},
          {"working_set_bytes", to_json_or_null(c.working_set_bytes)},
          {"threads", to_json_or_null(c.threads)},
          {"case", c.name},
          {"subject", c.subject},
          {"text", rate_words(c.rate, c.working_set_bytes ? workload::RateUnit::bytes_per_s
                                                          : workload::RateUnit::flop_per_s) +
                       (c.working_set_bytes ? " over " + format_bytes(*c.working_set_bytes) : "")}};
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
  Json json = {
      {"case", row.case_id},
      {"label", row.label},
      {"workload", row.workload},
      {"dtype", row.dtype},
      {"subject", e.subject},
      {"status", name_of(e.status)},
      {"reason", e.reason.empty() ? Json(nullptr) : Json(e.reason)},
      {"time_s", time},
      {"rate", rate},
      {"ceiling_fraction", to_json_or_null(e.ceiling_fraction)},
      {"arithmetic_intensity", to_json_or_null(compare::arithmetic_intensity(row.work))},
      {"roof", nullptr},
      {"flags", e.all_flags},
      {"conditions", conditions_json(e, row)},
      {"kernel", e.kernel},
      {"notes", e.notes},
      {"check", nullptr},
      {"processes", e.time ? Json(static_cast<unsigned>(e.time->processes)) : Json(nullptr)},
      {"text", text_of(e)}};
  if (e.share) {
    json["roof"] = to_json(e.share->roof);
    json["roof"]["binds"] = e.share->memory_bound ? "memory" : "compute";
  }
  if (e.check) {
    json["check"] = {{"ok", e.check->ok},
                     {"method", e.check->method},
                     {"max_error", to_json_or_null(e.check->max_error)},
                     {"tolerance", to_json_or_null(e.check->tolerance)}};
    if (e.check->output_error) json["check"]["output_error"] = *e.check->output_error;
  }
  return json;
}

Json to_json(const Report& report, const compare::CaseVerdict& v) {
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
          {"sd_log", field(&stats::RatioInterval::sd_log)},
          {"half_width", v.interval ? Json(std::expm1(v.interval->half_width_log)) : Json(nullptr)},
          {"target", to_json_or_null(v.target)},
          {"stop_reason", v.stop_reason ? Json(name_of(*v.stop_reason)) : Json(nullptr)},
          {"basis", basis_of(v).sentence()},
          {"verdict", name_of(v.judgement.verdict)},
          {"reason", v.reason.empty() ? Json(nullptr) : Json(v.reason)},
          {"sentence", compare::sentence(v, title_of(report, v.a), title_of(report, v.b))},
          {"flags", v.flags}};
}

Json to_json(const Report& report, const Row& row, const compare::CaseVerdict& v) {
  Json json = to_json(report, v);
  json["label"] = row.label;
  json["text"] = verdict_words(report, row, v);
  return json;
}

Json to_json(const Report& report, const compare::Control& c) {
  Json json = to_json(report, c.verdict);
  json["outcome"] = name_of(c.outcome);
  json["true_ratio"] = c.verdict.true_ratio;
  json["low_999"] = c.wide ? Json(c.wide->low) : Json(nullptr);
  json["high_999"] = c.wide ? Json(c.wide->high) : Json(nullptr);
  return json;
}

}  // namespace

/// `null` and `positive` are the first of each kind; all of them are in `all`.
Json controls_json(const Report& report) {
  Json json = {{"null", nullptr},
               {"positive", nullptr},
               {"all", Json::array()},
               {"trusted",
                report.controls.empty() ? Json(nullptr) : Json(compare::trusted(report.controls))}};
  for (const auto& c : report.controls) {
    const Json control = to_json(report, c);
    Json& first = json[c.positive ? "positive" : "null"];
    if (first.is_null()) first = control;
    json["all"].push_back(control);
  }
  return json;
}

Json to_json(const Report& report) {
  Json subjects = Json::array(), cases = Json::array(), verdicts = Json::array(),
       ceilings = Json::array();
  for (const SubjectView& s : report.subjects) {
    subjects.push_back(
        {{"subject", s.name},
         {"title", s.title},
         {"framework", s.framework},
         {"device", s.device},
         {"version", s.version},
         {"blas", s.blas.empty() ? Json(nullptr) : Json(s.blas)},
         {"status", name_of(s.status)},
         {"reason", s.reason.empty() ? Json(nullptr) : Json(s.reason)},
         {"device_waited_for",
          s.self_test && s.self_test->waited ? Json(*s.self_test->waited) : Json(nullptr)},
         {"facts", s.facts}});
  }
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) cases.push_back(to_json(e, row));
    for (std::size_t i = 0; i < row.verdicts.size(); ++i) {
      verdicts.push_back(to_json(report, row, row.verdicts[i]));
      verdicts.back()["clock_ratio"] = ratio_json(row.clock_ratios[i]);
    }
  }
  for (const auto& c : report.ceilings) {
    ceilings.push_back(to_json(c));
  }
  Json checks = Json::array(), limits = Json::array();
  for (const auto& c : report.checks) checks.push_back({{"name", c.name}, {"answer", c.answer}});
  for (const auto& l : report.limits)
    limits.push_back({{"name", l.name},
                      {"bytes", l.bytes},
                      {"source", l.source},
                      {"text", format_bytes(static_cast<double>(l.bytes))}});
  const auto header = [&](const char* field) {
    return to_json_or_null(find_string(report.header, field));
  };
  Json document = {
      {"schema", "mlbench.report/1"},
      {"run", report.run},
      {"rehearsal", to_json_or_null(find_string(report.header, "rehearsal"))},
      {"started", header("started")},
      {"mlbench_version", header("mlbench_version")},
      {"headline", report.headline},
      {"checks", checks},
      {"limits", limits},
      {"limits_tried", report.limits_tried},
      {"machine",
       report.header.contains("machine") ? machine::to_json(machine_of(report)) : Json(nullptr)},
      {"subjects", subjects},
      {"cases", cases},
      {"verdicts", verdicts},
      {"key_finding", key_finding_json(report)},
      {"as_used", as_used_json(report)},
      {"controls", controls_json(report)},
      {"ceilings", ceilings},
      {"published_bytes_per_s", report.published_bandwidth
                                    ? Json(report.published_bandwidth->bandwidth_bytes_per_s)
                                    : Json(nullptr)},
      {"doubts", report.doubts},
      {"ending", to_json_or_null(report.ending)},
      {"duration_s", to_json_or_null(report.duration_s)}};
  if (report.header.contains("imported")) {
    document["source"] = report.header["imported"];
    document["imported"] = imported_json(report.imported);
  }
  return document;
}

}  // namespace mlbench::report
