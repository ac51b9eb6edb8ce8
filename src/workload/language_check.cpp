#include "model/reference_ops.hpp"
#include "workload/check.hpp"
#include "workload/input.hpp"
#include "workload/language.hpp"

#include <algorithm>
#include <cmath>

namespace mlbench::workload {
namespace {

using model::Decoder;
using model::ReferenceOps;

constexpr double kReferenceFlop = 4e10;
/// Of the small model whose output error stands for that of large ones.
constexpr std::int64_t kSmallDepth = 64, kSmallTokens = 4;

double rms(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
}

/// How far two computations of the same decoder may lie apart, as a share of the output's size.
/// Each layer rounds its results a few times to unit round-off u, independently, so the error
/// grows with the square root of the layers; 8 covers the roundings of a layer, and 16 those with
/// packed weights: a kernel that unpacks them in 16 bits rounds scale·q and its sum with the
/// offset, both larger than the weight. Some add up in 16 bits too (MLX on x86, where its decoding
/// steps were 0.18 to 0.21 off with 8 layers of 512, and PyTorch's 0.02): n roundings that go
/// either way are off by their square root. Float32 sums of thousands of products lose more than u:
/// there, 5e-5 as against transformers.
///
/// A mixture of experts is not continuous: where two experts are nearly level, rounding decides
/// which is asked, and both answers are right. In 16 bits only an answer that has little to do with
/// the reference can be told from that (one unrelated to it would be sqrt(2) away).
double tolerance_share(DType dtype, const LanguageCase& l) {
  const auto& spec = *l.spec;
  if (spec.shape.is_mixture() && dtype != DType::float32) return 0.9;
  const auto root = [](std::int64_t n) { return std::sqrt(static_cast<double>(n)); };
  const double roundings = l.packed ? std::max(16.0, root(spec.shape.hidden)) : 8;
  return std::clamp(roundings * unit_roundoff(dtype) * root(spec.shape.layers), 5e-5, 0.9);
}

/// The same decoder in double precision.
Result<std::vector<double>> reference(const LanguageCase& l, const Case& c, std::uint64_t seed) {
  auto weights = weights_of(l, c.dtype, seed);
  if (!weights) return weights.error();
  ReferenceOps ops;
  auto decoder = Decoder<ReferenceOps>::load(ops, *l.spec, **weights, l.context());
  if (!decoder) return decoder.error();
  auto caches = decoder->make_caches(l.batch);
  if (l.block) {
    const auto x = to_double(
        input_bytes(seed, 0, l.batch * l.tokens * l.spec->shape.hidden, c.dtype), c.dtype);
    auto y = decoder->blocks({{l.batch, l.tokens, l.spec->shape.hidden}, x}, l.tokens, 0, caches);
    return std::move(y.values);
  }
  for (std::size_t i = 0; i < caches.size() && l.position > 0; ++i) {
    const auto fill = [&](CachePart part) {
      const auto content =
          cache_content(l, seed, static_cast<std::int64_t>(i), part, decoder->capacity(i), c.dtype);
      const auto floats = model::to_floats(content);
      return ReferenceOps::Tensor{content.shape, {floats.begin(), floats.end()}};
    };
    ReferenceOps::write(caches[i], 0, fill(CachePart::keys), fill(CachePart::values));
  }
  std::vector<std::int32_t> ids;
  for (std::int64_t b = 0; b < l.batch; ++b) {
    for (std::int64_t t = 0; t < l.tokens; ++t) ids.push_back(token_of(l, seed, b, l.position + t));
  }
  auto y = decoder->forward(ReferenceOps::ids(l.batch, ids), l.tokens, l.position, caches,
                            model::Logits::last);
  return std::move(y.values);
}

class LanguageChecker final : public Checker {
 public:
  LanguageChecker(const Case& c, std::uint64_t seed) : case_(c), seed_(seed) {}

  CheckResult check(const TensorData& output) override {
    const LanguageCase l = language_case(case_);
    if (auto wrong = check_form(output_of(case_), output)) return *wrong;
    const auto actual = to_double(output.bytes, output.dtype);
    if (expected_.empty() && !prepare(l))
      return {.ok = false, .method = {}, .max_error = 0, .tolerance = 0, .detail = trouble_};
    if (expected_.empty()) return adopt(actual);
    ErrorTracker tracker(method_);
    const auto [low, high] = std::minmax_element(expected_.begin(), expected_.end());
    const double share = tolerance_share(case_.dtype, l);
    std::vector<double> differences;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      differences.push_back(actual[i] - expected_[i]);
      tracker.compare(actual[i], expected_[i], share * (*high - *low),
                      static_cast<std::int64_t>(i));
    }
    // Sharper than any single number: the error of all of them together.
    tracker.compare(rms(differences), 0, share * rms(expected_), 0);
    return with_output_error(tracker.result());
  }

 private:
  /// Computes what is expected, where that is quick enough. False: it cannot be computed.
  bool prepare(const LanguageCase& l) {
    if (tried_) return trouble_.empty();
    tried_ = true;
    method_ = "against the first framework's answer (too large for a float64 reference)";
    if (work_of(case_).flop > kReferenceFlop) return true;
    auto values = reference(l, case_, seed_);
    if (!values) {
      trouble_ = "no reference: " + values.error().message;
      return false;
    }
    expected_ = *std::move(values);
    method_ = "every output against the decoder in float64";
    if (l.quant) output_error_ = quantising_error(l, case_, expected_), measured_ = case_.id;
    return true;
  }

  /// Of a case that is too large for a reference: what quantising does to a small model.
  void measure_small_model(const LanguageCase& l) {
    Json params = {{"model", model::kSmallModel}, {"batch", 1}, {"quant", case_.params["quant"]}};
    if (l.decodes)
      params["depth"] = kSmallDepth, params["tokens"] = kSmallTokens;
    else
      params["prompt"] = kSmallDepth;
    const auto small = make_case(case_.workload, case_.dtype, params);
    if (!small) return;
    const auto quantised = reference(language_case(*small), *small, seed_);
    if (!quantised) return;
    output_error_ = quantising_error(language_case(*small), *small, *quantised);
    measured_ = small->id;
  }

  [[nodiscard]] std::optional<double> quantising_error(LanguageCase l, const Case& c,
                                                       const std::vector<double>& quantised) const {
    l.quant.reset();
    const auto dense = reference(l, c, seed_);
    if (!dense) return std::nullopt;
    std::vector<double> differences;
    for (std::size_t i = 0; i < dense->size(); ++i)
      differences.push_back(quantised[i] - (*dense)[i]);
    return rms(differences) / rms(*dense);
  }

  [[nodiscard]] CheckResult with_output_error(CheckResult result) const {
    result.output_error = output_error_;
    if (output_error_) result.output_error_of = measured_;
    return result;
  }

  /// The first answer of a case that is too large for a reference.
  CheckResult adopt(const std::vector<double>& actual) {
    CheckResult result{.ok = true, .method = method_, .max_error = 0, .tolerance = 0, .detail = {}};
    const bool finite =
        std::all_of(actual.begin(), actual.end(), [](double v) { return std::isfinite(v); });
    const auto [low, high] = std::minmax_element(actual.begin(), actual.end());
    if (!finite || !(*high > *low)) {
      result.ok = false;
      result.detail = finite ? "all outputs are equal" : "an output is not finite";
      return result;
    }
    result.method = "finite and not flat; the other frameworks are compared with it";
    expected_ = actual;
    if (language_case(case_).quant) measure_small_model(language_case(case_));
    return with_output_error(result);
  }

  Case case_;
  std::uint64_t seed_;
  bool tried_ = false;
  std::string method_, trouble_;
  std::optional<double> output_error_;
  std::string measured_;  ///< The case of `output_error_`.
  std::vector<double> expected_;
};

}  // namespace

Result<std::vector<double>> language_reference(const Case& c, std::uint64_t seed) {
  return reference(language_case(c), c, seed);
}

std::unique_ptr<Checker> Language::make_checker(const Case& c, std::uint64_t seed) const {
  return std::make_unique<LanguageChecker>(c, seed);
}

}  // namespace mlbench::workload
