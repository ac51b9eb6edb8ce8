#pragma once

#include "mlx/device.hpp"

#include <mlx/array.h>

#include <functional>
#include <vector>

namespace mlbench::mlx_worker {

/// Builds one call of an operation from its inputs; nothing runs until it is evaluated.
using Call = std::function<mx::array(const std::vector<mx::array>&)>;

/// How many calls may be in flight together when each has an output of `output_bytes`.
///
/// MLX runs ahead: a chain evaluated in one piece gives every call a fresh buffer, so 40 copies of
/// 1 MiB would walk over 40 MiB while PyTorch stays in two buffers, and in another cache. Chains
/// are therefore submitted in groups, two of them in flight, whose outputs together take at most
/// 1 MiB on the CPU (its submission costs microseconds) and 64 MiB on a GPU (about what MLX itself
/// puts in one command buffer, whose start costs much more).
[[nodiscard]] int calls_per_group(std::size_t output_bytes, mx::Device device);

/// Runs `call` on `inputs` `calls` times and returns the last output, evaluated. Each call depends
/// on the one before: MLX runs only what the evaluated array needs, and would otherwise leave all
/// but the last out, or let them overlap.
[[nodiscard]] mx::array run_chain(const Call& call, const std::vector<mx::array>& inputs, int calls,
                                  int group);

/// The same, but the last group is neither submitted nor waited for.
[[nodiscard]] mx::array build_chain(const Call& call, const std::vector<mx::array>& inputs,
                                    int calls, int group);

/// Cold: call i takes `inputs[i mod n]`, n at least 2, and `outputs` keeps the last n outputs
/// alive, so that neither side of a call is in a cache. `next` is the i to begin with, and is
/// advanced.
[[nodiscard]] mx::array run_cold_chain(const Call& call,
                                       const std::vector<std::vector<mx::array>>& inputs,
                                       std::vector<mx::array>& outputs, int calls, int group,
                                       std::size_t& next);

/// Calls that need not wait for each other: groups of workload::kIndependentCalls, two in flight.
/// Every output is evaluated.
[[nodiscard]] mx::array run_independent(const Call& call, const std::vector<mx::array>& inputs,
                                        int calls);

/// The same where the output of a call is the first input of the next, which is all the dependence
/// there has to be: depends() would be another operation. `group` 1 waits for every call.
[[nodiscard]] mx::array run_fed_back(const Call& call, const std::vector<mx::array>& inputs,
                                     int calls, int group);

}  // namespace mlbench::mlx_worker
