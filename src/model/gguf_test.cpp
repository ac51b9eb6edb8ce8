#include "model/gguf.hpp"

#include "model/checkpoint.hpp"
#include "model/family_checks_for_tests.hpp"
#include "model/mapped_file.hpp"
#include "model/reference_ops.hpp"

#include <doctest/doctest.h>

#include <cstring>

using namespace mlbench;
using namespace mlbench::model;

namespace {

std::string gguf_folder() {
  return MLBENCH_TEST_DATA "/gguf/";
}
std::string gguf_file(const std::string& model) {
  return gguf_folder() + model + "/model.gguf";
}

std::vector<std::string> models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(gguf_folder())) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
void put(std::string& text, T value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
void put_text(std::string& text, std::string_view value) {
  put<std::uint64_t>(text, value.size());
  text += value;
}

/// A file of one tensor, 64 float32 numbers.
struct Small {
  std::uint32_t version = 3, dimensions = 1, type = 0;
  std::uint64_t tensors = 1, entries = 1, extent = 64, offset = 0;
  std::uint32_t kind = 8;  ///< Of the value of general.architecture: a text.
  std::size_t data_bytes = 256;

  [[nodiscard]] std::string text() const {
    std::string t = "GGUF";
    put(t, version), put(t, tensors), put(t, entries);
    put_text(t, "general.architecture"), put(t, kind), put_text(t, "llama");
    put_text(t, "a"), put(t, dimensions);
    for (std::uint32_t i = 0; i < dimensions; ++i) put(t, extent);
    put(t, type), put(t, offset);
    t.resize((t.size() + 31) / 32 * 32);
    return t + std::string(data_bytes, 'x');
  }
};

std::string error_of(const std::string& file) {
  const auto header = parse_gguf(file);
  return header ? "" : header.error().message;
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("blocks of every type have the values that llama.cpp's own package gives them") {
  auto tensors = map_safetensors(gguf_folder() + "blocks.safetensors");
  REQUIRE(tensors);
  int types = 0;
  for (const auto& entry : *tensors) {
    const std::string& name = entry.first;
    const HostTensor& blocks = entry.second;
    if (!name.ends_with(".blocks")) continue;
    CAPTURE(name);
    ++types;
    const auto* found = find_gguf_type(std::string_view(name).substr(0, name.find('.')));
    REQUIRE(found != nullptr);
    const auto& type = *found;
    const auto expected = to_floats(tensors->at(std::string(type.name) + ".values"));
    std::vector<std::uint8_t> q(256);
    std::vector<float> scales(16), offsets(16);
    for (std::int64_t b = 0; b < blocks.shape[0]; ++b) {
      unpack_gguf_block(type, blocks.data + b * type.block_bytes, q.data(), scales.data(),
                        offsets.data());
      for (std::int64_t i = 0; i < type.block; ++i) {
        const auto g = static_cast<std::size_t>(i / type.group);
        const float value = scales[g] * static_cast<float>(q[static_cast<std::size_t>(i)]);
        const float e = expected[static_cast<std::size_t>(b * type.block + i)];
        // Both sides round once to float32; with an offset in another place.
        const auto size = static_cast<double>(std::abs(value) + std::abs(offsets[g]));
        CHECK(static_cast<double>(value + offsets[g]) ==
              doctest::Approx(static_cast<double>(e)).epsilon(1e-5).scale(size));
      }
    }
  }
  CHECK(types == 8);
}

TEST_CASE("a GGUF model computes what transformers computes from the same file") {
  CHECK(models().size() == 9);
  for (const auto& name : models()) {
    CAPTURE(name);
    const auto s = read_spec(gguf_file(name));
    REQUIRE_MESSAGE(s, (s ? "" : s.error().message));
    const auto e = test::expected_in(gguf_folder() + name);
    const auto weights = checkpoint_weights(gguf_file(name), DType::float32);
    REQUIRE_MESSAGE(weights, (weights ? "" : weights.error().message));
    ReferenceOps ops;
    auto d = test::decoder(ops, *s, **weights);
    CHECK(test::error_of(test::logits(ops, d, e, e.count), e.logits) < 5e-5);
    CHECK(test::greedy(ops, d, e) == e.greedy);
  }
}

TEST_CASE("4- and 8-bit types stay packed, others become numbers, and bytes are counted so") {
  const auto packed = checkpoint_weights(gguf_file("llama_q4_0"), DType::float16);
  REQUIRE(packed);
  const std::string up = "model.layers.0.mlp.up_proj";
  CHECK((*packed)->has(up + ".scales"));
  CHECK((*packed)->raw(up + ".weight")->shape == std::vector<std::int64_t>{64, 4});
  CHECK((*packed)->raw(up + ".scales")->storage == Storage::F16);
  const auto numbers = checkpoint_weights(gguf_file("qwen2_q5_0"), DType::float16);
  REQUIRE(numbers);
  CHECK_FALSE((*numbers)->has(up + ".scales"));
  // Layers: 2 of 32x32, 2 of 16x32, 3 of 64x32; 2 of them; the output 48x32.
  constexpr std::int64_t kOthers = 2 * (2 * 1024 + 2 * 512 + 3 * 2048) + 1536;
  const auto q4 = checkpoint_bytes(gguf_file("llama_q4_0"), DType::float16);
  REQUIRE(q4);
  CHECK(q4->embedding == 1536 * 5 / 8);  // 4 bits, and a scale and an offset of 16 for 32 numbers
  CHECK(q4->others == kOthers * 5 / 8);
  const auto q5 = checkpoint_bytes(gguf_file("qwen2_q5_0"), DType::float16);
  REQUIRE(q5);
  CHECK(q5->others == kOthers * 2);
}

TEST_CASE("a rotary embedding that gives no numbers is refused, whatever its fields") {
  const std::string base = R"({"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 64,
    "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 64, )";
  CHECK(parse_spec(base + R"("rope_theta": 10000})", "c"));
  for (
      const char* fields :
      {R"("rope_theta": 1e-300})",
       R"("rope_scaling": {"rope_type": "longrope", "factor": 2, "original_max_position_embeddings": 64,
           "short_factor": [1, 1, 1, 1, 1, 1, 1, 1], "long_factor": [1, 0, 1, 1, 1, 1, 1, 1]}})",
       R"("rope_scaling": {"rope_type": "longrope", "factor": 2, "original_max_position_embeddings": 1,
           "short_factor": [1, 1, 1, 1, 1, 1, 1, 1], "long_factor": [1, 1, 1, 1, 1, 1, 1, 1]}})"}) {
    CAPTURE(fields);
    const auto spec = parse_spec(base + fields, "c");
    REQUIRE_FALSE(spec);
    CHECK(spec.error().message.find("rotary") != std::string::npos);
  }
}

TEST_CASE("Llama 3's stretched rotary embedding is read from its factors") {
  GgufHeader header;
  header.metadata = {{"general.architecture", "llama"}, {"llama.block_count", 1},
                     {"llama.embedding_length", 16},    {"llama.feed_forward_length", 16},
                     {"llama.context_length", 64},      {"llama.attention.head_count", 2},
                     {"llama.rope.freq_base", 100.0}};
  header.tensors["token_embd.weight"] = {
      .type = find_gguf_type("f32"), .shape = {8, 16}, .begin = 0};
  header.tensors["rope_freqs.weight"] = {.type = find_gguf_type("f32"), .shape = {4}, .begin = 0};
  const std::vector<float> factors = {1, 1, 2, 8};
  const std::string file(reinterpret_cast<const char*>(factors.data()), 16);
  const auto config = gguf_config(header, file);
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto s = parse_spec(*config, "a");
  REQUIRE_MESSAGE(s, (s ? "" : s.error().message));
  const auto table = rope_table(s->maths.rope, s->shape.head_dim, 64);
  Rope plain;
  plain.theta = 100;
  const auto without = rope_table(plain, s->shape.head_dim, 64);
  REQUIRE(table.inverse_frequencies.size() == 4);
  CHECK(table.attention_factor == 1);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(static_cast<double>(table.inverse_frequencies[i]) ==
          doctest::Approx(static_cast<double>(without.inverse_frequencies[i] / factors[i])));
}

TEST_CASE("what a GGUF file holds and is not understood is refused in one sentence") {
  GgufHeader header;
  const auto refusal = [&] {
    const auto config = gguf_config(header, "");
    return config ? "" : config.error().message;
  };
  header.metadata = {{"general.architecture", "mamba"}};
  CHECK(contains(refusal(), "its architecture is \"mamba\""));
  header.metadata = {{"general.architecture", "llama"}, {"llama.expert_count", 8}};
  CHECK(contains(refusal(), "mixture of experts"));
  header.metadata = {{"general.architecture", "llama"}, {"split.count", 3}};
  CHECK(contains(refusal(), "join the parts"));
  header.metadata = {{"general.architecture", "llama"}, {"llama.rope.scaling.type", "yarn"}};
  CHECK(contains(refusal(), "its rotary scaling is \"yarn\""));
  header.metadata = {{"general.architecture", "llama"},
                     {"llama.embedding_length", 64},
                     {"llama.attention.head_count", 2},
                     {"llama.rope.dimension_count", 16}};
  CHECK(contains(refusal(), "a part of a head"));
  header.metadata = {{"general.architecture", "phi3"}};
  header.tensors["rope_factors_long.weight"] = {
      .type = find_gguf_type("f32"), .shape = {4}, .begin = 0};
  CHECK(contains(refusal(), "LongRoPE"));
}

TEST_CASE("a malformed GGUF file is refused in one sentence that says what is wrong") {
  CHECK(error_of(Small{}.text()).empty());
  CHECK(contains(error_of("abcdefgh"), "no GGUF file"));
  CHECK(contains(error_of("GGUF"), "version 0"));
  CHECK(contains(error_of(Small{.version = 1}.text()), "version 1"));
  CHECK(contains(error_of(Small{.tensors = std::uint64_t{1} << 60}.text()), "more tensors"));
  CHECK(contains(error_of(Small{.kind = 99}.text()), "a kind that GGUF does not have"));
  CHECK(contains(error_of(Small{.dimensions = 9}.text()), "too many dimensions"));
  CHECK(contains(error_of(Small{.dimensions = 4, .extent = std::uint64_t{1} << 32}.text()),
                 "larger than any memory"));
  CHECK(contains(error_of(Small{.extent = 0}.text()), "empty shape"));
  CHECK(contains(error_of(Small{.type = 77}.text()), "the type 77"));
  CHECK(contains(error_of(Small{.type = 2, .extent = 40}.text()), "no whole blocks"));
  CHECK(contains(error_of(Small{.offset = 7, .data_bytes = 500}.text()), "not aligned"));
  CHECK(contains(error_of(Small{.data_bytes = 200}.text()), "cut off"));
  CHECK(contains(error_of(Small{.offset = ~std::uint64_t{31}}.text()), "cut off"));
  const std::string whole = Small{}.text();
  for (std::size_t cut = 4; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(error_of(whole.substr(0, cut)).empty());
  }
}
