#pragma once

#include "kit/backend.hpp"
#include "native/blas.hpp"
#include "native/thread_pool.hpp"

#include <memory>

namespace mlbench::native {

/// Several ways to run a case are tried when it is prepared, and the fastest is kept; facts() names
/// it. Timed region of both kernels: the loops or the BLAS call, on all threads, nothing else.

/// y = x·Wᵀ. Throws kit::OutOfMemory. Errors: `unsupported` for a dtype without a kernel. `blas`
/// may be an error, which is passed on where only a BLAS could do it.
[[nodiscard]] Result<std::unique_ptr<kit::Kernel>> make_gemm_kernel(const workload::Case& c,
                                                                    ThreadPool& pool,
                                                                    const Result<Blas>& blas,
                                                                    std::uint64_t seed);

/// The operations of the memory workload. Throws kit::OutOfMemory.
[[nodiscard]] std::unique_ptr<kit::Kernel> make_memory_kernel(const workload::Case& c,
                                                              ThreadPool& pool, std::uint64_t seed);

}  // namespace mlbench::native
