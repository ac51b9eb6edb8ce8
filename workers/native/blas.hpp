#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::native {

/// The CBLAS functions that the worker uses, of one library; dimensions are 32-bit (LP64).
struct BlasFunctions {
  using Sgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float* a, int lda, const float* b, int ldb, float beta, float* c,
                         int ldc);
  using Dgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                         const double* a, int lda, const double* b, int ldb, double beta, double* c,
                         int ldc);
  using Sgemv = void (*)(int order, int trans, int m, int n, float alpha, const float* a, int lda,
                         const float* x, int incx, float beta, float* y, int incy);
  Sgemm sgemm = nullptr;
  Dgemm dgemm = nullptr;
  Sgemv sgemv = nullptr;
};

/// The BLAS that was found on this machine when the worker started. It stays loaded until the
/// process ends.
class Blas {
 public:
  /// Loads each library of candidates(), and keeps the one that is fastest at a float32 product of
  /// 384 cubed. `threads` is set where the library has a function for it.
  ///
  /// Errors: `unsupported` when there is none, with what to install.
  [[nodiscard]] static Result<Blas> open(int threads);

  /// The kernels that the first library of candidates() that can be loaded chose for this CPU.
  [[nodiscard]] static std::optional<std::string> core_of_first();

  /// y [m, n] = x [m, k] · wᵀ, w [n, k], all row-major.
  void gemm(int m, int n, int k, const float* x, const float* w, float* y) const;
  void gemm(int m, int n, int k, const double* x, const double* w, double* y) const;
  /// y [n] = w [n, k] · x [k].
  void gemv(int n, int k, const float* w, const float* x, float* y) const;

  [[nodiscard]] const std::string& library() const { return library_; }  ///< "OpenBLAS", ...
  [[nodiscard]] const std::string& path() const { return path_; }  ///< Symbolic links resolved.
  [[nodiscard]] const std::optional<std::string>& config() const { return config_; }
  /// The kernels the library chose for this CPU: "Cooperlake".
  [[nodiscard]] const std::optional<std::string>& core() const { return core_; }
  /// As the library tells.
  [[nodiscard]] std::optional<int> threads() const;

 private:
  struct Symbols;

  Blas() = default;
  [[nodiscard]] static std::optional<Blas> load(const std::string& name, int threads);
  void ask(void* handle, int threads);
  [[nodiscard]] double trial_s() const;

  BlasFunctions functions_;
  int (*get_threads_)() = nullptr;
  std::string library_ = "BLAS", path_;
  std::optional<std::string> config_, core_;
};

/// The BLAS libraries that this operating system may have, and what to do when it has none.
struct KnownBlas {
  std::vector<std::string> names;
  std::string cure;
};
[[nodiscard]] KnownBlas known_blas();

/// Names to try with dlopen, in order. MLBENCH_NATIVE_BLAS replaces the list by one name or path.
[[nodiscard]] std::vector<std::string> blas_candidates();

}  // namespace mlbench::native
