#pragma once

#include "core/error.hpp"
#include "mlx/chain.hpp"
#include "protocol/message.hpp"
#include "workload/workload.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mlbench::mlx_worker {

/// A case mapped to MLX.
struct Operation {
  protocol::Prepared facts;
  /// One call; built, submitted and waited for by run_chain(), which is what is timed.
  Call call;
  /// Arrays that `call` takes: the case's inputs, or a stand-in where the case has none, because a
  /// call without input could not depend on the call before.
  std::vector<mx::array> inputs;
};

/// Maps case `c` with its evaluated `inputs` (in the order of workload::inputs_of) to the fastest
/// way that MLX itself offers for it. Errors: `unsupported`.
using MakeOperation = Result<Operation> (*)(const workload::Case& c, std::vector<mx::array> inputs,
                                            mx::Device device);

/// nullptr when this worker has no such workload.
[[nodiscard]] MakeOperation find_operation(std::string_view workload);
[[nodiscard]] std::vector<std::string> workload_names();

// One file each.
[[nodiscard]] Result<Operation> make_gemm(const workload::Case& c, std::vector<mx::array> inputs,
                                          mx::Device device);
[[nodiscard]] Result<Operation> make_memory(const workload::Case& c, std::vector<mx::array> inputs,
                                            mx::Device device);

}  // namespace mlbench::mlx_worker
