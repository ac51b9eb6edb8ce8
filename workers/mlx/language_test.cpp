#include "kit/mlx_checkpoint_for_tests.hpp"
#include "mlx/backend.hpp"

using namespace mlbench;
using workload::DType;

TEST_CASE("MLX reads a prompt, writes tokens and computes a block as the reference does") {
  const auto backend = mlx_worker::make_backend();
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const char* family : {"llama", "gemma2"})
      kit::check_language_model(*backend, family, dtype);
  }
  kit::check_language_model(*backend, "gpt_oss", DType::float32);
}

TEST_CASE("a mixture that MLX has no kernel for on the CPU is unsupported, with the reason") {
  const auto c = kit::make("prefill", DType::bfloat16,
                           {{"model", kit::tiny_model("gpt_oss")}, {"batch", 1}, {"prompt", 4}});
  const auto kernel = mlx_worker::make_backend()->prepare(c, "cpu", 7);
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().kind == ErrorKind::unsupported);
  CHECK(kernel.error().message.find("gather_mm") != std::string::npos);
}

TEST_CASE("MLX computes with quantised weights, and with 4-bit floats, what they stand for") {
  const auto backend = mlx_worker::make_backend();
  kit::check_quantised_weights(*backend, DType::bfloat16, {"4bit", "8bit"});
  kit::check_quantised_weights(*backend, DType::float32, {"mxfp4", "nvfp4"});
}

TEST_CASE("MLX runs what mlx-lm quantised, of any group, and means what it stands for") {
  const auto backend = mlx_worker::make_backend();
  for (const int bits : {4, 8}) {
    for (const int group : {32, 64, 128})
      kit::check_mlx_checkpoint(*backend, DType::float32, "llama", {.bits = bits, .group = group},
                                1e-5);
  }
  const kit::Packing mxfp4 = {.bits = 4, .group = 32, .mode = "mxfp4"};
  kit::check_mlx_checkpoint(*backend, DType::float32, "llama", mxfp4, 1e-5);
  kit::check_mlx_checkpoint(*backend, DType::bfloat16, "llama", {.bits = 4}, 0.08);
}

TEST_CASE("MLX runs mixtures that mlx-lm quantised, all experts in one tensor") {
  const auto backend = mlx_worker::make_backend();
  for (const char* family : {"qwen3_moe", "mixtral"}) {
    kit::check_mlx_checkpoint(*backend, DType::float32, family, {.bits = 4}, 1e-5);
    kit::check_mlx_checkpoint(*backend, DType::float32, family, {.bits = 8, .group = 32}, 1e-5);
  }
  const kit::Packing mxfp4 = {.bits = 4, .group = 32, .mode = "mxfp4"};
  kit::check_mlx_checkpoint(*backend, DType::float32, "qwen3_moe", mxfp4, 1e-5);
}

TEST_CASE("MLX runs GGUF files: 4 and 8 bits packed, others as numbers") {
  const auto backend = mlx_worker::make_backend();
  kit::check_gguf(*backend, DType::float32, "llama", "");
  kit::check_gguf(*backend, DType::float32, "gemma3_q5_1", "q5_1");
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    for (const std::string kind : {"q4_0", "q4_1", "q8_0"})
      kit::check_gguf(*backend, dtype, "llama_" + kind, kind);
  }
}

TEST_CASE("the check of a language case finds other weights, and another token") {
  kit::check_finds_other_weights(*mlx_worker::make_backend());
}

TEST_CASE(
    "packed weights whose products are added up in 16 bits are inexact, and not called wrong") {
  kit::check_right(*mlx_worker::make_backend(), kit::make("decode", DType::bfloat16,
                                                          {{"model", "synthetic-32M"},
                                                           {"batch", 1},
                                                           {"depth", 64},
                                                           {"tokens", 4},
                                                           {"quant", "4bit"}}));
}
