#include "fit/step.hpp"

#include "fit/test_files.hpp"
#include "model/maths.hpp"

#include <cmath>

using namespace mlbench;
using namespace mlbench::fit;

namespace {

/// A machine that reads at 60 GB/s out of its last cache, and at 30 GB/s beyond it.
Target machine_with_a_cache() {
  Target t;
  t.bandwidth_bytes_per_s = 30e9;
  t.bandwidths = {{64e6, 60e9}, {128e6, 60e9}, {512e6, 30e9}};
  return t;
}

Format float32() {
  return {.name = "float32", .bits = 32};
}

model::ModelShape shape_of(const char* model) {
  return model::spec_of(model)->shape;
}

StepParts parts(const char* model, std::int64_t depth) {
  return parts_of_step(shape_of(model), float32(), {.context = depth}, machine_with_a_cache());
}

}  // namespace

TEST_CASE("bandwidth goes with the working set, between the sizes that were measured") {
  auto t = machine_with_a_cache();
  CHECK(bandwidth_over(t, 1e6) == doctest::Approx(60e9));
  CHECK(bandwidth_over(t, 100e6) == doctest::Approx(60e9));
  CHECK(bandwidth_over(t, 256e6) == doctest::Approx(std::sqrt(60e9 * 30e9)));
  CHECK(bandwidth_over(t, 4e9) == doctest::Approx(30e9));
  t.bandwidths.clear();
  CHECK(bandwidth_over(t, 1e6) == doctest::Approx(30e9));
}

TEST_CASE("a model that a cache holds is read at the cache's rate") {
  const auto small = parts(model::kSmallModel, 1), medium = parts(model::kMediumModel, 1);
  const auto rate = [](const char* model, const StepParts& p) {
    return weight_bytes_read(shape_of(model), float32(), 1) / p.weights_s;
  };
  CHECK(rate(model::kSmallModel, small) == doctest::Approx(60e9).epsilon(0.01));
  CHECK(rate(model::kMediumModel, medium) < 40e9);
  CHECK(small.layers == 8);
}

TEST_CASE("steps of two models and two depths give back the constants that made them") {
  const StepConstants truth{.layer_s = 4e-4, .bandwidth_share = 0.85, .kv_share = 0.3};
  std::vector<MeasuredStep> steps;
  for (const auto& p : {parts(model::kMediumModel, 128), parts(model::kMediumModel, 8192),
                        parts(model::kSmallModel, 128)})
    steps.push_back({p, seconds_of(p, truth)});
  const auto found = most_likely(steps);
  CHECK(found.layer_s == doctest::Approx(truth.layer_s).epsilon(0.1));
  CHECK(found.bandwidth_share == doctest::Approx(truth.bandwidth_share).epsilon(0.1));
  CHECK(found.kv_share == doctest::Approx(truth.kv_share).epsilon(0.1));
  // What they say of a third is nearer still.
  const auto third = parts(model::kMediumModel, 2048);
  CHECK(seconds_of(third, found) == doctest::Approx(seconds_of(third, truth)).epsilon(0.02));
}

TEST_CASE("one model alone leaves its bandwidth near what is usual, and explains its own time") {
  const auto p = parts(model::kSmallModel, 128);
  const auto found = most_likely({{p, 0.010}});
  CHECK(found.bandwidth_share == doctest::Approx(1).epsilon(0.2));
  CHECK(found.layer_s > 8e-4);
  CHECK(seconds_of(p, found) == doctest::Approx(0.010).epsilon(0.03));
}

TEST_CASE("without a measured step the constants are what is usual") {
  const auto found = most_likely({});
  CHECK(found.layer_s == doctest::Approx(1e-4));
  CHECK(found.bandwidth_share == doctest::Approx(1));
}

TEST_CASE("on a CPU, measured steps take the place of the constants, for their kind of weights") {
  Target t = machine_with_a_cache();
  RuntimeConstants c;
  const Load load{.context = 128};
  const auto shape = shape_of(model::kMediumModel);
  const auto plain = predict_speed(shape, float32(), load, t, c, false);
  Correction measured;
  measured.format = "float32", measured.bandwidths = t.bandwidths;
  measured.step = StepConstants{.layer_s = 1e-3, .bandwidth_share = 0.9, .kv_share = 0.5};
  c.correction = measured;
  t.bandwidths.clear();  // those of the run that was measured count, not of another
  const auto corrected = predict_speed(shape, float32(), load, t, c, false);
  const double step_s = seconds_of(parts(model::kMediumModel, 128), *measured.step);
  CHECK(corrected.decode->value == doctest::Approx(1 / step_s));
  CHECK(corrected.decode->low == doctest::Approx(kStepLow / step_s));
  CHECK(corrected.decode->high == doctest::Approx(kStepHigh / step_s));
  CHECK(corrected.decode->value < plain.decode->value / 1.5);
  c.correction->format = "4bit";
  t.bandwidths = measured.bandwidths;
  const auto other = predict_speed(shape, float32(), load, t, c, false);
  CHECK(other.decode->value == doctest::Approx(plain.decode->value));
}
