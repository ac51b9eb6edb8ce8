#include "native/blas.hpp"

namespace mlbench::native {

KnownBlas known_blas() {
  // Threaded builds come first: distributions that have several call the serial one libopenblas.
  return {.names = {"libopenblasp.so.0", "libopenblas.so.0", "libopenblas.so", "libmkl_rt.so.2",
                    "libmkl_rt.so", "libnvpl_blas_lp64_gomp.so.0", "libarmpl_lp64_mp.so",
                    "libblis-mt.so.4", "libblis.so.4", "libcblas.so.3", "libblas.so.3"},
          .cure = "no BLAS was found; install one, e.g. apt install libopenblas0-pthread"};
}

}  // namespace mlbench::native
