#include "torch/device.hpp"

#include <ATen/mps/MPSDevice.h>

namespace mlbench::torch_worker {

DeviceFacts device_facts(at::Device device) {
  DeviceFacts facts;
  if (!device.is_mps()) return facts;
  const auto* mps = at::mps::MPSDevice::getInstance();
  facts.name = mps->getName();
  facts.cores = mps->getCoreCount();
  return facts;
}

}  // namespace mlbench::torch_worker
