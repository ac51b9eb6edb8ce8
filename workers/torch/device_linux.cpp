#include "kit/cuda_device.hpp"
#include "torch/device.hpp"

namespace mlbench::torch_worker {

DeviceFacts device_facts(at::Device device) {
  DeviceFacts facts;
  if (!device.is_cuda()) return facts;
  const auto cuda = kit::cuda_device(device.index());
  facts.name = cuda.name;
  facts.multiprocessors = cuda.multiprocessors;
  facts.compute_capability = cuda.compute_capability;
  facts.l2_bytes = cuda.l2_bytes;
  if (cuda.cuda_version) facts.driver = "CUDA " + *cuda.cuda_version;
  return facts;
}

}  // namespace mlbench::torch_worker
