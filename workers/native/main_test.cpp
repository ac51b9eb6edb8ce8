#include "kit/openblas_kernels.hpp"
#include "native/blas.hpp"

#include <cfloat>  // doctest 2.4.9 uses DBL_EPSILON without it (libc++).

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

/// As the worker starts: OpenBLAS 0.3.21's choice for a CPU newer than itself crashed in dgemm.
int main(int argc, char** argv) {
  mlbench::kit::insist_on_openblas_kernels(mlbench::native::Blas::core_of_first());
  return doctest::Context(argc, argv).run();
}
