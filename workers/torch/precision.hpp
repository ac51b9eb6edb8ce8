#pragma once

#include "core/json.hpp"

namespace mlbench::torch_worker {

/// float32 means float32 on every device: no TF32, no bfloat16 inside float32 products. How half
/// types accumulate stays PyTorch's own default.
void set_precision();

/// The settings in force, as PyTorch reports them.
[[nodiscard]] Json precision_facts();

}  // namespace mlbench::torch_worker
