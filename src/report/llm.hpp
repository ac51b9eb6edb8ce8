#pragma once

#include "compare/verdicts.hpp"
#include "report/model.hpp"
#include "stats/summary.hpp"
#include "store/run_data.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What `mlbench llm` measured: a run's prefill and decode cases as people speak of them.
namespace mlbench::report {

/// Times between tokens, over all samples of all processes.
struct TokenTimes {
  double p50_s = 0, p90_s = 0, p95_s = 0, p99_s = 0;
  std::size_t count = 0;
};

/// One case on one subject. Unknown is empty.
struct LlmEntry {
  std::string case_id;
  std::string model;        ///< As given.
  std::string quant;        ///< Kind of quantised weights; empty: dense.
  std::int64_t tokens = 0;  ///< prefill: of the prompt; decode: that the cache holds.
  std::int64_t batch = 1;
  store::CaseStatus status = store::CaseStatus::ok;
  std::string reason;
  std::optional<stats::TimeSummary> time;  ///< prefill: TTFT; decode: TPOT.
  std::optional<double> tokens_per_s, flop_per_s, bytes_per_s, bytes_per_token;
  std::optional<double> ceiling_fraction;  ///< Of the roof that binds it.
  std::optional<TokenTimes> token_times;   ///< decode.
  std::optional<std::int64_t> framework_peak_bytes, process_peak_bytes;
  std::optional<store::CheckRecord> check;
};

struct LlmSubject {
  std::string name, title;
  store::CaseStatus status = store::CaseStatus::ok;
  std::string reason, kernel;
  std::vector<std::string> notes;
  std::optional<std::int64_t> weight_bytes;
  std::optional<double> bits_per_weight;  ///< True ones: of the whole model, scales included.
  std::vector<LlmEntry> prefill, decode;
  std::vector<LlmEntry> others;  ///< Of models that were measured beside it, for `fit`.
};

struct LlmReport {
  std::string run, model, dtype;  ///< The model whose cases come first.
  std::string quant;  ///< Kinds of quantised weights, "8bit, int8"; empty for dense weights.
  std::int64_t parameters = 0;
  std::vector<LlmSubject> subjects;
  std::vector<std::string> verdicts;  ///< Sentences; only between equal kinds of weights.
  std::vector<std::string> doubts;    ///< Those of the run's report.
  std::vector<Fact> checks;           ///< The same, controls among them.
  Json controls;                      ///< As in that report's document.
  std::optional<double> duration_s, budget_s;
  std::optional<std::int64_t> min_rounds;  ///< However short the budget.
};

/// Cases whose model is no longer where it was are left out.
[[nodiscard]] LlmReport build_llm_report(const store::RunData& run, const std::string& path);
/// Schema mlbench.llm/1 of docs/json.md.
[[nodiscard]] Json to_json(const LlmReport& report);
[[nodiscard]] std::string llm_text(const LlmReport& report);

}  // namespace mlbench::report
