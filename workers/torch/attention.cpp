#include "torch/cpu_kernels.hpp"
#include "torch/operation.hpp"
#include "workload/operation.hpp"

#include <ATen/ATen.h>
#include <ATen/SDPBackend.h>

#include <cmath>

namespace mlbench::torch_worker {
namespace {

at::Tensor unfused(const std::vector<at::Tensor>& in, double scale) {
  at::Tensor q = at::mul(in[0], scale), k = in[1], v = in[2];
  const auto shape = q.sizes().vec();
  const auto shared = shape[1] / k.size(1);
  if (shared > 1) {  // heads that share keys side by side in a dimension of their own
    q = q.view({shape[0], k.size(1), shared, shape[2], shape[3]});
    k = k.unsqueeze(2);
    v = v.unsqueeze(2);
  }
  return at::matmul(at::softmax(at::matmul(q, k.transpose(-1, -2)), -1), v).view(shape);
}

/// What scaled_dot_product_attention dispatches to for these inputs.
std::string backend_of(const std::vector<at::Tensor>& in, bool causal, bool grouped) {
  switch (static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(in[0], in[1], in[2], {}, 0.0, causal, {}, grouped))) {
    case at::SDPBackend::math: return "math: products and a softmax";
    case at::SDPBackend::flash_attention: return "flash attention";
    case at::SDPBackend::efficient_attention: return "memory-efficient attention";
    case at::SDPBackend::cudnn_attention: return "cuDNN attention";
    default: return "a backend without a name";
  }
}

}  // namespace

Result<Operation> make_attention(const workload::Case& c, const std::vector<at::Tensor>& inputs,
                                 at::Device device) {
  const auto size = workload::sizes_of(*workload::find_operation(c.workload), c);
  Operation operation;
  if (c.workload == "attention_unfused") {
    const double scale = 1 / std::sqrt(static_cast<double>(size[4]));
    operation.facts.kernel = "at::matmul, at::softmax, at::matmul";
    operation.call = [in = inputs, scale] { return unfused(in, scale); };
  } else {
    const bool causal = c.workload == "attention_causal", grouped = size[1] != size[2];
    operation.facts.kernel = "at::scaled_dot_product_attention";
    // MPS registers no choice: there the function has a kernel of its own.
    if (!device.is_mps())
      operation.facts.notes.push_back("runs as " + backend_of(inputs, causal, grouped));
    operation.call = [q = inputs[0], k = inputs[1], v = inputs[2], causal, grouped] {
      return at::scaled_dot_product_attention(q, k, v, {}, 0.0, causal, {}, grouped);
    };
  }
  if (device.is_cpu()) {
    if (auto note = slow_gemm_note(c.dtype)) operation.facts.notes.push_back(*std::move(note));
  }
  return operation;
}

Result<Operation> make_overhead(const workload::Case& c, const std::vector<at::Tensor>& inputs,
                                at::Device) {
  Operation operation;
  operation.facts.kernel = "at::maximum";
  operation.wait_each = c.workload == "latency";
  if (operation.wait_each) operation.facts.notes.emplace_back("each call is waited for");
  // The output is the next call's x; max(max(x, b), b) is max(x, b), so any number of calls is
  // right.
  operation.call = [x = inputs[0], b = inputs[1]]() mutable { return x = at::maximum(x, b); };
  return operation;
}

}  // namespace mlbench::torch_worker
