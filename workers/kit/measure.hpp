#pragma once

#include "kit/backend.hpp"

namespace mlbench::kit {

/// When a process has warmed up enough: at least `min_calls` and `min_s`, then until the medians of
/// the last two windows of max(5 samples, 20 ms) differ by less than 3 %, or `max_s` is spent.
struct WarmRule {
  int min_calls = 3;
  double min_s = 0.2;
  double max_s = 2.0;
};

/// Calls `kernel` until `rule` is met. Timed region: Kernel::run(1).
[[nodiscard]] protocol::Warmed warm(Kernel& kernel, const WarmRule& rule);

/// `samples` + 1 timed runs of `calls` + `extra_calls` calls each; the first is the lead-in that
/// the caller discards. Timed region: Kernel::run(calls + extra_calls), which includes the wait for
/// the device; divided by `calls`, so that a call seems to do extra_calls / calls more work. Only
/// the positive control asks for that.
///
/// Before that, where `lead_in_s` is above 0, samples are made until the medians of the last three
/// and of the three before agree within 3 %, or `lead_in_s` is spent: after a switch a GPU's clock
/// and caches are another process's. They are stored apart.
[[nodiscard]] protocol::Block measure_block(Kernel& kernel, int calls, int samples,
                                            int extra_calls = 0, double lead_in_s = 0);

/// Median seconds of `synchronize` on an idle device, of 100.
[[nodiscard]] double sync_overhead_s(Backend& backend, const std::string& device);

/// Whether the windows at the end of `samples_s` have settled (see WarmRule).
[[nodiscard]] bool has_settled(const std::vector<double>& samples_s);

}  // namespace mlbench::kit
