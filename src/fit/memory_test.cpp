#include "fit/test_files.hpp"
#include "model/known_models.hpp"

#include <cstdint>

namespace mlbench::fit {
namespace {

model::ModelShape family(const std::string& name) {
  const auto shape = model::parse_config(test_text("families/" + name + ".json"), name);
  REQUIRE(shape.has_value());
  return *shape;
}

Format quant(const std::string& name, const std::string& runtime, const model::ModelShape& shape) {
  const auto format = parse_quant(name, runtime, shape);
  REQUIRE_MESSAGE(format.has_value(), (format ? "" : format.error().message));
  return *format;
}

/// Writes a safetensors file of zeros with these tensors and returns the bytes behind its header.
std::uintmax_t bytes_written(const std::filesystem::path& path, const Json& tensors,
                             std::int64_t element_bytes, const std::string& dtype) {
  Json header = Json::object();
  std::int64_t offset = 0;
  for (const auto& [name, shape] : tensors.items()) {
    std::int64_t elements = 1;
    for (const auto& n : shape) elements *= n.get<std::int64_t>();
    header[name] = {{"dtype", dtype},
                    {"shape", shape},
                    {"data_offsets", {offset, offset + elements * element_bytes}}};
    offset += elements * element_bytes;
  }
  const std::string text = header.dump();
  std::ofstream file(path, std::ios::binary);
  std::uint64_t length = text.size();
  for (int i = 0; i < 8; ++i, length >>= 8U) file.put(static_cast<char>(length & 0xFFU));
  file << text;
  const std::vector<char> zeros(static_cast<std::size_t>(offset), 0);
  file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
  file.close();
  return std::filesystem::file_size(path) - 8 - text.size();
}

}  // namespace

TEST_CASE("weights weigh what a written checkpoint weighs, to the byte") {
  const auto path = std::filesystem::temp_directory_path() / "mlbench_fit_test.safetensors";
  for (const char* name :
       {"llama", "llama_bias_tied", "phi3", "qwen2_moe", "gemma3_text", "gpt_oss", "phi"}) {
    CAPTURE(name);
    const Json tensors = test_json(std::string("families/") + name + ".expected.json")["tensors"];
    const auto written16 = bytes_written(path, tensors, 2, "BF16");
    CHECK(static_cast<std::uintmax_t>(weight_bytes(family(name), *parse_dtype("bf16"))) ==
          written16);
    const auto written32 = bytes_written(path, tensors, 4, "F32");
    CHECK(static_cast<std::uintmax_t>(weight_bytes(family(name), *parse_dtype("float32"))) ==
          written32);
  }
  std::filesystem::remove(path);
}

TEST_CASE(
    "weights weigh what mlx-lm's own checkpoints weigh, to the byte, in every kind of "
    "quantisation") {
  const Json sizes = test_json("mlx_bytes.json")["models"];
  REQUIRE(sizes.size() >= 12);
  for (const auto& [name, kinds] : sizes.items()) {
    const auto shape = family(name);
    for (const auto& [kind, bytes] : kinds.items()) {
      const auto asked = name + " " + kind;
      CAPTURE(asked);
      const auto format = kind == "bfloat16" ? *parse_dtype(kind) : quant(kind, "mlx-lm", shape);
      CHECK(weight_bytes(shape, format) == bytes.get<std::int64_t>());
    }
  }
}

TEST_CASE("GGUF weights of Llama-2-7B weigh what llama.cpp lists") {
  // llama.cpp discussion 4167: 12.55, 6.67 and 3.56 GiB, rounded to 0.01.
  const auto model = model::find_model("Llama-2-7B")->shape;
  const auto gib = [&](const char* kind) {
    return static_cast<double>(weight_bytes(model, quant(kind, "llama.cpp", model))) / 1073741824.0;
  };
  CHECK(std::abs(gib("f16") - 12.55) < 0.0051);
  CHECK(std::abs(gib("q8_0") - 6.67) < 0.0051);
  CHECK(std::abs(gib("q4_0") - 3.56) < 0.0051);
}

TEST_CASE("each runtime has its own 4 and 8 bit, and refuses the others' with its own list") {
  const auto model = model::find_model("Llama-2-7B")->shape;
  CHECK(quant("4bit", "mlx-lm", model).name == "4bit");
  CHECK(quant("4bit", "llama.cpp", model).name == "q4_0");
  CHECK(quant("8bit", "torch", model).name == "int8");
  CHECK(quant("INT4", "torch", model).name == "int4");
  CHECK(parse_quant("q4_0", "mlx-lm", model).error().message.find("4bit") != std::string::npos);
  CHECK(parse_quant("mxfp4", "torch", model).error().message.ends_with("int4, int8, 4bit, 8bit"));
  CHECK(parse_quant("nvfp4", "llama.cpp", model).error().message.find("q4_0") != std::string::npos);
  CHECK(parse_dtype("int8").error().kind == ErrorKind::usage);
}

TEST_CASE("true bits per weight include scales, and leave what stays at 16 bit at 16 bit") {
  const auto model = model::find_model("Llama-3.1-70B")->shape;
  const auto bits = [&](const char* kind, const char* runtime) {
    return static_cast<double>(weight_bytes(model, quant(kind, runtime, model))) * 8 /
           static_cast<double>(parameter_count(model));
  };
  CHECK(bits("4bit", "mlx-lm") == doctest::Approx(4.5).epsilon(0.001));
  CHECK(bits("8bit", "mlx-lm") == doctest::Approx(8.5).epsilon(0.001));
  CHECK(bits("mxfp4", "mlx-lm") == doctest::Approx(4.25).epsilon(0.001));
  CHECK(bits("nvfp4", "mlx-lm") == doctest::Approx(4.5).epsilon(0.001));
  CHECK(bits("q8_0", "llama.cpp") == doctest::Approx(8.5).epsilon(0.001));
  // The embedding of 128256 x 8192 stays at 16 bit: 1.5 % of the weights.
  CHECK(bits("int8", "torch") == doctest::Approx(8 + 8 * 0.0149).epsilon(0.002));
}

TEST_CASE("the KV cache counts KV heads, both tensors and each layer's window") {
  const auto mistral = model::find_model("Mistral-7B-v0.3")->shape;
  CHECK(kv_cache_bytes(mistral, 1, 2048, 2) == 2048.0 * 131072);
  CHECK(kv_cache_bytes(mistral, 4, 2048, 2) == 4 * 2048.0 * 131072);
  CHECK(kv_cache_bytes(mistral, 1, 2048, 4) == 2 * 2048.0 * 131072);
  const auto windowed = model::find_model("Mistral-7B-v0.1")->shape;
  CHECK(kv_cache_bytes(windowed, 1, 32768, 2) == 4096.0 * 131072);
  // Gemma-3-1B: 22 layers hold 512 tokens, 4 hold all; one KV head of 256.
  const auto gemma = model::find_model("Gemma-3-1B")->shape;
  CHECK(kv_cache_bytes(gemma, 1, 10000, 2) == (22.0 * 512 + 4.0 * 10000) * 2 * 256 * 2);
}

TEST_CASE("predicted peak memory is within 5 % of what mlx-lm measured, for 95 % of rows") {
  std::vector<double> errors;
  for (const auto& row : csv_rows(test_text("llm_speed.csv"))) {
    if (row.at("peak_mem_gb").empty()) continue;
    const auto model = model::find_model(row.at("model"))->shape;
    const auto format = row.at("quant") == "bf16"
                            ? *parse_dtype("bf16")
                            : quant(row.at("quant").substr(5) + "bit", "mlx-lm", model);
    Load load;
    load.context = *parse_int(row.at("depth")) + *parse_int(row.at("tg_tokens"));
    const auto need = need_of(model, format, load, memory_model({.name = "mlx-lm", .version = ""}));
    REQUIRE(need.has_value());
    errors.push_back(std::abs(
        static_cast<double>(need->total_bytes) / (*parse_double(row.at("peak_mem_gb")) * 1e9) - 1));
  }
  REQUIRE(errors.size() == 66);
  CHECK(quantile_of(errors, 0.5) < 0.015);
  CHECK(quantile_of(errors, 0.95) < 0.05);
}

TEST_CASE("full training in 16 bit takes 16 bytes a parameter beside activations; LoRA far less") {
  const auto model = model::find_model("Llama-3.2-1B")->shape;
  const auto parameters = parameter_count(model);
  Load load;
  load.training = Load::Training::full;
  const auto full = need_of(model, *parse_dtype("bf16"), load, {});
  REQUIRE(full.has_value());
  CHECK(full->weights_bytes + full->gradient_bytes + full->optimizer_bytes == 16 * parameters);
  CHECK(full->kv_bytes == 0);
  const auto full32 = need_of(model, *parse_dtype("float32"), load, {});
  CHECK(full32->weights_bytes + full32->gradient_bytes + full32->optimizer_bytes ==
        16 * parameters);
  Load recomputing = load;
  recomputing.recompute = true;
  CHECK(need_of(model, *parse_dtype("bf16"), recomputing, {})->activation_bytes <
        full->activation_bytes);
  load.training = Load::Training::lora;
  const auto lora = need_of(model, *parse_dtype("bf16"), load, {});
  // Rank 16 on q, o (2048 x 2048), k, v (2048 x 512) and gate, up, down (2048 x 8192) of 16 layers.
  const std::int64_t adapters = 16 * 16 * (2 * 4096 + 2 * 2560 + 3 * 10240);
  CHECK(lora->adapter_bytes == 4 * adapters);
  CHECK(lora->gradient_bytes + lora->optimizer_bytes == 12 * adapters);
  CHECK(lora->weights_bytes == full->weights_bytes);
}

TEST_CASE("a load beyond any machine is an error and no overflow") {
  const auto model = model::find_model("Llama-3.1-70B")->shape;
  Load load;
  load.context = 1'000'000'000, load.batch = 1'000'000;
  const auto need = need_of(model, *parse_dtype("bf16"), load, {});
  REQUIRE_FALSE(need.has_value());
  CHECK(need.error().kind == ErrorKind::usage);
}

}  // namespace mlbench::fit
