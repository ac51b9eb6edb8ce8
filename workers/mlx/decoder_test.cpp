#include "kit/device_for_tests.hpp"
#include "mlx/decoder_ops.hpp"
#include "mlx/device.hpp"
#include "model/family_checks_for_tests.hpp"

using namespace mlbench;

namespace {

void use_device() {
  const auto found = mlx_worker::find_device(kit::device_for_tests());
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  mlx_worker::mx::set_default_device(*found);
}

}  // namespace

TEST_CASE("MLX computes what transformers computes, for every family") {
  use_device();
  mlx_worker::DecoderOps ops(workload::DType::float32);
  model::test::check_families(ops);
}

TEST_CASE("a wrong rotary base in MLX is found") {
  use_device();
  mlx_worker::DecoderOps ops(workload::DType::float32);
  model::test::check_that_a_wrong_model_is_found(ops);
}
