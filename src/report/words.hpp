#pragma once

#include "report/model.hpp"

#include <string>

/// Numbers as they are shown, in every printer alike.
namespace mlbench::report {

/// "ratio", "low" and "high"; null where there is no interval.
[[nodiscard]] Json ratio_json(const std::optional<stats::RatioInterval>& interval);

/// Clock and power of the GPU while this result was measured: the subject's own where they were
/// read beside its blocks, else those of the case.
[[nodiscard]] std::optional<double> gpu_clock_hz(const Entry& e, const Row& row);
[[nodiscard]] std::optional<double> gpu_power_w(const Entry& e, const Row& row);

/// A unit for a whole column, so that numbers below each other compare.
struct Scale {
  double factor = 1;
  std::string name;  ///< "TFLOP/s".
};

/// The scale in which `largest` has one to three digits before the point (at least giga for bytes
/// and FLOP).
[[nodiscard]] Scale scale_for(double largest, workload::RateUnit unit);

/// "3.58 TFLOP/s".
[[nodiscard]] std::string rate_words(double rate, workload::RateUnit unit);

/// Half the width of the 95 % range: "±1%"; empty where there is no range.
[[nodiscard]] std::string spread_words(const Rate& rate);

/// A cell of a table: "3.58 ±1%"; "~3.58" before there is a range, "~" before there is a rate, the
/// status where it is not ok.
[[nodiscard]] std::string cell_words(const Entry& entry, const Scale& scale);

/// "91"; "?" where no ceiling is known, "-" where there is no result.
[[nodiscard]] std::string share_words(const Entry& entry);

/// "PyTorch 1.06x (1.03-1.09)", "equal within 2 %", "not decided (-1 ... +8 %)"; "no verdict (ratio
/// 1.06, 1.03-1.09)", of the speeds of a and b, where a control of the run failed; "~" without
/// enough pairs, empty where a side has no result.
[[nodiscard]] std::string verdict_words(const Report& report, const Row& row,
                                        const compare::CaseVerdict& verdict);

/// What a verdict rests on: "8", "1.1 %", "±0.9 %", "settled at ±1 %". Empty where not known.
struct BasisWords {
  std::string pairs, sd, half_width, stopped;

  [[nodiscard]] std::string sentence() const;  ///< "8 process pairs, sd 1.1 %, ±0.9 %, settled ..."
};
[[nodiscard]] BasisWords basis_of(const compare::CaseVerdict& verdict);

/// Whether `v` is a comparison of two frameworks: no control, and neither side is `native`.
[[nodiscard]] bool is_between_frameworks(const Report& report, const compare::CaseVerdict& v);

/// The verdict between the two frameworks, which is what a reader asks first; nullptr where the row
/// has none.
[[nodiscard]] const compare::CaseVerdict* main_verdict(const Report& report, const Row& row);

/// `text` as one line of it: control characters (line ends and escapes too) become spaces.
[[nodiscard]] std::string one_line(std::string text);

/// `text` of at most `most` characters, with an ellipsis where it was cut.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t most);

/// "PyTorch"; the subject's own name where the run does not know it.
[[nodiscard]] std::string title_of(const Report& report, const std::string& subject);

}  // namespace mlbench::report
