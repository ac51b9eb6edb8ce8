#pragma once

#include "store/run_data.hpp"

#include <optional>
#include <string>
#include <vector>

/// What each subject of a run can do, from what was executed: the cases of the run, and the probes
/// of `mlbench list --support` where the journal holds them.
namespace mlbench::compare {

/// A dtype is slow on a subject when the same case takes more than so many times as long as in
/// float32. Noise on a busy machine stays below it, and no hardware is by design that much slower
/// in a type of half the size that it supports: such a case runs on an emulation or a scalar loop.
inline constexpr double kSlowFactor = 3;

struct TimedCase {
  std::string subject;
  const workload::Case* definition;
  std::optional<double> call_s;
};

/// For each case its call_s over that of the same work (workload and params) on the same subject in
/// float32; nullopt for float32 itself and where either was not timed.
[[nodiscard]] std::vector<std::optional<double>> float32_ratios(
    const std::vector<TimedCase>& cases);

/// "takes 5.0 times as long as float32".
[[nodiscard]] std::string slow_reason(double float32_ratio);

/// "memory copy", "quantized_matmul 4 bits", "gelu": what a row of the support map stands for.
[[nodiscard]] std::string operation_of(const std::string& workload, const Json& params);

/// One entry an executed case and subject, in the order of the run, then the stored probes.
/// `support` is "native", "slow", "fallback", "unsupported", "wrong", or how a case failed
/// ("crashed", ...). Cases that were left out unexecuted have none.
[[nodiscard]] std::vector<store::SupportRecord> support_of(const store::RunData& run);

}  // namespace mlbench::compare
