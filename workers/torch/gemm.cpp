#include "torch/cpu_kernels.hpp"
#include "torch/operation.hpp"

#include <ATen/ops/linear.h>

namespace mlbench::torch_worker {

Result<Operation> make_gemm(const workload::Case& c, const std::vector<at::Tensor>& inputs,
                            at::Device device) {
  Operation operation;
  operation.facts.kernel = "at::linear";
  if (device.is_cpu()) {
    if (auto note = slow_gemm_note(c.dtype)) operation.facts.notes.push_back(*std::move(note));
  }
  operation.call = [x = inputs[0], w = inputs[1]] { return at::linear(x, w); };
  return operation;
}

}  // namespace mlbench::torch_worker
