#include "fit/speed.hpp"

#include "fit/step.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mlbench::fit {
namespace {

double d(std::int64_t n) {
  return static_cast<double>(n);
}

/// What was measured here of decoding steps with such weights.
const StepConstants* corrected_step(const Format& f, const RuntimeConstants& c) {
  const bool applies = c.correction && c.correction->format == f.name && c.correction->step;
  return applies ? &*c.correction->step : nullptr;
}

double prefill_share(const model::ModelShape& s, const Format& f, const Target& t,
                     const RuntimeConstants& c) {
  double share = f.bits < 16 ? c.prefill_share_quantised : c.prefill_share_16bit;
  if (t.two_dies) share *= c.two_die_factor;
  if (s.is_mixture()) share *= c.moe_factor;
  return share;
}

/// `c` with what was measured here in place of its constants.
StepConstants step_constants(const model::ModelShape& s, const Format& f, const Target& t,
                             const RuntimeConstants& c) {
  if (const auto* own = corrected_step(f, c)) return *own;
  const double clock = t.clock_hz ? reference_clock_hz() / *t.clock_hz : 1;
  const auto group = static_cast<std::uint64_t>(s.heads / s.kv_heads);
  return {.layer_s = (c.layer_s + (s.is_mixture() ? c.moe_layer_s : 0)) * clock,
          .bandwidth_share = c.bandwidth_share,
          .kv_share = c.kv_share / (std::has_single_bit(group) ? 1 : c.odd_group_kv_factor)};
}

/// Seconds of one decoding step of all sequences.
double step_s(const model::ModelShape& s, const Format& f, const Load& load, const Target& t,
              const RuntimeConstants& c) {
  auto parts = parts_of_step(s, f, load, t);
  const auto constants = step_constants(s, f, t, c);
  // With many sequences the arithmetic takes longer than reading the weights.
  if (t.flop_per_s) {
    const double arithmetic_s =
        2 * matmul_parameters(s) * d(load.batch) / (prefill_share(s, f, t, c) * *t.flop_per_s);
    parts.weights_s = std::max(parts.weights_s, arithmetic_s * constants.bandwidth_share);
  }
  return seconds_of(parts, constants);
}

Band decode_band(const model::ModelShape& s, const RuntimeConstants& c, bool version_known) {
  Band band{.low = c.decode_low, .high = c.decode_high};
  if (s.is_mixture())
    band = {.low = c.decode_low_moe.value_or(band.low),
            .high = c.decode_high_moe.value_or(band.high)};
  if (version_known) return band;
  const Band wide = s.is_mixture() ? unknown_version_band_of_mixtures() : unknown_version_band();
  return {.low = std::min(band.low, wide.low), .high = std::max(band.high, wide.high)};
}

void predict_decode(Speed& speed, const model::ModelShape& s, const Format& f, const Load& load,
                    const Target& t, const RuntimeConstants& c, bool version_known) {
  const double bytes = weight_bytes_read(s, f, load.batch) +
                       kv_cache_bytes(s, load.batch, load.context, kv_element_bytes(f));
  const double roof = bandwidth_over(t, bytes) * d(load.batch) / bytes;
  double value = d(load.batch) / step_s(s, f, load, t, c);
  if (corrected_step(f, c) != nullptr) {
    speed.decode_roof = std::max(roof, value);
    speed.decode = Range{.value = value, .low = value * kStepLow, .high = value * kStepHigh};
    return;
  }
  value = std::min(roof, value);
  const Band band = decode_band(s, c, version_known);
  speed.decode_roof = roof;
  speed.decode =
      Range{.value = value, .low = value * band.low, .high = std::min(roof, value * band.high)};
}

/// FLOP of a prompt: 2 for each weight and token, and 4 for each query, key and element of a head
/// (scores and values); causal, so a token meets half the prompt on average, and at most its
/// window.
double prompt_flop(const model::ModelShape& s, double tokens) {
  const double full = d(s.layers - s.sliding_layers) * tokens / 2;
  const double sliding = d(s.sliding_layers) * std::min(tokens / 2, d(s.sliding_window));
  return tokens * (2 * matmul_parameters(s) + 4 * d(s.heads) * d(s.head_dim) * (full + sliding));
}

void predict_prefill(Speed& speed, const model::ModelShape& s, const Format& f, const Load& load,
                     const Target& t, const RuntimeConstants& c, bool version_known) {
  const double tokens = d(load.context);
  const double arithmetic = prompt_flop(s, tokens) / (prefill_share(s, f, t, c) * *t.flop_per_s);
  // A prompt cannot pass without the weights being read once.
  const double reading = t.bandwidth_bytes_per_s
                             ? weight_bytes_read(s, f, load.context) / *t.bandwidth_bytes_per_s
                             : 0;
  double value = tokens / std::max(arithmetic, reading);
  Band band{.low = c.prefill_low, .high = c.prefill_high};
  if (!version_known) {
    const Band wide = unknown_version_band();
    band = {.low = std::min(band.low, wide.low), .high = std::max(band.high, wide.high)};
  }
  Range range{.value = value, .low = value * band.low, .high = value * band.high};
  if (t.neural_accelerators && c.accelerator_low && c.accelerator_high) {
    range.high = value * *c.accelerator_high * std::max(1.0, c.prefill_high);
    range.value = value * *c.accelerator_low;
    speed.notes.push_back(
        "Prefill uses the GPU's neural accelerators where MLX and macOS (26.2 or later) have them; "
        "the "
        "low end is without.");
  }
  speed.prefill = range;
}

}  // namespace

namespace {

/// Launching the kernels of a layer took PyTorch up to 0.49 ms and MLX 0.13 ms on the two NVIDIA
/// hosts that were measured (docs/fit.md), however small the layer is.
constexpr double kMostLaunch_s = 0.5e-3;

/// Launches vary by half from process to process: a pass that takes less than so many times as long
/// may be launches for the most part, and one beyond the second is work.
constexpr double kMaybeLaunches = 1.5, kSurelyWork = 5;

void lower_by_launches(std::optional<Range>& range, double tokens, double layers) {
  if (range) range->low = tokens / (tokens / range->low + layers * kMostLaunch_s);
}

/// `range` as `c` corrects it by `rate`. A pass through `layers` layers gives `tokens` tokens.
void correct(std::optional<Range>& range, const Correction& c, double rate, double tokens,
             double layers, bool wide) {
  if (!range) return;
  const double work_s = tokens / (range->value * rate), launches_s = layers * c.layer_s;
  const double value = tokens / std::max(work_s, launches_s);
  const bool launched = kMaybeLaunches * launches_s > work_s;
  range = Range{.value = value,
                .low = value * (wide || launched ? kWideLow : kCorrectedLow),
                .high = value * (wide || launched ? kWideHigh : kCorrectedHigh)};
}

}  // namespace

void set_speeds(Correction& correction, const std::optional<Pass>& decode,
                const std::optional<Pass>& prefill, const Least& least, double layers,
                bool on_gpu) {
  if (decode) {
    const double rate = decode->predicted_s / decode->measured_s;
    if (on_gpu && rate < least.decode)
      correction.layer_s = decode->measured_s / layers;
    else
      correction.decode_rate = rate;
  }
  if (!prefill) return;
  correction.prefill_rate = prefill->predicted_s / prefill->measured_s;
  if (prefill->measured_s < kSurelyWork * layers * correction.layer_s)
    correction.prefill_rate = std::max(correction.prefill_rate, least.prefill);
}

Speed predict_speed(const model::ModelShape& s, const Format& f, const Load& load,
                    const Target& target, const RuntimeConstants& c, bool version_known) {
  Target t = target;
  // What was measured of steps goes with the bandwidths of the same run.
  if (corrected_step(f, c) != nullptr) t.bandwidths = c.correction->bandwidths;
  Speed speed;
  // A range of its own, not of a version.
  const bool narrow = version_known || !are_own(c) || c.device == "cuda";
  if (t.bandwidth_bytes_per_s)
    predict_decode(speed, s, f, load, t, c, narrow);
  else
    speed.notes.push_back(
        "This machine's memory bandwidth is not known, so decode is not predicted; mlbench run "
        "--memory-only measures it.");
  if (t.flop_per_s)
    predict_prefill(speed, s, f, load, t, c, narrow);
  else
    speed.notes.push_back(
        "This machine's FLOP/s are not known, so prefill is not predicted; mlbench run measures "
        "them.");
  if (t.kind == Target::Kind::cuda && !are_own(c)) {
    lower_by_launches(speed.decode, d(load.batch), d(s.layers));
    lower_by_launches(speed.prefill, d(load.context), d(s.layers));
  }
  if (speed_is_corrected(c, f.name)) {
    const Correction& measured = *c.correction;
    // Of rates without rows one model says less: they go with the sizes of its matrices.
    const bool wide = !are_own(c);
    if (!measured.step)
      correct(speed.decode, measured, measured.decode_rate, d(load.batch), d(s.layers), wide);
    correct(speed.prefill, measured, measured.prefill_rate, d(load.context), d(s.layers), wide);
  }
  return speed;
}

}  // namespace mlbench::fit
