#include "workload/memory.hpp"

#include "mlx/array.hpp"
#include "mlx/fused.hpp"
#include "mlx/operation.hpp"

#include <mlx/compile.h>
#include <mlx/ops.h>

namespace mlbench::mlx_worker {
namespace {

using Arrays = std::vector<mx::array>;
using workload::Memory;

Arrays triad(const Arrays& in) {
  return {mx::add(in[0], mx::multiply(mx::array(Memory::kTriadScale), in[1]))};
}

Operation copy_operation(mx::Device device) {
  Operation operation;
  operation.facts.kernel = "mx::negative";
  operation.call = [device](const Arrays& in) { return mx::negative(in[0], device); };
  return operation;
}

Operation read_operation(mx::Device device) {
  Operation operation;
  operation.facts.kernel = "mx::sum";
  operation.call = [device](const Arrays& in) { return mx::sum(in[0], device); };
  return operation;
}

Operation write_operation(const workload::Case& c, mx::Device device) {
  Operation operation;
  operation.facts.kernel = "mx::full";
  operation.inputs = {mx::array(Memory::kWriteValue)};
  operation.call = [device, shape = mlx_shape(workload::output_of(c).shape)](const Arrays& in) {
    return mx::full(shape, in[0], mx::float32, device);
  };
  return operation;
}

Operation scale_operation(mx::Device device) {
  Operation operation;
  operation.facts.kernel = "mx::multiply(3, a)";
  operation.call = [device](const Arrays& in) {
    return mx::multiply(mx::array(Memory::kTriadScale), in[0], device);
  };
  return operation;
}

Operation add_operation(mx::Device device) {
  Operation operation;
  operation.facts.kernel = "mx::add";
  operation.call = [device](const Arrays& in) { return mx::add(in[0], in[1], device); };
  return operation;
}

/// MLX has no single operation for it, so the best it offers is its compiler: one pass instead of
/// the two of multiply and add (measured on a CPU: 1.4 times as fast).
Operation triad_operation(mx::Device device) {
  Operation operation;
  if (can_fuse(device)) {
    operation.facts.kernel = "mx::compile(add(a, multiply(3, b)))";
    operation.facts.notes.push_back("fused by mx::compile into one pass");
    operation.call = [fused = mx::compile(triad)](const Arrays& in) { return fused(in)[0]; };
  } else {
    operation.facts.kernel = "mx::add(a, multiply(3, b))";
    operation.facts.notes.push_back("two passes: " + why_not_fused());
    operation.call = [](const Arrays& in) { return triad(in)[0]; };
  }
  return operation;
}

Operation make(const workload::Case& c, mx::Device device) {
  switch (Memory::op(c)) {
    case Memory::Op::copy: return copy_operation(device);
    case Memory::Op::read: return read_operation(device);
    case Memory::Op::write: return write_operation(c, device);
    case Memory::Op::scale: return scale_operation(device);
    case Memory::Op::add: return add_operation(device);
    case Memory::Op::triad: break;
  }
  return triad_operation(device);
}

}  // namespace

Result<Operation> make_memory(const workload::Case& c, Arrays inputs, mx::Device device) {
  Operation operation = make(c, device);
  if (operation.inputs.empty()) operation.inputs = std::move(inputs);
  return operation;
}

}  // namespace mlbench::mlx_worker
