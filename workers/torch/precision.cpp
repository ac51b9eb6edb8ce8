#include "torch/precision.hpp"

#include <ATen/Context.h>

namespace mlbench::torch_worker {
namespace {

std::string name_of(at::Float32MatmulPrecision precision) {
  switch (precision) {
    case at::Float32MatmulPrecision::HIGHEST: return "highest";
    case at::Float32MatmulPrecision::HIGH: return "high";
    case at::Float32MatmulPrecision::MEDIUM: return "medium";
  }
  return "unknown";
}

bool reduces(at::CuBLASReductionOption option) {
  return option == at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK;
}

}  // namespace

void set_precision() {
  auto& context = at::globalContext();
  context.setFloat32MatmulPrecision("highest");
  context.setAllowTF32CuBLAS(false);
  context.setAllowTF32CuDNN(false);
}

Json precision_facts() {
  auto& context = at::globalContext();
  return {{"float32_matmul", name_of(context.float32MatmulPrecision())},
          {"tf32_matmul", context.allowTF32CuBLAS()},
          {"tf32_convolution", context.allowTF32CuDNN()},
          {"float16_reduced_reduction", reduces(context.allowFP16ReductionCuBLAS())},
          {"bfloat16_reduced_reduction", reduces(context.allowBF16ReductionCuBLAS())}};
}

}  // namespace mlbench::torch_worker
