#pragma once

#include "core/error.hpp"
#include "protocol/message.hpp"
#include "workload/workload.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench::torch_worker {

/// A case mapped to PyTorch.
struct Operation {
  protocol::Prepared facts;
  /// One call: submits it to the device's queue and returns its output, which may not be computed
  /// yet. This is what is timed.
  std::function<at::Tensor()> call;
};

/// Maps case `c` with its `inputs` (in the order of workload::inputs_of) to the fastest way that
/// PyTorch itself offers for it. Errors: `unsupported`.
using MakeOperation = Result<Operation> (*)(const workload::Case& c,
                                            const std::vector<at::Tensor>& inputs,
                                            at::Device device);

/// nullptr when this worker has no such workload.
[[nodiscard]] MakeOperation find_operation(std::string_view workload);
[[nodiscard]] std::vector<std::string> workload_names();

// One file each.
[[nodiscard]] Result<Operation> make_gemm(const workload::Case& c,
                                          const std::vector<at::Tensor>& inputs, at::Device device);
[[nodiscard]] Result<Operation> make_memory(const workload::Case& c,
                                            const std::vector<at::Tensor>& inputs,
                                            at::Device device);

}  // namespace mlbench::torch_worker
