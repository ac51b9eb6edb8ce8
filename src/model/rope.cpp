#include "model/maths.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mlbench::model {
namespace {

constexpr double kPi = std::numbers::pi;

double llama3(double frequency, const Rope& r) {
  const double wavelength = 2 * kPi / frequency;
  if (wavelength < r.original_context / r.high_frequency_factor) return frequency;
  if (wavelength > r.original_context / r.low_frequency_factor) return frequency / r.factor;
  const double smooth = (r.original_context / wavelength - r.low_frequency_factor) /
                        (r.high_frequency_factor - r.low_frequency_factor);
  return (1 - smooth) * frequency / r.factor + smooth * frequency;
}

/// The index at which a pair turns `rotations` times over the original context.
double yarn_index(double rotations, double dims, const Rope& r) {
  return dims * std::log(r.original_context / (rotations * 2 * kPi)) / (2 * std::log(r.theta));
}

double yarn(double frequency, double index, double dims, const Rope& r) {
  double low = yarn_index(r.beta_fast, dims, r), high = yarn_index(r.beta_slow, dims, r);
  if (r.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0), high = std::min(high, dims - 1);
  if (low == high) high += 0.001;
  const double ramp = std::clamp((index - low) / (high - low), 0.0, 1.0);
  return frequency / r.factor * ramp + frequency * (1 - ramp);
}

double yarn_scale(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

double attention_factor(const Rope& r) {
  if (r.attention_factor) return *r.attention_factor;
  if (r.scaling == Rope::Scaling::yarn) {
    if (r.mscale.value_or(0) != 0 && r.mscale_all_dim.value_or(0) != 0) {
      return yarn_scale(r.factor, *r.mscale) / yarn_scale(r.factor, *r.mscale_all_dim);
    }
    return yarn_scale(r.factor, 1);
  }
  if (r.scaling == Rope::Scaling::longrope && r.factor > 1) {
    return std::sqrt(1 + std::log(r.factor) / std::log(r.original_context));
  }
  return 1;
}

}  // namespace

RopeTable rope_table(const Rope& r, std::int64_t head_dim, std::int64_t context) {
  RopeTable table;
  table.attention_factor = attention_factor(r);
  const auto dims = static_cast<std::int64_t>(static_cast<double>(head_dim) * r.partial) / 2 * 2;
  const bool is_long = static_cast<double>(context) > r.original_context;
  const auto& lengths = is_long ? r.long_factor : r.short_factor;
  for (std::int64_t i = 0; i < dims / 2; ++i) {
    const double index = static_cast<double>(i), width = static_cast<double>(dims);
    double frequency = std::pow(r.theta, -2 * index / width);
    switch (r.scaling) {
      case Rope::Scaling::none: break;
      case Rope::Scaling::linear: frequency /= r.factor; break;
      case Rope::Scaling::llama3: frequency = llama3(frequency, r); break;
      case Rope::Scaling::yarn: frequency = yarn(frequency, index, width, r); break;
      case Rope::Scaling::longrope:
        if (static_cast<std::size_t>(i) < lengths.size())
          frequency /= lengths[static_cast<std::size_t>(i)];
        break;
    }
    table.inverse_frequencies.push_back(static_cast<float>(frequency));
  }
  return table;
}

}  // namespace mlbench::model
