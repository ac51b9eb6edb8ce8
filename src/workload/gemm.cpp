#include "workload/gemm.hpp"

#include "workload/check.hpp"
#include "workload/family.hpp"
#include "workload/input.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace mlbench::workload {
namespace {

constexpr std::int64_t kMaxDimension = std::int64_t{1} << 20;
constexpr std::int64_t kFullReferenceLimit = std::int64_t{1024} * 1024 * 1024;  // m·n·k
constexpr int kSampledDots = 256;
constexpr std::uint32_t kStreamX = 0, kStreamW = 1, kStreamSigns = 2, kStreamPlaces = 3;

// Inputs are uniform in [-1, 1), variance 1/3, so a product has variance 1/9 and a partial sum of
// length j a standard deviation of sqrt(j)/3. Rounding each of k partial sums to unit round-off u
// gives an error with standard deviation u·k/(3·sqrt(2))·(1/sqrt(3)) < u·k/4 for any order of
// summation (N. Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 4.2). Eight
// of these over millions of elements are not reached by chance; a product computed in fewer bits is
// far outside. Accumulation is taken to be in float32 or wider, as every framework promises for
// these dtypes.
double accumulation_tolerance(std::int64_t k, DType dtype) {
  const double u = std::min(unit_roundoff(DType::float32), unit_roundoff(dtype));
  return 8 * u * static_cast<double>(k) / 4;
}

double element_tolerance(double expected, std::int64_t k, DType dtype) {
  return 2 * unit_roundoff(dtype) * std::abs(expected) + accumulation_tolerance(k, dtype);
}

class FullChecker final : public Checker {
 public:
  FullChecker(TensorSpec output, Gemm::Shape shape, std::uint64_t seed)
      : output_(std::move(output)), shape_(shape) {
    const auto x =
        to_double(input_bytes(seed, kStreamX, shape.m * shape.k, output_.dtype), output_.dtype);
    const auto w =
        to_double(input_bytes(seed, kStreamW, shape.n * shape.k, output_.dtype), output_.dtype);
    reference_ = product(x, w);
  }

  CheckResult check(const TensorData& output) override {
    if (auto wrong = check_form(output_, output)) return *wrong;
    const auto actual = to_double(output.bytes, output.dtype);
    ErrorTracker tracker("every element against float64");
    for (std::size_t i = 0; i < actual.size(); ++i) {
      tracker.compare(actual[i], reference_[i],
                      element_tolerance(reference_[i], shape_.k, output_.dtype),
                      static_cast<std::int64_t>(i));
    }
    return tracker.result();
  }

 private:
  /// Rank-1 updates over a transposed copy of W, so that the inner loop is contiguous and
  /// vectorises.
  [[nodiscard]] std::vector<double> product(const std::vector<double>& x,
                                            const std::vector<double>& w) const {
    const auto m = static_cast<std::size_t>(shape_.m), n = static_cast<std::size_t>(shape_.n),
               k = static_cast<std::size_t>(shape_.k);
    std::vector<double> wt(k * n);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t p = 0; p < k; ++p) wt[p * n + j] = w[j * k + p];
    }
    std::vector<double> y(m * n, 0.0);
    constexpr std::size_t kRows = 64;  // W's block of 64 rows stays in cache for all m rows of x
    for (std::size_t p0 = 0; p0 < k; p0 += kRows) {
      const std::size_t p1 = std::min(k, p0 + kRows);
      for (std::size_t i = 0; i < m; ++i) {
        double* row = y.data() + i * n;
        for (std::size_t p = p0; p < p1; ++p) {
          const double scale = x[i * k + p];
          const double* wrow = wt.data() + p * n;
          for (std::size_t j = 0; j < n; ++j) row[j] += scale * wrow[j];
        }
      }
    }
    return y;
  }

  TensorSpec output_;
  Gemm::Shape shape_;
  std::vector<double> reference_;
};

/// Freivalds: with random signs r, y·r must equal x·(Wᵀ·r). One pass over each matrix instead of a
/// product. Errors of n elements add up in y·r, so its tolerance is that of one element times
/// sqrt(n): it finds broad or large errors; the dot products find small ones.
class SampledChecker final : public Checker {
 public:
  SampledChecker(TensorSpec output, Gemm::Shape shape, std::uint64_t seed)
      : output_(std::move(output)), shape_(shape) {
    const DType dtype = output_.dtype;
    const auto n = static_cast<std::size_t>(shape.n), k = static_cast<std::size_t>(shape.k);
    signs_.resize(n);
    for (std::size_t j = 0; j < n; ++j) signs_[j] = input_value(seed, kStreamSigns, j) < 0 ? -1 : 1;

    const auto x = input_bytes(seed, kStreamX, shape.m * shape.k, dtype);
    const auto w = input_bytes(seed, kStreamW, shape.n * shape.k, dtype);
    std::vector<double> signed_sum(k, 0.0);  // Wᵀ·r
    for (std::size_t j = 0; j < n; ++j) {
      const auto row = row_of(w, j, k, dtype);
      for (std::size_t p = 0; p < k; ++p) signed_sum[p] += signs_[j] * row[p];
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.m); ++i) {
      row_sums_.push_back(dot(row_of(x, i, k, dtype), signed_sum));
    }
    for (int s = 0; s < kSampledDots; ++s) {
      const std::size_t i = place(seed, 2 * s, shape.m), j = place(seed, 2 * s + 1, shape.n);
      places_.push_back({i * n + j, dot(row_of(x, i, k, dtype), row_of(w, j, k, dtype))});
    }
  }

  CheckResult check(const TensorData& output) override {
    if (auto wrong = check_form(output_, output)) return *wrong;
    ErrorTracker tracker("Freivalds' check + 256 dot products");
    const auto n = static_cast<std::size_t>(shape_.n);
    const double typical =
        std::sqrt(static_cast<double>(shape_.k)) / 3;  // standard deviation of an element
    const double row_tolerance = 8 * std::sqrt(static_cast<double>(n)) *
                                 (unit_roundoff(output_.dtype) * typical +
                                  accumulation_tolerance(shape_.k, output_.dtype) / 8);
    for (std::size_t i = 0; i < row_sums_.size(); ++i) {
      const double sum = dot(row_of(output.bytes, i, n, output_.dtype), signs_);
      tracker.compare(sum, row_sums_[i], row_tolerance, static_cast<std::int64_t>(i * n));
    }
    for (const auto& [where, expected] : places_) {
      const auto size = static_cast<std::size_t>(size_bytes(output_.dtype));
      const double actual =
          to_double(std::span(output.bytes).subspan(where * size, size), output_.dtype)[0];
      tracker.compare(actual, expected, element_tolerance(expected, shape_.k, output_.dtype),
                      static_cast<std::int64_t>(where));
    }
    return tracker.result();
  }

 private:
  static std::vector<double> row_of(std::span<const std::byte> matrix, std::size_t row,
                                    std::size_t columns, DType dtype) {
    const std::size_t row_bytes = columns * static_cast<std::size_t>(size_bytes(dtype));
    return to_double(matrix.subspan(row * row_bytes, row_bytes), dtype);
  }
  static double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  static std::size_t place(std::uint64_t seed, int index, std::int64_t size) {
    const double unit =
        (double{input_value(seed, kStreamPlaces, static_cast<std::uint64_t>(index))} + 1) / 2;
    return static_cast<std::size_t>(unit * static_cast<double>(size));
  }

  TensorSpec output_;
  Gemm::Shape shape_;
  std::vector<double> signs_, row_sums_;
  std::vector<std::pair<std::size_t, double>> places_;
};

}  // namespace

Gemm::Shape Gemm::shape(const Case& c) {
  return {c.params.at("m").get<std::int64_t>(), c.params.at("n").get<std::int64_t>(),
          c.params.at("k").get<std::int64_t>()};
}

Status Gemm::validate(const Case& c) const {
  constexpr std::array kNames = {"m", "n", "k"};
  for (const char* name : kNames) {
    const auto value = get_int(c.params, name);
    if (!value) return fail(ErrorKind::usage, value.error().message);
    if (*value < 1 || *value > kMaxDimension) {
      return fail(ErrorKind::usage,
                  std::string(name) + " must be between 1 and " + std::to_string(kMaxDimension));
    }
  }
  if (c.params.size() != kNames.size())
    return fail(ErrorKind::usage, "takes the parameters m, n and k only");
  return Done{};
}

std::string Gemm::shape_id(const Case& c) const {
  const auto [m, n, k] = shape(c);
  if (m == n && n == k) return std::to_string(n);
  return "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
}

std::string Gemm::label(const Case& c) const {
  const auto [m, n, k] = shape(c);
  const std::string name = "GEMM " + std::string(name_of(c.dtype)) + " ";
  if (m == n && n == k) return name + std::to_string(n);
  return name + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
}

Work Gemm::work(const Case& c) const {
  const auto [m, n, k] = shape(c);
  const auto md = static_cast<double>(m), nd = static_cast<double>(n), kd = static_cast<double>(k);
  return {.flop = 2 * md * nd * kd,
          .bytes = (md * kd + nd * kd + md * nd) * static_cast<double>(size_bytes(c.dtype)),
          .unit = RateUnit::flop_per_s};
}

std::vector<TensorSpec> Gemm::inputs(const Case& c) const {
  const auto [m, n, k] = shape(c);
  return {{.name = "x", .shape = {m, k}, .dtype = c.dtype, .stream = kStreamX},
          {.name = "w", .shape = {n, k}, .dtype = c.dtype, .stream = kStreamW}};
}

TensorSpec Gemm::output(const Case& c) const {
  const auto [m, n, k] = shape(c);
  return {.name = "y", .shape = {m, n}, .dtype = c.dtype, .stream = 0};
}

std::unique_ptr<Checker> Gemm::make_checker(const Case& c, std::uint64_t seed) const {
  const Shape s = shape(c);
  if (s.m * s.n <= kFullReferenceLimit / s.k)
    return std::make_unique<FullChecker>(output(c), s, seed);
  return std::make_unique<SampledChecker>(output(c), s, seed);
}

/// Squares of each dtype, then the layers of LLMs. Headline cases are in float32 and in the
/// half-precision dtype that models are stored in.
std::vector<Family> Gemm::families(const Catalogue& catalogue) const {
  const auto params = [](const Shape& s) { return Json{{"m", s.m}, {"n", s.n}, {"k", s.k}}; };
  const auto is_half_headline = [&](DType dtype) {
    return dtype == DType::bfloat16 || dtype == catalogue.dtypes.back();
  };
  std::vector<Family> families;
  for (const DType dtype : catalogue.dtypes) {
    auto& squares = families.emplace_back();
    squares.name = "gemm " + std::string(name_of(dtype));
    const bool is_headline = dtype == DType::float32 || is_half_headline(dtype);
    squares.share = {.quick = is_headline ? 1 : 0, .standard = is_headline ? 2 : 1};
    for (const auto n : catalogue.gemm_sizes) add_case(squares, name(), dtype, params({n, n, n}));
  }
  for (const DType dtype : catalogue.dtypes) {
    auto& layers = families.emplace_back();
    layers.name = "gemm of LLM layers " + std::string(name_of(dtype));
    const int of_others = dtype == DType::float32 ? 1 : 0;
    layers.share = {.quick = 0, .standard = is_half_headline(dtype) ? 2 : of_others};
    layers.largest = false;
    for (const auto& s : catalogue.gemm_shapes) add_case(layers, name(), dtype, params(s));
  }
  if (!catalogue.thorough || catalogue.dtypes.empty()) return families;
  auto& independent = families.emplace_back();
  independent.name = "gemm, independent";
  for (const auto n : catalogue.gemm_sizes) {
    constexpr std::int64_t kMost = 512;  // larger ones fill every device by themselves
    if (n > kMost) continue;
    if (auto c = make_case(name(), catalogue.dtypes.front(), params({n, n, n}),
                           {.independent = true, .cold_bytes = 0}))
      independent.candidates.push_back(*std::move(c));
  }
  return families;
}

}  // namespace mlbench::workload
