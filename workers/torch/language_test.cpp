#include "kit/mlx_checkpoint_for_tests.hpp"
#include "torch/backend.hpp"

#include <ATen/Parallel.h>

using namespace mlbench;
using workload::DType;

namespace {

/// Of one thread: the models are tiny, and tests run beside each other.
std::unique_ptr<kit::Backend> single() {
  at::set_num_threads(1);
  return torch_worker::make_backend();
}

}  // namespace

TEST_CASE("PyTorch reads a prompt, writes tokens and computes a block as the reference does") {
  const auto backend = single();
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const char* family : {"llama", "gemma2", "gpt_oss"})
      kit::check_language_model(*backend, family, dtype);
  }
}

TEST_CASE("PyTorch computes with quantised weights what they stand for") {
  kit::check_quantised_weights(*single(), DType::bfloat16, {"4bit", "int8"});
}

TEST_CASE("PyTorch has no 4-bit floats, and says so") {
  const auto kernel = single()->prepare(kit::quantised_decode(DType::float32, "mxfp4"), "cpu", 7);
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().kind == ErrorKind::unsupported);
  CHECK(kernel.error().message.find("MXFP4") != std::string::npos);
}

TEST_CASE("PyTorch runs what mlx-lm quantised to 4 bits, of any group, mixtures too") {
  const auto backend = single();
  for (const int group : {32, 64, 128})
    kit::check_mlx_checkpoint(*backend, DType::bfloat16, "llama", {.bits = 4, .group = group},
                              0.08);
  kit::check_mlx_checkpoint(*backend, DType::bfloat16, "qwen3_moe", {.bits = 4}, 0.08);
  const kit::MlxCheckpoint files("llama", {.bits = 8});
  const auto kernel =
      backend->prepare(kit::checkpoint_decode(files.packed(), DType::bfloat16, "8bit"), "cpu", 7);
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().kind == ErrorKind::unsupported);
}

TEST_CASE("PyTorch runs GGUF files: 4 bits packed, 5 bits and dense ones as numbers, 8 bits not") {
  const auto backend = single();
  kit::check_gguf(*backend, DType::float32, "llama", "");
  kit::check_gguf(*backend, DType::float32, "qwen2_q5_0", "q5_0");
  kit::check_gguf(*backend, DType::bfloat16, "llama_q4_0", "q4_0");
  kit::check_gguf(*backend, DType::bfloat16, "llama_q4_1", "q4_1");
  const auto kernel =
      backend->prepare(kit::gguf_decode(DType::bfloat16, "llama_q8_0", "q8_0"), "cpu", 7);
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().kind == ErrorKind::unsupported);
  CHECK(kernel.error().message.find("8-bit weights in groups") != std::string::npos);
}

TEST_CASE("the check of a language case finds other weights, and another token") {
  kit::check_finds_other_weights(*single());
}
