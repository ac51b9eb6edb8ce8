#pragma once

#include "core/json.hpp"

namespace mlbench::kit {

/// Makes the C library keep freed memory for the next allocation of this process, of any size.
///
/// By default glibc gives large blocks back to the system at once, and some small ones, depending
/// on where they happen to lie: every call of such a case then takes its output's pages anew (330
/// page faults a call of a bfloat16 product of 1024, 4 % of its time), which is neither the
/// framework's work nor stable. MLX's own cache is raised for the same reason.
///
/// Returns what was set, for the facts of a worker; null where the system's default stays.
Json keep_freed_memory();

/// Gives the freed memory back to the system, between cases.
void return_freed_memory();

}  // namespace mlbench::kit
