#pragma once

#include "kit/backend.hpp"

#include <memory>

namespace mlbench::native {

/// The machine's ceiling on the CPU without any framework: the best BLAS that is installed, and
/// hand-vectorised loops.
///
/// MLBENCH_NATIVE_THREADS overrides the number of threads, MLBENCH_NATIVE_BLAS the library.
[[nodiscard]] std::unique_ptr<kit::Backend> make_native_backend();

}  // namespace mlbench::native
