#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

namespace mlbench::torch_worker {

/// Names of the operations ("aten::sort") that took CPU tensors of more than one element while
/// `call` ran, each once. For a case on another device there should be none: PyTorch runs what MPS
/// lacks on the CPU, either because PYTORCH_ENABLE_MPS_FALLBACK asks for it or by itself, and the
/// result looks the same. Seen through PyTorch's own observers, so no list of operations is
/// trusted.
[[nodiscard]] std::vector<std::string> operations_on_cpu(const std::function<at::Tensor()>& call);

}  // namespace mlbench::torch_worker
