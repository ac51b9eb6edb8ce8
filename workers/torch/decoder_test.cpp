#include "kit/device_for_tests.hpp"
#include "model/family_checks_for_tests.hpp"
#include "torch/decoder_ops.hpp"
#include "torch/device.hpp"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

using namespace mlbench;

namespace {

at::Device device() {
  const auto found = torch_worker::find_device(kit::device_for_tests());
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  return *found;
}

}  // namespace

TEST_CASE("PyTorch computes what transformers computes, for every family") {
  const c10::InferenceMode no_autograd;
  at::set_num_threads(1);  // tiny products: threads would only wait for each other
  torch_worker::DecoderOps ops(device(), workload::DType::float32);
  model::test::check_families(ops);
}

TEST_CASE("a wrong rotary base in PyTorch is found") {
  const c10::InferenceMode no_autograd;
  at::set_num_threads(1);  // tiny products: threads would only wait for each other
  torch_worker::DecoderOps ops(device(), workload::DType::float32);
  model::test::check_that_a_wrong_model_is_found(ops);
}
