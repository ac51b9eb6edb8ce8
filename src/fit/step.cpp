#include "fit/step.hpp"

#include <array>
#include <cmath>

namespace mlbench::fit {
namespace {

/// A constant before anything was measured: its logarithm is about normal.
struct Prior {
  double centre, spread;
};

/// A layer takes some 40 operations of 1 to 10 microseconds of the host. Products of a vector and
/// a matrix reach about what plain reading does; what attention reaches is known less.
constexpr std::array<Prior, 3> kPriors = {{{.centre = 1e-4, .spread = 1.5},
                                           {.centre = 1, .spread = 0.3},
                                           {.centre = 0.5, .spread = 0.5}}};
/// Of a measured step.
constexpr double kSpreadOfSteps = 0.05;

using Logs = std::array<double, kPriors.size()>;

StepConstants constants_of(const Logs& logs) {
  return {.layer_s = std::exp(logs[0]),
          .bandwidth_share = std::exp(logs[1]),
          .kv_share = std::exp(logs[2])};
}

/// Twice the negative logarithm of the likelihood.
double doubt(const Logs& logs, const std::vector<MeasuredStep>& steps) {
  double sum = 0;
  for (std::size_t i = 0; i < logs.size(); ++i)
    sum += std::pow((logs[i] - std::log(kPriors[i].centre)) / kPriors[i].spread, 2);
  for (const auto& step : steps) {
    const double ratio = seconds_of(step.parts, constants_of(logs)) / step.measured_s;
    sum += std::pow(std::log(ratio) / kSpreadOfSteps, 2);
  }
  return sum;
}

}  // namespace

std::int64_t kv_element_bytes(const Format& f) {
  return f.name == "float32" ? 4 : 2;
}

StepParts parts_of_step(const model::ModelShape& s, const Format& f, const Load& load,
                        const Target& t) {
  const double weights = weight_bytes_read(s, f, load.batch);
  const double kv = kv_cache_bytes(s, load.batch, load.context, kv_element_bytes(f));
  const double bandwidth = bandwidth_over(t, weights + kv);
  return {.layers = static_cast<double>(s.layers),
          .weights_s = weights / bandwidth,
          .kv_s = kv / bandwidth};
}

double seconds_of(const StepParts& p, const StepConstants& c) {
  return p.layers * c.layer_s + p.weights_s / c.bandwidth_share + p.kv_s / c.kv_share;
}

/// Goes downhill along each constant, with steps that become shorter where none leads down.
StepConstants most_likely(const std::vector<MeasuredStep>& steps) {
  Logs logs{};
  for (std::size_t i = 0; i < logs.size(); ++i) logs[i] = std::log(kPriors[i].centre);
  double least = doubt(logs, steps);
  for (double stride = 1; stride > 1e-4;) {
    bool better = false;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      for (const double change : {stride, -stride}) {
        Logs other = logs;
        other[i] += change;
        const double its = doubt(other, steps);
        if (its < least) least = its, logs = other, better = true;
      }
    }
    if (!better) stride /= 2;
  }
  return constants_of(logs);
}

}  // namespace mlbench::fit
