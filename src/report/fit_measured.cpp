#include "report/fit_measured.hpp"

#include "core/units.hpp"
#include "model/maths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace mlbench::report {
namespace {

constexpr const char *kPeak = "peak memory", *kDecode = "decode at ", *kPrompt = "prompt of ";

const LlmEntry* measured_entry(const std::vector<LlmEntry>& entries) {
  const auto it = std::find_if(entries.begin(), entries.end(),
                               [](const LlmEntry& e) { return e.tokens_per_s.has_value(); });
  return it == entries.end() ? nullptr : &*it;
}

/// What `question` needs and how fast it is, with `context` tokens.
struct Prediction {
  std::optional<fit::Need> need;
  fit::Speed speed;
};
Prediction predict(fit::Case question, const std::optional<fit::Correction>& correction,
                   std::int64_t context) {
  question.constants.correction = correction;
  question.load.context = context;
  Prediction p;
  if (auto need =
          fit::need_of(question.shape, question.format, question.load, fit::memory_model(question)))
    p.need = *need;
  p.speed = fit::predict_speed(question.shape, question.format, question.load, question.target,
                               question.constants, !question.runtime.version.empty());
  return p;
}

std::optional<double> value_of(const std::optional<fit::Range>& range) {
  if (!range) return std::nullopt;
  return range->value;
}

/// Adds a row of `pick` applied to both predictions at `context`.
template <class Pick>
void add_row(FitMeasured& m, const fit::Case& question,
             const std::optional<fit::Correction>& earlier, std::int64_t context, FitRow row,
             const Pick& pick) {
  row.predicted = pick(predict(question, std::nullopt, context));
  if (earlier) row.corrected = pick(predict(question, earlier, context));
  m.rows.push_back(std::move(row));
}

/// The most of both cases, by the framework's own count where it has one.
std::optional<double> peak_of(const std::vector<const LlmEntry*>& entries, FitMeasured& m) {
  std::optional<double> framework, process;
  const auto raise = [](std::optional<double>& most, std::optional<std::int64_t> bytes) {
    if (bytes) most = std::max(most.value_or(0), static_cast<double>(*bytes));
  };
  for (const auto* e : entries) {
    if (e == nullptr) continue;
    raise(framework, e->framework_peak_bytes), raise(process, e->process_peak_bytes);
  }
  m.peak_of = framework ? "framework" : "process";
  return framework ? framework : process;
}

/// Decoding steps that were measured with weights of the question's kind; none where only one model
/// was, which leaves open what of a step is a layer's own.
std::vector<fit::MeasuredStep> steps_of(const fit::Case& question, const LlmSubject& s) {
  std::vector<fit::MeasuredStep> steps;
  if (!question.target.bandwidth_bytes_per_s || s.decode.empty()) return steps;
  for (const auto* list : {&s.decode, &s.others}) {
    for (const auto& e : *list) {
      const bool decodes = e.case_id.starts_with("decode/");
      if (!decodes || !e.tokens_per_s || e.quant != s.decode.front().quant) continue;
      const auto spec = model::spec_of(e.model);
      if (!spec) continue;
      const fit::Load load{.context = std::max<std::int64_t>(1, e.tokens), .batch = e.batch};
      steps.push_back({fit::parts_of_step(spec->shape, question.format, load, question.target),
                       static_cast<double>(e.batch) / *e.tokens_per_s});
    }
  }
  const bool several = std::any_of(s.others.begin(), s.others.end(),
                                   [](const LlmEntry& e) { return e.tokens_per_s.has_value(); });
  return several ? steps : std::vector<fit::MeasuredStep>{};
}

std::string cell(const FitRow& row, const std::optional<double>& value) {
  if (!value) return "-";
  return row.unit == FitRow::Unit::bytes ? format_bytes(*value)
                                         : format_significant(*value, 3) + " tok/s";
}

std::string error(const std::optional<double>& predicted, const std::optional<double>& measured) {
  if (!predicted || !measured || *measured <= 0) return "";
  return fmt::format(" ({:+.1f} %)", 100 * (*predicted / *measured - 1));
}

}  // namespace

const LlmSubject* subject_of(const LlmReport& report, const std::string& framework,
                             const std::string& kind) {
  for (const auto& s : report.subjects) {
    const bool same = s.name.substr(0, s.name.find_first_of(":@")) == framework;
    if (same && s.name.ends_with(":cpu") == (kind == "cpu")) return &s;
  }
  return nullptr;
}

FitMeasured set_against(const fit::Case& question, const std::optional<fit::Correction>& earlier,
                        const LlmReport& report, const LlmSubject& s) {
  FitMeasured m{.run = std::filesystem::path(report.run).filename().string(),
                .subject = s.name,
                .title = s.title,
                .peak_of = {},
                .earlier = earlier ? earlier->source : "",
                .trouble = s.reason,
                .rows = {},
                .steps = steps_of(question, s)};
  const auto *prefill = measured_entry(s.prefill), *decode = measured_entry(s.decode);
  for (const auto* list : {&s.prefill, &s.decode}) {
    if (measured_entry(*list) == nullptr && !list->empty() && m.trouble.empty())
      m.trouble = std::string(store::name_of(list->front().status)) + ": " + list->front().reason;
  }
  const auto context = question.load.context;
  FitRow row{.what = "weights", .measured = {}};
  if (s.weight_bytes) row.measured = static_cast<double>(*s.weight_bytes);
  add_row(m, question, earlier, context, row, [](const Prediction& p) -> std::optional<double> {
    if (!p.need) return std::nullopt;
    return static_cast<double>(p.need->weights_bytes);
  });
  row = {.what = kPeak, .measured = peak_of({prefill, decode}, m)};
  add_row(m, question, earlier, context, row, [](const Prediction& p) -> std::optional<double> {
    if (!p.need) return std::nullopt;
    return static_cast<double>(p.need->total_bytes);
  });
  if (decode != nullptr) {
    row = {.what = kDecode + std::to_string(decode->tokens),
           .tokens = std::max<std::int64_t>(1, decode->tokens),
           .unit = FitRow::Unit::tokens_per_s,
           .measured = decode->tokens_per_s};
    add_row(m, question, earlier, row.tokens, row,
            [](const Prediction& p) { return value_of(p.speed.decode); });
  }
  if (prefill != nullptr) {
    row = {.what = kPrompt + std::to_string(prefill->tokens),
           .tokens = prefill->tokens,
           .unit = FitRow::Unit::tokens_per_s,
           .measured = prefill->tokens_per_s};
    add_row(m, question, earlier, prefill->tokens, row,
            [](const Prediction& p) { return value_of(p.speed.prefill); });
  }
  return m;
}

std::optional<fit::Correction> correction_of(const fit::Case& question, const FitMeasured& m) {
  fit::Correction c;
  c.format = question.format.name;
  c.source =
      m.run + ", " + question.shape.name + " in " + question.format.name + " with " + m.title;
  std::optional<fit::Pass> decode, prefill;
  for (const auto& row : m.rows) {
    if (!row.predicted || !row.measured || *row.predicted <= 0) continue;
    const auto pass = [&](double tokens) {
      return fit::Pass{.predicted_s = tokens / *row.predicted,
                       .measured_s = tokens / *row.measured};
    };
    if (row.what == kPeak) {
      const auto p = predict(question, std::nullopt, question.load.context);
      const double rest = static_cast<double>(p.need->total_bytes - p.need->overhead_bytes);
      c.overhead_bytes = std::max(0.0, *row.measured - rest);
    }
    if (row.what.starts_with(kDecode)) decode = pass(static_cast<double>(question.load.batch));
    if (row.what.starts_with(kPrompt)) prefill = pass(static_cast<double>(row.tokens));
  }
  if (!decode && !prefill) return std::nullopt;
  if (question.target.kind == fit::Target::Kind::cpu && !m.steps.empty()) {
    c.step = fit::most_likely(m.steps);
    c.bandwidths = question.target.bandwidths;
  }
  fit::set_speeds(
      c, decode, prefill,
      {.decode = question.constants.decode_low, .prefill = question.constants.prefill_low},
      static_cast<double>(question.shape.layers), question.target.kind != fit::Target::Kind::cpu);
  return c;
}

Json to_json(const FitMeasured& m) {
  Json rows = Json::array();
  for (const auto& r : m.rows) {
    rows.push_back({{"what", r.what},
                    {"unit", r.unit == FitRow::Unit::bytes ? "bytes" : "tokens_per_s"},
                    {"predicted", to_json_or_null(r.predicted)},
                    {"corrected", to_json_or_null(r.corrected)},
                    {"measured", to_json_or_null(r.measured)}});
  }
  return {{"run", m.run},
          {"subject", m.subject},
          {"peak_of", m.peak_of},
          {"corrected_by", m.earlier.empty() ? Json(nullptr) : Json(m.earlier)},
          {"trouble", m.trouble.empty() ? Json(nullptr) : Json(m.trouble)},
          {"rows", rows}};
}

std::string fit_measured_text(const FitMeasured& m) {
  std::string text = fmt::format("\n{:<22}{:>14}{:>26}", "MEASURED HERE", "measured", "predicted");
  if (!m.earlier.empty()) text += fmt::format("{:>26}", "corrected");
  text += "\n";
  for (const auto& r : m.rows) {
    text += fmt::format("  {:<20}{:>14}{:>26}", r.what, cell(r, r.measured),
                        cell(r, r.predicted) + error(r.predicted, r.measured));
    if (!m.earlier.empty())
      text += fmt::format("{:>26}", cell(r, r.corrected) + error(r.corrected, r.measured));
    text += "\n";
  }
  text += "  " + m.title + " (" + m.subject + "), invented weights unless a folder was given; ";
  text += "peak memory of the " + m.peak_of + "; run " + m.run + ".\n";
  if (!m.earlier.empty()) text += "  Corrected by " + m.earlier + ".\n";
  if (!m.trouble.empty()) text += "  Not all was measured: " + m.trouble + "\n";
  return text;
}

}  // namespace mlbench::report
