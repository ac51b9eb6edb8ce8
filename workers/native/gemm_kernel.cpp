#include "native/inputs.hpp"
#include "native/kernels.hpp"
#include "native/trial.hpp"
#include "workload/gemm.hpp"

#include <functional>
#include <utility>

namespace mlbench::native {
namespace {

using workload::DType;
using workload::Gemm;

constexpr double kTrialBudget_s = 0.1;

struct Shape {
  int m, n, k;
};

class GemmKernel final : public kit::Kernel {
 public:
  GemmKernel(const workload::Case& c, ThreadPool& pool, std::uint64_t seed)
      : spec_(workload::output_of(c)), pool_(pool) {
    const auto [m, n, k] = Gemm::shape(c);
    shape_ = {static_cast<int>(m), static_cast<int>(n), static_cast<int>(k)};
    const auto inputs = workload::inputs_of(c);
    x_ = make_input(pool, inputs[0], seed);
    w_ = make_input(pool, inputs[1], seed);
    y_ = make_output(pool, spec_);
  }

  /// Keeps the fastest of `candidates`.
  void choose(std::vector<Candidate> candidates) {
    const std::size_t winner = fastest(candidates, kTrialBudget_s);
    if (candidates.size() > 1) {
      // What the trial wrote must not pass for the result of a call.
      y_ = Buffer();
      y_ = make_output(pool_, spec_);
    }
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (i != winner) notes_.push_back("faster here than " + candidates[i].name);
    }
    chosen_ = std::move(candidates[winner]);
  }

  void run(int calls) override {
    for (int i = 0; i < calls; ++i) chosen_.call();
  }

  workload::TensorData output() override {
    workload::TensorData data{.shape = spec_.shape, .dtype = spec_.dtype, .bytes = {}};
    const auto* const bytes = y_.as<std::byte>();
    data.bytes.assign(bytes, bytes + spec_.bytes());
    return data;
  }

  [[nodiscard]] protocol::Prepared facts() const override {
    return {.kernel = chosen_.name, .notes = notes_};
  }

  [[nodiscard]] Shape shape() const { return shape_; }
  template <class T>
  [[nodiscard]] const T* x() {
    return x_.as<T>();
  }
  template <class T>
  [[nodiscard]] const T* w() {
    return w_.as<T>();
  }
  template <class T>
  [[nodiscard]] T* y() {
    return y_.as<T>();
  }

 private:
  workload::TensorSpec spec_;
  ThreadPool& pool_;
  Shape shape_{};
  Buffer x_, w_, y_;
  Candidate chosen_;
  std::vector<std::string> notes_;
};

std::string named(const char* function, const Blas& blas) {
  return std::string(function) + " of " + blas.library();
}

// The kernel outlives its candidates' calls: it owns them.
std::vector<Candidate> float32_candidates(GemmKernel& kernel, const Blas& blas) {
  const auto [m, n, k] = kernel.shape();
  std::vector<Candidate> candidates = {{named("cblas_sgemm", blas), [&kernel, &blas, m, n, k] {
                                          blas.gemm(m, n, k, kernel.x<float>(), kernel.w<float>(),
                                                    kernel.y<float>());
                                        }}};
  if (m == 1) {
    candidates.push_back({named("cblas_sgemv", blas), [&kernel, &blas, n, k] {
                            blas.gemv(n, k, kernel.w<float>(), kernel.x<float>(),
                                      kernel.y<float>());
                          }});
  }
  return candidates;
}

std::vector<Candidate> float64_candidates(GemmKernel& kernel, const Blas& blas) {
  const auto [m, n, k] = kernel.shape();
  return {{named("cblas_dgemm", blas), [&kernel, &blas, m, n, k] {
             blas.gemm(m, n, k, kernel.x<double>(), kernel.w<double>(), kernel.y<double>());
           }}};
}

}  // namespace

Result<std::unique_ptr<kit::Kernel>> make_gemm_kernel(const workload::Case& c, ThreadPool& pool,
                                                      const Result<Blas>& blas,
                                                      std::uint64_t seed) {
  if (c.dtype != DType::float32 && c.dtype != DType::float64) {
    const std::string dtype(workload::name_of(c.dtype));
    return fail(ErrorKind::unsupported,
                "native has no " + dtype + " kernel: a BLAS knows float32 and float64 only");
  }
  if (!blas) return blas.error();
  require_memory(static_cast<double>(workload::memory_bytes_of(c)));
  auto kernel = std::make_unique<GemmKernel>(c, pool, seed);
  kernel->choose(c.dtype == DType::float32 ? float32_candidates(*kernel, *blas)
                                           : float64_candidates(*kernel, *blas));
  return Result<std::unique_ptr<kit::Kernel>>(std::move(kernel));
}

}  // namespace mlbench::native
