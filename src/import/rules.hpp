#pragma once

#include "import/doubts.hpp"

#include <string>
#include <vector>

/// The rules. Each looks through a batch for one kind of mistake and adds a doubt for each that it
/// finds.
namespace mlbench::importing {

using Doubts = std::vector<Doubt>;

// Values that are no results (rules_values.cpp).
void find_not_finite(const Batch& batch, Doubts& out);
void find_failed_as_zero(const Batch& batch, Doubts& out);
void find_unmeasured_as_zero(const Batch& batch, Doubts& out);
void find_text_for_number(const Batch& batch, Doubts& out);
void find_noisy(const Batch& batch, Doubts& out);

// More than the machine can do (rules_ceiling.cpp).
void find_above_ceiling(const Batch& batch, Doubts& out);
void find_above_measured(const Batch& batch, Doubts& out);
void find_above_bandwidth(const Batch& batch, Doubts& out);
void find_phase_unclear(const Batch& batch, Doubts& out);

// Against the catalogue (rules_catalogue.cpp).
void find_unknown_machine(const Batch& batch, Doubts& out);
void find_published_mismatch(const Batch& batch, Doubts& out);
void find_unstated_peak(const Batch& batch, Doubts& out);

// Operations that do not follow from the shape (rules_flop.cpp).
void find_flop_count(const Batch& batch, Doubts& out);
void find_flop_scaling(const Batch& batch, Doubts& out);
void find_flop_disagreement(const Batch& batch, Doubts& out);
void find_time_falls(const Batch& batch, Doubts& out);
void find_sums(const Batch& batch, Doubts& out);

// Memory (rules_memory.cpp).
void find_gib_as_gb(const Batch& batch, Doubts& out);
void find_memory_formula(const Batch& batch, Doubts& out);

// Unlike things side by side (rules_setup.cpp).
void find_unequal_setups(const Batch& batch, Doubts& out);
void find_no_gain(const Batch& batch, Doubts& out);
void find_rate_disagrees(const Batch& batch, Doubts& out);

// --- shared by the rules (rules_shared.cpp) ----------------------------------------------------

/// A doubt about one figure of a row. `reason` follows "FILE: FIELD is VALUE: ".
[[nodiscard]] Doubt doubt_about(const File& file, const Row& row, const Figure& figure,
                                const std::string& kind, const std::string& reason);
/// A doubt about any value of a file.
[[nodiscard]] Doubt doubt_about(const File& file, std::size_t field, const std::string& kind,
                                const std::string& reason);
/// One doubt about many values of one kind; `reason` as above, for the first.
[[nodiscard]] Doubt doubt_about_all(const File& file, const std::vector<std::size_t>& fields,
                                    const std::string& kind, const std::string& reason);

/// A row's main figure of a quantity that is a finite number above zero.
[[nodiscard]] const Figure* positive(const Row& row, Quantity quantity,
                                     const std::string& role = "");

/// What the catalogue says a machine can do at most; of several variants that are possible, the
/// largest.
struct Peak {
  std::string name;  ///< "M5 with 10 GPU cores".
  std::optional<double> float32, float16, bandwidth;
};
[[nodiscard]] std::optional<Peak> peak_of(const MachineFacts& machine);
/// The peak for a dtype; float32 and float64 as float32, everything else as float16.
[[nodiscard]] std::optional<double> flop_peak(const Peak& peak, const std::string& dtype);

/// What decoding one token reads of a model at the least.
struct Weights {
  double bytes = 0;  ///< Read for a token; of 4 bits a weight where the precision is not stated.
  double parameters = 0;  ///< In all; 0 when not known.
  std::string how;        ///< "7.11 billion weights of 16 bits".
};
/// nullopt when the model is not known and its size is not stated.
[[nodiscard]] std::optional<Weights> weights_of(const Row& row);

/// "12.3" with three significant digits.
[[nodiscard]] std::string digits(double value);

/// Half of the last decimal place in which a value is written, as a share of it.
[[nodiscard]] double rounding_of(const Json& value);
/// Significant digits in which a value is written.
[[nodiscard]] int digits_of(const Json& value);

}  // namespace mlbench::importing
