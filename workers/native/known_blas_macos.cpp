#include "native/blas.hpp"

namespace mlbench::native {

KnownBlas known_blas() {
  // Nothing else reaches the matrix units of Apple silicon.
  return {.names = {"/System/Library/Frameworks/Accelerate.framework/Accelerate"},
          .cure = "Accelerate could not be loaded"};
}

}  // namespace mlbench::native
