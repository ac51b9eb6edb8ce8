#pragma once

#include "fit/memory.hpp"
#include "fit/target.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mlbench::fit {

/// What a decoding step takes, beside the bytes that it reads (docs/fit.md, "Speed").
struct StepConstants {
  double layer_s = 0;          ///< Of a layer, however little it computes.
  double bandwidth_share = 1;  ///< Of the bandwidth over the step's working set, for weights.
  double kv_share = 1;         ///< The same for keys and values.
};

/// What a measured run of a model on this machine showed against the predictions for it.
struct Correction {
  std::string format;  ///< Of the weights that were measured; see speed_is_corrected().
  double decode_rate = 1, prefill_rate = 1;  ///< Multiply the predicted rates.
  /// Seconds a layer that a pass through a GPU takes at least, however little it computes: the host
  /// launches its kernels one by one while the GPU computes. 0 where that was not what took long.
  double layer_s = 0;
  /// Of a CPU: replace decode_rate.
  std::optional<StepConstants> step;
  std::vector<BandwidthOver> bandwidths;  ///< Of the same run as `step`.
  std::optional<double> overhead_bytes;   ///< Measured peak less weights, KV cache and activations.
  std::string source;                     ///< The run and the model.
};

/// Range of a corrected prediction, as multiples of it; the wide one where launches take most of
/// the time, and on GPUs for runtimes without rows. docs/fit.md says what of other models they
/// held.
inline constexpr double kCorrectedLow = 0.85, kCorrectedHigh = 1.15;
inline constexpr double kWideLow = 0.6, kWideHigh = 1.6;
/// The same of decoding where a CPU's steps were measured.
inline constexpr double kStepLow = 0.7, kStepHigh = 1.4;

/// Constants of one runtime and version, fitted by tools/fit/fit_constants.py
/// (data/fit_constants.json). docs/fit.md states the model that they belong to.
struct RuntimeConstants {
  std::string runtime, version;
  std::vector<std::string> covers;  ///< Other versions among the rows.
  std::string device;               ///< "apple", "cuda", "any".
  std::string fitted_on;

  double layer_s = 0, moe_layer_s = 0;       ///< At the reference clock.
  double bandwidth_share = 1, kv_share = 1;  ///< Of published bandwidth.
  double odd_group_kv_factor = 1;            ///< Query heads a KV head no power of two.
  double decode_low = 1, decode_high = 1;    ///< Range, as multiples of the prediction.
  std::optional<double> decode_low_moe, decode_high_moe;

  double prefill_share_16bit = 1, prefill_share_quantised = 1, two_die_factor = 1, moe_factor = 1;
  double prefill_low = 1, prefill_high = 1;
  std::optional<double> accelerator_low, accelerator_high;

  std::optional<Correction> correction;  ///< Only for the machine at hand.
};

/// What a person asked for: "llama.cpp@8e672ef".
struct RuntimeChoice {
  std::string name;     ///< "torch", "mlx", "mlx-lm", "llama.cpp".
  std::string version;  ///< Empty: the newest known.
};

/// Errors: `usage`, naming the runtimes or versions that there are.
[[nodiscard]] Result<RuntimeChoice> parse_runtime(const std::string& text);

/// The constants for `choice` on this kind of machine; those for any runtime where it has none.
/// Errors: `usage` for a version that is not known.
[[nodiscard]] Result<RuntimeConstants> constants_for(const RuntimeChoice& choice,
                                                     Target::Kind device);

/// Whether the constants are the runtime's own.
[[nodiscard]] bool are_own(const RuntimeConstants& constants);

/// Whether what was measured here with weights of the correction's kind corrects speeds with
/// weights of `format` too: always of the same kind; of others where the constants were fitted to
/// several kinds, as they were on Apple's chips, so that what is left is the machine. docs/fit.md
/// has how well that holds.
[[nodiscard]] bool speed_is_corrected(const RuntimeConstants& constants, const std::string& format);

/// GPU clock at which layer_s is stated.
[[nodiscard]] double reference_clock_hz();
/// Range where the version that a person runs is not known.
struct Band {
  double low = 1, high = 1;
};
[[nodiscard]] Band unknown_version_band();
/// The same for decoding with a mixture of experts.
[[nodiscard]] Band unknown_version_band_of_mixtures();

/// Memory constants: mlx-lm's are fitted; other runtimes take them over with their own prompt
/// chunk.
[[nodiscard]] MemoryModel memory_model(const RuntimeChoice& choice);

}  // namespace mlbench::fit
