#include "kit/openblas_kernels.hpp"

#include <cstdlib>

namespace {

/// As the worker does, the tests have OpenBLAS take kernels that fit this CPU: those that version
/// 0.3.21 chose for a newer CPU crashed in dgemm. It is loaded later, so it need not be asked
/// first.
[[maybe_unused]] const bool g_has_kernels = [] {
  if (const auto kernels = mlbench::kit::better_openblas_kernels("Prescott"))
    setenv("OPENBLAS_CORETYPE", kernels->c_str(), /*replace=*/0);
  return true;
}();

}  // namespace
