#include "mlx/backend.hpp"
#include "mlx/settings.hpp"

int main() {
  mlbench::mlx_worker::set_environment();
  return mlbench::kit::worker_main(mlbench::mlx_worker::make_backend);
}
