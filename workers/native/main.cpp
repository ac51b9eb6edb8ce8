#include "kit/backend.hpp"
#include "kit/openblas_kernels.hpp"
#include "native/blas.hpp"
#include "native/native_backend.hpp"

int main() {
  mlbench::kit::insist_on_openblas_kernels(mlbench::native::Blas::core_of_first());
  return mlbench::kit::worker_main(mlbench::native::make_native_backend);
}
