#pragma once

#include "core/json.hpp"
#include "native/blas.hpp"
#include "native/thread_pool.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace mlbench::native {

/// What this CPU can do at most, in some two seconds: the best of a few passes of each, since what
/// is asked for is what the machine can, not what it does on average.
///
/// - bytes/s of every memory operation over working sets that double from 64 KiB to beyond the
///   last-level cache (never more than an eighth of the available memory), with cached and
///   non-temporal stores, on one thread and on all, and at the largest by number of threads too;
/// - FLOP/s of each dtype that the CPU has arithmetic for, by multiply-adds on registers, on one
///   thread and on all, and of the BLAS, which may drive units that programs cannot reach (AMX).
///
/// A list of {"resource": "bytes_per_s" or a dtype, "rate", "working_set_bytes" (null for FLOP/s),
/// "name", "threads"}: the best of each resource, working set and number of threads. After
/// `budget_s` no further working set is begun: a busy machine has to wait no longer.
[[nodiscard]] Json measure_ceilings(ThreadPool& pool, const Blas* blas,
                                    std::optional<std::int64_t> available_bytes,
                                    std::optional<std::int64_t> cache_bytes, double budget_s);

/// Working sets to measure, ascending; exposed for tests.
[[nodiscard]] std::vector<std::int64_t> working_sets(std::optional<std::int64_t> available_bytes,
                                                     std::optional<std::int64_t> cache_bytes);

}  // namespace mlbench::native
