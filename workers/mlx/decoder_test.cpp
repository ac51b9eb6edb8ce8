#include "mlx/decoder_ops.hpp"
#include "model/family_checks_for_tests.hpp"

using namespace mlbench;

TEST_CASE("MLX computes what transformers computes, for every family") {
  mlx_worker::mx::set_default_device(mlx_worker::mx::Device::cpu);
  mlx_worker::DecoderOps ops(workload::DType::float32);
  model::test::check_families(ops);
}

TEST_CASE("a wrong rotary base in MLX is found") {
  mlx_worker::mx::set_default_device(mlx_worker::mx::Device::cpu);
  mlx_worker::DecoderOps ops(workload::DType::float32);
  model::test::check_that_a_wrong_model_is_found(ops);
}
