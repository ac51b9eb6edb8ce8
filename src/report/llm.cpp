#include "report/llm.hpp"

#include "compare/ceilings.hpp"
#include "core/text.hpp"
#include "model/tensors.hpp"
#include "stats/quantile.hpp"
#include "workload/language.hpp"

#include <algorithm>
#include <set>

namespace mlbench::report {
namespace {

constexpr const char* kTtft =
    "seconds from handing over the prompt until the host has the first token; no queue, no "
    "tokeniser; median over processes (vLLM: TTFT)";
constexpr const char* kTpot =
    "time of a decode call / tokens of a sequence in it, all of them behind the first token; "
    "median "
    "over processes (vLLM: (latency - TTFT) / (output tokens - 1); AIPerf calls it inter-token "
    "latency)";
constexpr const char* kItl =
    "seconds from one token to the next as the host receives them, without the first and last of a "
    "call, quantiles over all samples of all processes (vLLM: ITL)";

constexpr const char* kOutputError =
    "what quantising the weights does to the logits, computed in double precision with both: "
    "rms(quantised - dense) / rms(dense), over the logits of \"case\"; a case beyond 4e10 "
    "operations states that of a small model";

template <class Value>
void keep_largest(std::optional<Value>& kept, const std::optional<Value>& value) {
  if (value && (!kept || *value > *kept)) kept = value;
}

std::optional<TokenTimes> token_times(const store::Cell& cell) {
  std::vector<double> all;
  for (const auto& b : cell.blocks)
    all.insert(all.end(), b.token_times_s.begin(), b.token_times_s.end());
  if (all.empty()) return std::nullopt;
  const auto at = [&](double q) { return stats::quantile(all, q).value_or(0); };
  return TokenTimes{.p50_s = at(0.5),
                    .p90_s = at(0.9),
                    .p95_s = at(0.95),
                    .p99_s = at(0.99),
                    .count = all.size()};
}

/// Of a language model that is still there: a folder or file may have gone since.
bool is_readable(const store::CaseRecord& c) {
  if (!workload::is_language(c.definition.workload)) return false;
  return workload::find_workload(c.definition.workload)->validate(c.definition).has_value();
}

LlmEntry entry_of(const store::CaseRecord& c, const store::Cell& cell, const std::string& device,
                  const compare::Ceilings& ceilings) {
  const auto l = workload::language_case(c.definition);
  LlmEntry e;
  e.case_id = c.definition.id, e.model = l.model;
  e.quant = find_string(c.definition.params, "quant").value_or("");
  e.tokens = l.decodes ? l.position : l.tokens;
  e.batch = l.batch;
  e.status = cell.status, e.reason = cell.reason;
  e.check = cell.check;
  for (const auto& b : cell.blocks) {
    keep_largest(e.framework_peak_bytes, b.framework_peak_bytes);
    keep_largest(e.process_peak_bytes, b.process_peak_bytes);
  }
  auto time = compare::time_of(cell);
  if (!time || cell.status != store::CaseStatus::ok) return e;
  const double call_s = time->median_s;
  e.tokens_per_s = c.work.tokens / call_s;
  e.flop_per_s = c.work.flop / call_s;
  e.bytes_per_s = c.work.bytes / call_s;
  e.bytes_per_token = c.work.bytes / c.work.tokens;
  if (const auto share = ceilings.share(c, device, call_s)) e.ceiling_fraction = share->fraction;
  if (l.decodes) {
    const double steps = static_cast<double>(l.tokens);
    time->median_s /= steps;
    if (time->low_s) *time->low_s /= steps;
    if (time->high_s) *time->high_s /= steps;
    e.token_times = token_times(cell);
  }
  e.time = time;
  return e;
}

LlmSubject subject_of(const store::RunData& run, const store::SubjectRecord& s,
                      const compare::Ceilings& ceilings, const LlmReport& report) {
  LlmSubject view{.name = s.name,
                  .title = framework_title(s.framework),
                  .status = s.status,
                  .reason = s.reason,
                  .kernel = {},
                  .notes = {},
                  .weight_bytes = {},
                  .bits_per_weight = {},
                  .prefill = {},
                  .decode = {},
                  .others = {}};
  for (const auto& c : run.cases) {
    const auto it = c.cells.find(s.name);
    if (it == c.cells.end() || !is_readable(c)) continue;
    const auto& cell = it->second;
    auto entry = entry_of(c, cell, s.device, ceilings);
    if (entry.model != report.model) {
      view.others.push_back(std::move(entry));
      continue;
    }
    if (!cell.kernel.empty()) view.kernel = cell.kernel, view.notes = cell.notes;
    if (cell.weight_bytes) view.weight_bytes = cell.weight_bytes;
    (c.definition.workload == "decode" ? view.decode : view.prefill).push_back(std::move(entry));
  }
  if (view.weight_bytes && report.parameters > 0)
    view.bits_per_weight =
        8 * static_cast<double>(*view.weight_bytes) / static_cast<double>(report.parameters);
  return view;
}

Json to_json(const std::optional<stats::TimeSummary>& t) {
  if (!t) return nullptr;
  return {{"median", t->median_s},
          {"low", to_json_or_null(t->low_s)},
          {"high", to_json_or_null(t->high_s)}};
}

Json to_json(const LlmEntry& e, bool decodes) {
  Json json = {{"case", e.case_id},
               {decodes ? "depth" : "prompt", e.tokens},
               {"batch", e.batch},
               {"quant", e.quant.empty() ? Json(nullptr) : Json(e.quant)},
               {"status", store::name_of(e.status)},
               {"reason", e.reason.empty() ? Json(nullptr) : Json(e.reason)},
               {decodes ? "tpot_s" : "ttft_s", to_json(e.time)}};
  if (decodes) {
    json["itl_s"] = e.token_times ? Json{{"p50", e.token_times->p50_s},
                                         {"p90", e.token_times->p90_s},
                                         {"p95", e.token_times->p95_s},
                                         {"p99", e.token_times->p99_s},
                                         {"count", e.token_times->count}}
                                  : Json(nullptr);
  }
  json["tokens_per_s"] = to_json_or_null(e.tokens_per_s);
  json["flop_per_s"] = to_json_or_null(e.flop_per_s);
  json["bytes_per_s"] = to_json_or_null(e.bytes_per_s);
  json["bytes_per_token"] = to_json_or_null(e.bytes_per_token);
  json["ceiling_fraction"] = to_json_or_null(e.ceiling_fraction);
  json["framework_peak_bytes"] = to_json_or_null(e.framework_peak_bytes);
  json["process_peak_bytes"] = to_json_or_null(e.process_peak_bytes);
  const bool has_error = e.check && e.check->output_error;
  json["output_error"] =
      has_error ? Json{{"relative_rms", *e.check->output_error}, {"case", e.check->output_error_of}}
                : Json(nullptr);
  json["check"] = e.check ? Json{{"ok", e.check->ok}, {"method", e.check->method}} : Json(nullptr);
  return json;
}

}  // namespace

LlmReport build_llm_report(const store::RunData& run, const std::string& path) {
  LlmReport report;
  report.run = path;
  std::set<std::string> kinds;
  for (const auto& c : run.cases) {
    if (!is_readable(c)) continue;
    const auto l = workload::language_case(c.definition);
    if (!report.model.empty() && l.model != report.model) continue;
    report.model = l.model;
    report.dtype = std::string(workload::name_of(c.definition.dtype));
    if (const auto kind = find_string(c.definition.params, "quant")) kinds.insert(*kind);
    report.parameters = model::parameter_count(l.spec->shape);
  }
  report.quant = join(std::vector<std::string>(kinds.begin(), kinds.end()), ", ");
  const auto whole = build_report(run, path);
  report.doubts = whole.doubts, report.checks = whole.checks;
  report.controls = controls_json(whole);
  report.duration_s = whole.duration_s;
  if (const auto settings = run.header.find("settings"); settings != run.header.end()) {
    report.budget_s = find_number(*settings, "budget_s");
    report.min_rounds = find_int(*settings, "min_rounds");
  }
  const compare::Ceilings ceilings(run);
  for (const auto& s : run.subjects) {
    if (s.framework == "native") continue;
    report.subjects.push_back(subject_of(run, s, ceilings, report));
  }
  for (const auto& v : compare::verdicts_of(run)) {
    const auto* c = run.find_case(v.case_id);
    if (v.control || c == nullptr || !is_readable(*c)) continue;
    if (workload::language_case(c->definition).model != report.model) continue;
    const auto title = [&](const std::string& name) {
      const auto* s = run.find_subject(name);
      return s == nullptr ? name : framework_title(s->framework);
    };
    if (run.find_subject(v.b) != nullptr && run.find_subject(v.b)->framework == "native") continue;
    report.verdicts.push_back(workload::label_of(c->definition) + ": " +
                              compare::sentence(v, title(v.a), title(v.b)));
  }
  return report;
}

Json to_json(const LlmReport& r) {
  Json subjects = Json::array();
  for (const auto& s : r.subjects) {
    Json prefill = Json::array(), decode = Json::array();
    for (const auto& e : s.prefill) prefill.push_back(to_json(e, false));
    for (const auto& e : s.decode) decode.push_back(to_json(e, true));
    subjects.push_back({{"subject", s.name},
                        {"status", store::name_of(s.status)},
                        {"reason", s.reason.empty() ? Json(nullptr) : Json(s.reason)},
                        {"kernel", s.kernel},
                        {"notes", s.notes},
                        {"weight_bytes", to_json_or_null(s.weight_bytes)},
                        {"bits_per_weight", to_json_or_null(s.bits_per_weight)},
                        {"prefill", prefill},
                        {"decode", decode}});
  }
  return {{"schema", "mlbench.llm/1"},
          {"run", r.run},
          {"model", r.model},
          {"parameters", r.parameters},
          {"dtype", r.dtype},
          {"quant", r.quant.empty() ? Json(nullptr) : Json(r.quant)},
          {"definitions",
           {{"ttft_s", kTtft}, {"tpot_s", kTpot}, {"itl_s", kItl}, {"output_error", kOutputError}}},
          {"subjects", subjects},
          {"verdicts", r.verdicts},
          {"controls", r.controls},
          {"duration_s", to_json_or_null(r.duration_s)},
          {"doubts", r.doubts}};
}

}  // namespace mlbench::report
