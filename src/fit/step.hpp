#pragma once

#include "fit/runtime.hpp"

#include <vector>

namespace mlbench::fit {

/// What one decoding step of all sequences consists of (docs/fit.md, "Speed").
struct StepParts {
  double layers = 0;
  double weights_s = 0, kv_s = 0;  ///< Reading them at all of the bandwidth over what a step reads.
};

/// Bytes of an element of keys and values.
[[nodiscard]] std::int64_t kv_element_bytes(const Format& format);

/// `target` must know its bandwidth.
[[nodiscard]] StepParts parts_of_step(const model::ModelShape& shape, const Format& format,
                                      const Load& load, const Target& target);

[[nodiscard]] double seconds_of(const StepParts& parts, const StepConstants& constants);

/// One that was measured.
struct MeasuredStep {
  StepParts parts;
  double measured_s = 0;
};

/// The constants that `steps` make most likely, where it is known of each constant about how large
/// it is (docs/fit.md, "`--measure`"): steps of one model leave open which part took how long. Of
/// models of different size they tell a layer's own time from reading weights, of different
/// depths keys and values.
[[nodiscard]] StepConstants most_likely(const std::vector<MeasuredStep>& steps);

}  // namespace mlbench::fit
