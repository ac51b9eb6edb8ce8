#include "workload/memory.hpp"

#include "torch/operation.hpp"
#include "torch/tensor.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/fill.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sum.h>

namespace mlbench::torch_worker {

// Each op is one pass, into an output that is made and touched once: the out= forms are what
// PyTorch offers to whoever wants bandwidth, and a new output per call would measure page faults.
Result<Operation> make_memory(const workload::Case& c, const std::vector<at::Tensor>& inputs,
                              at::Device device) {
  using workload::Memory;
  auto y = output_tensor(workload::output_of(c), device);
  Operation operation;
  switch (Memory::op(c)) {
    case Memory::Op::copy:
      operation.facts.kernel = "at::neg_out";
      operation.call = [y, x = inputs[0]]() mutable { return at::neg_out(y, x); };
      break;
    case Memory::Op::read:
      operation.facts.kernel = "at::sum";
      operation.call = [x = inputs[0]] { return at::sum(x); };
      break;
    case Memory::Op::write:
      operation.facts.kernel = "at::fill_";
      operation.call = [y]() mutable { return at::fill_(y, double{Memory::kWriteValue}); };
      break;
    case Memory::Op::triad:
      operation.facts.kernel = "at::add_out(alpha)";
      operation.call = [y, a = inputs[0], b = inputs[1]]() mutable {
        return at::add_out(y, a, b, double{Memory::kTriadScale});
      };
      break;
    case Memory::Op::scale:
      operation.facts.kernel = "at::mul_out";
      operation.call = [y, a = inputs[0],
                        three = at::scalar_tensor(Memory::kTriadScale, y.options())]() mutable {
        return at::mul_out(y, a, three);
      };
      break;
    case Memory::Op::add:
      operation.facts.kernel = "at::add_out";
      operation.call = [y, a = inputs[0], b = inputs[1]]() mutable { return at::add_out(y, a, b); };
      break;
  }
  return operation;
}

}  // namespace mlbench::torch_worker
