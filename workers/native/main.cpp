#include "kit/backend.hpp"
#include "native/native_backend.hpp"

int main() {
  return mlbench::kit::worker_main(mlbench::native::make_native_backend);
}
