#include "kit/bound_blas.hpp"
#include "kit/openblas_kernels.hpp"
#include "mlx/backend.hpp"
#include "mlx/settings.hpp"

int main() {
  mlbench::mlx_worker::set_environment();
  mlbench::kit::insist_on_openblas_kernels(
      mlbench::find_string(mlbench::kit::bound_blas(), "core"));
  return mlbench::kit::worker_main(mlbench::mlx_worker::make_backend);
}
