#pragma once

#include "fit/runtime.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mlbench::fit {

/// A prediction and the range around it.
struct Range {
  double value = 0, low = 0, high = 0;
};

/// Tokens per second of all sequences together; nullopt where the machine's bandwidth or FLOP/s are
/// not known, which a note then says.
struct Speed {
  std::optional<Range> decode, prefill;
  /// bandwidth / bytes that a step must read: no runtime can be faster. decode never exceeds it.
  std::optional<double> decode_roof;
  std::vector<std::string> notes;
};

/// Decode at `load.context` tokens of history, and prefill of a prompt of that length. docs/fit.md,
/// "Speed", states the model.
[[nodiscard]] Speed predict_speed(const model::ModelShape& shape, const Format& format,
                                  const Load& load, const Target& target,
                                  const RuntimeConstants& constants, bool version_known);

/// What measuring `measured` tokens/s says where `predicted` was predicted without a correction and
/// `least` (a share of it) is the slowest that any runtime was. One pass through `layers` layers
/// gives `tokens` tokens.
[[nodiscard]] Pace pace_of(double predicted, double least, double measured, double tokens,
                           double layers);

}  // namespace mlbench::fit
