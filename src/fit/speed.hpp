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

/// Seconds of one pass through a model's layers: predicted without a correction, and measured.
struct Pass {
  double predicted_s = 0, measured_s = 0;
};

/// The slowest that any runtime was, as shares of the predicted rates.
struct Least {
  double decode = 1, prefill = 1;
};

/// Sets the speeds of `correction` from a decoding step and a prompt of one model of `layers`
/// layers. On a GPU, a step that takes longer than any runtime needed is launches; then a prompt
/// that takes not much longer does not say how slow the GPU is, beyond `least`. On a CPU all time
/// is work.
void set_speeds(Correction& correction, const std::optional<Pass>& decode,
                const std::optional<Pass>& prefill, const Least& least, double layers, bool on_gpu);

}  // namespace mlbench::fit
