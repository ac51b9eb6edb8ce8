#include "core/text.hpp"
#include "kit/memory.hpp"
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

/// One way to compute a product.
struct Way {
  std::string name;
  std::function<void(const Product& product)> multiply;
};

class GemmKernel final : public kit::Kernel {
 public:
  GemmKernel(const workload::Case& c, ThreadPool& pool, const Blas* blas, std::uint64_t seed)
      : spec_(workload::output_of(c)), pool_(pool) {
    const auto inputs = workload::inputs_of(c);
    for (std::int64_t i = 0; i < workload::copies_of(c); ++i) {
      Arrays arrays{.x = make_input(pool, inputs[0], seed),
                    .w = make_input(pool, inputs[1], seed),
                    .y = make_output(pool, spec_),
                    .product = {}};
      arrays.product = {.m = static_cast<std::size_t>(inputs[0].shape[0]),
                        .n = static_cast<std::size_t>(inputs[1].shape[0]),
                        .k = static_cast<std::size_t>(inputs[0].shape[1]),
                        .x = arrays.x.as<void>(),
                        .w = arrays.w.as<void>(),
                        .y = arrays.y.as<void>()};
      copies_.push_back(std::move(arrays));
    }
    choose(ways(blas));
  }

  void run(int calls) override {
    for (int i = 0; i < calls; ++i) way_.multiply(next());
  }

  workload::TensorData output() override {
    workload::TensorData data{.shape = spec_.shape, .dtype = spec_.dtype, .bytes = {}};
    const auto* const bytes = copies_[current_].y.as<std::byte>();
    data.bytes.assign(bytes, bytes + spec_.bytes());
    return data;
  }

  [[nodiscard]] protocol::Prepared facts() const override {
    return {.kernel = way_.name, .notes = notes_};
  }

 private:
  /// What one call reads and writes; several where the case is cold.
  struct Arrays {
    Buffer x, w, y;
    Product product;
  };

  const Product& next() {
    current_ = (current_ + 1) % copies_.size();
    return copies_[current_].product;
  }

  /// Only ways that can win, so that noise cannot choose a hopeless one.
  std::vector<Way> ways(const Blas* blas) {
    std::vector<Way> all;
    if (blas != nullptr) add_blas(*blas, all);
    const std::size_t m = copies_.front().product.m;
    if (m > kVeryFewRows) add_packed(all);
    if (m <= kFewRows || all.empty()) add_rows(all);
    return all;
  }

  void add_blas(const Blas& blas, std::vector<Way>& all) {
    const std::string of = " of " + blas.library();
    const bool one_row = copies_.front().product.m == 1;
    if (spec_.dtype == DType::float32 && one_row) {
      all.push_back({"cblas_sgemv" + of, [&blas](const Product& p) {
                       blas.gemv(static_cast<int>(p.n), static_cast<int>(p.k),
                                 static_cast<const float*>(p.w), static_cast<const float*>(p.x),
                                 static_cast<float*>(p.y));
                     }});
    } else if (spec_.dtype == DType::float32) {
      all.push_back({"cblas_sgemm" + of, [&blas](const Product& p) { gemm<float>(blas, p); }});
    } else if (spec_.dtype == DType::float64) {
      all.push_back({"cblas_dgemm" + of, [&blas](const Product& p) { gemm<double>(blas, p); }});
    }
  }

  template <class T>
  static void gemm(const Blas& blas, const Product& p) {
    blas.gemm(static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k),
              static_cast<const T*>(p.x), static_cast<const T*>(p.w), static_cast<T*>(p.y));
  }

  void add_packed(std::vector<Way>& all) {
    for (const auto& loops : packed_loops(spec_.dtype)) {
      auto packed = std::make_shared<PackedProduct>(loops, pool_);
      all.push_back({loops.name, [packed](const Product& p) { packed->multiply(p); }});
    }
  }

  void add_rows(std::vector<Way>& all) {
    const auto found = row_loops(spec_.dtype);
    if (found.empty()) return;
    all.push_back({found.front().name, [this, loops = found.front()](const Product& p) {
                     multiply_rows(loops, pool_, p);
                   }});
  }

  void choose(std::vector<Way> all) {
    const Product whole = copies_.front().product;
    const double row_flop = 2 * static_cast<double>(whole.n) * static_cast<double>(whole.k);
    const double affordable = std::max(1.0, kTrialFlop * pool_.size() / row_flop);
    const auto rows =
        affordable < static_cast<double>(whole.m) ? static_cast<std::size_t>(affordable) : whole.m;
    std::vector<Candidate> candidates;
    std::vector<std::string> names;
    for (const auto& way : all) {
      candidates.push_back({way.name, [this, &way, rows] {
                              Product first_rows = next();  // as in a run: cold cases tried cold
                              first_rows.m = rows;
                              way.multiply(first_rows);
                            }});
      names.push_back(way.name);
    }
    way_ = all[fastest(candidates, kTrialBudget_s)];
    if (all.size() == 1) return;
    notes_.push_back("the fastest here of: " + join(names, "; "));
    for (auto& arrays : copies_) {  // the trial's result must not pass for that of a call
      refill(pool_, spec_, arrays.y);
    }
  }

  workload::TensorSpec spec_;
  ThreadPool& pool_;
  std::vector<Arrays> copies_;
  std::size_t current_ = 0;
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
  kit::require_memory(workload::memory_bytes_of(c), kit::available_memory_bytes());
  return Result<std::unique_ptr<kit::Kernel>>(
      std::make_unique<GemmKernel>(c, pool, blas ? &*blas : nullptr, seed));
}

}  // namespace mlbench::native
