#pragma once

#include "native/buffer.hpp"
#include "native/thread_pool.hpp"
#include "workload/workload.hpp"

namespace mlbench::native {

/// The input `spec` of a case, made by all threads: each writes, and so places, the part of
/// part_of(elements, part, parts, kGrain).
[[nodiscard]] Buffer make_input(ThreadPool& pool, const workload::TensorSpec& spec,
                                std::uint64_t seed);

/// Memory for `spec`, every page touched by the thread that will write it, filled as by refill().
[[nodiscard]] Buffer make_output(ThreadPool& pool, const workload::TensorSpec& spec);

/// Makes every element NaN, so that one that no call writes cannot pass the check.
void refill(ThreadPool& pool, const workload::TensorSpec& spec, Buffer& output);

/// Elements at which parts are cut: a page of the smallest dtype.
inline constexpr std::size_t kGrain = 2048;

}  // namespace mlbench::native
