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
  /// Each call is waited for before the next one.
  bool wait_each = false;
  /// The output in the shape and dtype that the workload states, where PyTorch has others; empty:
  /// as is. Not timed.
  std::function<at::Tensor(const at::Tensor&)> read;
};

/// Maps case `c` with its `inputs` (in the order of workload::inputs_of) to the fastest way that
/// PyTorch itself offers for it. Errors: `unsupported`.
using MakeOperation = Result<Operation> (*)(const workload::Case& c,
                                            const std::vector<at::Tensor>& inputs,
                                            at::Device device);

/// nullptr when this worker has no such workload.
[[nodiscard]] MakeOperation find_operation(std::string_view workload);
[[nodiscard]] std::vector<std::string> workload_names();

/// The workloads of make_function().
[[nodiscard]] std::vector<std::string_view> function_names();

[[nodiscard]] Result<Operation> make_function(const workload::Case& c,
                                              const std::vector<at::Tensor>& inputs,
                                              at::Device device);
[[nodiscard]] Result<Operation> make_compiled_chain(const workload::Case& c,
                                                    const std::vector<at::Tensor>& inputs,
                                                    at::Device device);
[[nodiscard]] Result<Operation> make_attention(const workload::Case& c,
                                               const std::vector<at::Tensor>& inputs,
                                               at::Device device);
[[nodiscard]] Result<Operation> make_quantized(const workload::Case& c,
                                               const std::vector<at::Tensor>& inputs,
                                               at::Device device);
[[nodiscard]] Result<Operation> make_overhead(const workload::Case& c,
                                              const std::vector<at::Tensor>& inputs,
                                              at::Device device);
[[nodiscard]] Result<Operation> make_gemm(const workload::Case& c,
                                          const std::vector<at::Tensor>& inputs, at::Device device);
[[nodiscard]] Result<Operation> make_memory(const workload::Case& c,
                                            const std::vector<at::Tensor>& inputs,
                                            at::Device device);

}  // namespace mlbench::torch_worker
