#include "core/text.hpp"
#include "native/inputs.hpp"
#include "native/kernels.hpp"
#include "native/products.hpp"
#include "native/trial.hpp"
#include "workload/gemm.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace mlbench::native {
namespace {

using workload::DType;

constexpr double kTrialBudget_s = 0.2;
/// A trial computes no more rows of y than this work allows, per thread.
constexpr double kTrialFlop = 2e9;
/// Up to so many rows, w is read about once and the row loops can win.
constexpr std::size_t kFewRows = 32;
/// Up to so many, packing w costs more than multiplying by it.
constexpr std::size_t kVeryFewRows = 8;

/// One way to compute the first `rows` rows of y.
struct Way {
  std::string name;
  std::function<void(std::size_t rows)> multiply;
};

class GemmKernel final : public kit::Kernel {
 public:
  GemmKernel(const workload::Case& c, ThreadPool& pool, const Blas* blas, std::uint64_t seed)
      : spec_(workload::output_of(c)), pool_(pool) {
    const auto inputs = workload::inputs_of(c);
    x_ = make_input(pool, inputs[0], seed);
    w_ = make_input(pool, inputs[1], seed);
    y_ = make_output(pool, spec_);
    product_ = {.m = static_cast<std::size_t>(inputs[0].shape[0]),
                .n = static_cast<std::size_t>(inputs[1].shape[0]),
                .k = static_cast<std::size_t>(inputs[0].shape[1]),
                .x = x_.as<void>(),
                .w = w_.as<void>(),
                .y = y_.as<void>()};
    choose(ways(blas));
  }

  void run(int calls) override {
    for (int i = 0; i < calls; ++i) way_.multiply(product_.m);
  }

  workload::TensorData output() override {
    workload::TensorData data{.shape = spec_.shape, .dtype = spec_.dtype, .bytes = {}};
    const auto* const bytes = y_.as<std::byte>();
    data.bytes.assign(bytes, bytes + spec_.bytes());
    return data;
  }

  [[nodiscard]] protocol::Prepared facts() const override {
    return {.kernel = way_.name, .notes = notes_};
  }

 private:
  /// Only ways that can win, so that noise cannot choose a hopeless one.
  std::vector<Way> ways(const Blas* blas) {
    std::vector<Way> all;
    if (blas != nullptr) add_blas(*blas, all);
    if (product_.m > kVeryFewRows) add_packed(all);
    if (product_.m <= kFewRows || all.empty()) add_rows(all);
    return all;
  }

  void add_blas(const Blas& blas, std::vector<Way>& all) {
    const int n = static_cast<int>(product_.n), k = static_cast<int>(product_.k);
    const std::string of = " of " + blas.library();
    if (spec_.dtype == DType::float32) {
      const auto *x = x_.as<float>(), *w = w_.as<float>();
      auto* const y = y_.as<float>();
      if (product_.m == 1) {
        all.push_back({"cblas_sgemv" + of, [=, &blas](std::size_t) { blas.gemv(n, k, w, x, y); }});
        return;
      }
      all.push_back({"cblas_sgemm" + of, [=, &blas](std::size_t rows) {
                       blas.gemm(static_cast<int>(rows), n, k, x, w, y);
                     }});
    } else if (spec_.dtype == DType::float64) {
      const auto *x = x_.as<double>(), *w = w_.as<double>();
      auto* const y = y_.as<double>();
      all.push_back({"cblas_dgemm" + of, [=, &blas](std::size_t rows) {
                       blas.gemm(static_cast<int>(rows), n, k, x, w, y);
                     }});
    }
  }

  void add_packed(std::vector<Way>& all) {
    for (const auto& loops : packed_loops(spec_.dtype)) {
      auto packed = std::make_shared<PackedProduct>(loops, pool_);
      all.push_back(
          {loops.name, [this, packed](std::size_t rows) { packed->multiply(first_rows(rows)); }});
    }
  }

  void add_rows(std::vector<Way>& all) {
    const auto found = row_loops(spec_.dtype);
    if (found.empty()) return;
    all.push_back({found.front().name, [this, loops = found.front()](std::size_t rows) {
                     multiply_rows(loops, pool_, first_rows(rows));
                   }});
  }

  [[nodiscard]] Product first_rows(std::size_t rows) const {
    Product product = product_;
    product.m = rows;
    return product;
  }

  void choose(std::vector<Way> all) {
    const double row_flop = 2 * static_cast<double>(product_.n) * static_cast<double>(product_.k);
    const double affordable = std::max(1.0, kTrialFlop * pool_.size() / row_flop);
    const auto rows = affordable < static_cast<double>(product_.m)
                          ? static_cast<std::size_t>(affordable)
                          : product_.m;
    std::vector<Candidate> candidates;
    std::vector<std::string> names;
    for (const auto& way : all) {
      candidates.push_back({way.name, [&way, rows] { way.multiply(rows); }});
      names.push_back(way.name);
    }
    way_ = all[fastest(candidates, kTrialBudget_s)];
    if (all.size() == 1) return;
    notes_.push_back("the fastest here of: " + join(names, "; "));
    refill(pool_, spec_, y_);  // the trial's result must not pass for that of a call
  }

  workload::TensorSpec spec_;
  ThreadPool& pool_;
  Buffer x_, w_, y_;
  Product product_;
  Way way_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<std::unique_ptr<kit::Kernel>> make_gemm_kernel(const workload::Case& c, ThreadPool& pool,
                                                      const Result<Blas>& blas,
                                                      std::uint64_t seed) {
  const bool blas_has_it = c.dtype == DType::float32 || c.dtype == DType::float64;
  const bool own_has_it = !row_loops(c.dtype).empty();
  if (!blas_has_it && !own_has_it) {
    return fail(ErrorKind::unsupported, "native has no " + std::string(workload::name_of(c.dtype)) +
                                            " kernel for this CPU (AVX2 or NEON is needed)");
  }
  if (!blas && !own_has_it) return blas.error();
  require_memory(static_cast<double>(workload::memory_bytes_of(c)));
  return Result<std::unique_ptr<kit::Kernel>>(
      std::make_unique<GemmKernel>(c, pool, blas ? &*blas : nullptr, seed));
}

}  // namespace mlbench::native
