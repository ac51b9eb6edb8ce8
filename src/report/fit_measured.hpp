#pragma once

#include "fit/fit.hpp"
#include "fit/step.hpp"
#include "report/llm.hpp"

#include <optional>
#include <string>
#include <vector>

/// A model that was measured, set against what `fit` predicts for it.
namespace mlbench::report {

/// One quantity of both. Unknown is empty.
struct FitRow {
  std::string what;         ///< "decode at 112"
  std::int64_t tokens = 0;  ///< Remembered, or of the prompt; 0 for memory.
  enum class Unit { bytes, tokens_per_s } unit = Unit::bytes;
  std::optional<double> predicted = {};  ///< From constants, bandwidth and FLOP/s.
  std::optional<double> corrected =
      {};  ///< By an earlier run on this machine, where there was one.
  std::optional<double> measured = {};
};

struct FitMeasured {
  std::string run, subject, title;
  std::string peak_of;  ///< "framework" or "process": whose memory was counted.
  std::string earlier;  ///< What corrected; empty: nothing.
  std::string trouble;  ///< Why something was not measured; empty: all was.
  std::vector<FitRow> rows;
  std::vector<fit::MeasuredStep> steps;  ///< Of decoding, also of models beside it.
};

/// The measured subject of `report` that runs `framework` on that kind of device; nullptr: none.
[[nodiscard]] const LlmSubject* subject_of(const LlmReport& report, const std::string& framework,
                                           const std::string& device_kind);

/// `question`: as measured, without a correction; `earlier`: that of an older run.
[[nodiscard]] FitMeasured set_against(const fit::Case& question,
                                      const std::optional<fit::Correction>& earlier,
                                      const LlmReport& report, const LlmSubject& subject);

/// What `rows` say about all predictions of that runtime here; nullopt where nothing was measured.
[[nodiscard]] std::optional<fit::Correction> correction_of(const fit::Case& question,
                                                           const FitMeasured& measured);

[[nodiscard]] Json to_json(const FitMeasured& measured);
[[nodiscard]] std::string fit_measured_text(const FitMeasured& measured);

}  // namespace mlbench::report
