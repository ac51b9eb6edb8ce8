#include "fit/test_files.hpp"
#include "model/checkpoint.hpp"
#include "model/known_models.hpp"

namespace mlbench::fit {
namespace {

Format must_parse(const std::string& name, const std::string& runtime,
                  const model::ModelShape& shape) {
  const auto format = parse_quant(name, runtime, shape);
  REQUIRE_MESSAGE(format.has_value(), (format ? "" : format.error().message));
  return *format;
}

/// Mistral-7B as its folder or file would describe it, stored in that kind.
model::ModelShape stored_as(const std::string& quantisation) {
  const auto shape = model::parse_config(
      R"({"model_type":"mistral","num_hidden_layers":32,"hidden_size":4096,
      "intermediate_size":14336,"num_attention_heads":32,"num_key_value_heads":8,
      "vocab_size":32768,"sliding_window":null,)" +
          quantisation + "}",
      "config.json");
  REQUIRE_MESSAGE(shape.has_value(), (shape ? "" : shape.error().message));
  return *shape;
}

model::ModelShape gguf_of(const std::string& type) {
  return stored_as(R"("quantization_config":{"quant_method":"gguf","type":")" + type + "\"}");
}

double bits_of(const model::ModelShape& shape, const Format& format) {
  return static_cast<double>(weight_bytes(shape, format)) * 8 /
         static_cast<double>(parameter_count(shape));
}

}  // namespace

TEST_CASE("an MLX folder in groups of 32 or 128 weighs its words, scales and biases, to the byte") {
  for (const auto& [group, name] : {std::pair{32, "4bit-g32"}, {64, "4bit"}, {128, "4bit-g128"}}) {
    const int size = group;  // Clang 14 captures no part of a structured binding
    CAPTURE(size);
    const auto shape =
        stored_as(R"("quantization":{"bits":4,"group_size":)" + std::to_string(group) + "}");
    REQUIRE(shape.quant == name);
    CHECK(shape.stored == name);
    CHECK(shape.notes.empty());
    for (const char* runtime : {"mlx", "mlx-lm"}) {
      const auto format = must_parse(*shape.quant, runtime, shape);
      CHECK(format.name == name);
      std::int64_t bytes = 0;
      for (const auto& t : tensors_of(shape)) {
        const auto packed = t.parameters() / 2 + t.parameters() / group * 4;
        bytes += t.role == model::Role::vector ? t.parameters() * 2 : packed;
      }
      CHECK(weight_bytes(shape, format) == bytes);
    }
    CHECK(bits_of(shape, must_parse(name, "mlx-lm", shape)) ==
          doctest::Approx(4 + 32.0 / group).epsilon(0.001));
  }
  CHECK(runtime_of_quant("4bit-g32") == "mlx-lm");
  const auto plain = stored_as(R"("dtype":"bfloat16")");
  CHECK(must_parse("8bit-g32", "mlx", plain).bits == 8);
  CHECK(must_parse("4bit-g32", "torch", plain).kind == Format::Kind::torch);
  CHECK_FALSE(parse_quant("8bit-g32", "torch", plain).has_value());
  CHECK_FALSE(parse_quant("4bit-g32", "llama.cpp", plain).has_value());
  CHECK_FALSE(parse_quant("4bit-g48", "mlx", plain).has_value());
  CHECK_FALSE(parse_quant("7bit-g32", "mlx", plain).has_value());
  CHECK_FALSE(stored_as(R"("quantization":{"bits":8,"group_size":32,"mode":"mxfp8"})").quant);
  CHECK_FALSE(stored_as(R"("quantization":{"bits":4,"group_size":48})").quant);
}

TEST_CASE("a GGUF file's kinds are known to this program's own decoder as it holds them") {
  const auto q8_0 = gguf_of("q8_0"), q4_0 = gguf_of("q4_0"), q4_k = gguf_of("q4_k");
  CHECK(bits_of(q8_0, must_parse("q8_0", "mlx", q8_0)) == doctest::Approx(9).epsilon(0.001));
  // The output matrix, 1.9 % of the weights, becomes numbers; so does torch's embedding.
  CHECK(bits_of(q4_0, must_parse("q4_0", "mlx", q4_0)) ==
        doctest::Approx(5 + 11 * 0.0185).epsilon(0.002));
  CHECK(bits_of(q4_k, must_parse("q4_k", "torch", q4_k)) ==
        doctest::Approx(5 + 11 * 0.037).epsilon(0.002));
  for (const char* kind : {"q5_0", "q5_1", "q5_k", "q6_k"}) {
    const auto shape = gguf_of(kind);
    for (const char* runtime : {"torch", "mlx"}) {
      const auto format = must_parse(kind, runtime, shape);
      CHECK(format.name == kind);
      CHECK(format.is_quantised());
      CHECK(weight_bytes(shape, format) == 2 * parameter_count(shape));
    }
  }
  // PyTorch has no kernel for 8-bit weights in groups; mlx-lm reads no such files.
  CHECK_FALSE(parse_quant("q8_0", "torch", q8_0).has_value());
  CHECK_FALSE(parse_quant("q4_0", "mlx-lm", q4_0).has_value());
  CHECK(must_parse("q4_0", "llama.cpp", q4_0).kind == Format::Kind::gguf);
}

TEST_CASE("a GGUF file is answered for torch and mlx, with the bytes that they hold") {
  const std::string file = std::string(MLBENCH_TEST_DATA) + "/gguf/llama_q8_0/model.gguf";
  Request r;
  r.model = file, r.runtime = "mlx", r.machine = "M4 10c 16GB";
  const auto a = must_ask(r);
  const auto held = model::checkpoint_bytes(file, DType::bfloat16);
  REQUIRE(held.has_value());
  std::int64_t vectors = 0;
  for (const auto& t : tensors_of(a.question.shape))
    vectors += t.role == model::Role::vector ? t.parameters() * 2 : 0;
  CHECK(a.need.weights_bytes == held->embedding + held->others + vectors);
  r.model = std::string(MLBENCH_TEST_DATA) + "/gguf/llama_q4_0/model.gguf", r.runtime = "torch";
  CHECK(must_ask(r).question.format.name == "q4_0");
}

TEST_CASE("a kind of another spelling gets the one that was meant") {
  const auto shape = model::find_model("Llama-2-7B")->shape;
  CHECK(runtime_of_quant("Q4_K_M") == "llama.cpp");
  const auto unknown = parse_quant("Q4_K_M", "llama.cpp", shape);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().message.find("did you mean q4_k?") != std::string::npos);
  CHECK(parse_quant("q5_k_s", "llama.cpp", shape).error().message.find("mean q5_k?") !=
        std::string::npos);
  CHECK(parse_quant("6bits", "mlx-lm", shape).error().message.find("mean 6bit?") !=
        std::string::npos);
}

TEST_CASE("the program's own decoder reads prompts in pieces, as mlx-lm does") {
  for (const char* runtime : {"torch", "mlx", "mlx-lm"})
    CHECK(memory_model({.name = runtime, .version = ""}).prefill_chunk == 2048);
  CHECK(memory_model({.name = "llama.cpp", .version = ""}).prefill_chunk == 512);
}

}  // namespace mlbench::fit
