#include "torch/backend.hpp"

int main() {
  return mlbench::kit::worker_main(mlbench::torch_worker::make_backend);
}
