#include "model/safetensors.hpp"

#include "model/checkpoint.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

using namespace mlbench;
using namespace mlbench::model;

namespace {

namespace fs = std::filesystem;

std::string file_of(const std::string& header, std::size_t data_bytes,
                    std::optional<std::uint64_t> claimed = std::nullopt) {
  const std::uint64_t length = claimed.value_or(header.size());
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data_bytes, 'x');
}

std::string error_of(const std::string& file) {
  const auto header = parse_safetensors(file, file.size());
  return header ? "" : header.error().message;
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

/// A folder of its own, removed at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("mlbench-model-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a safetensors header gives names, dtypes, shapes and places") {
  const auto header = parse_safetensors(
      file_of("{" + tensor("a", "F32", "[2,3]", "[0,24]") + "," +
                  tensor("b", "BF16", "[]", "[24,26]") + R"(,"__metadata__":{"format":"pt"}})",
              26),
      8 + 200);
  // The file is as long as it is; a wrong length is another test.
  CHECK_FALSE(header);
  const std::string file = file_of("{" + tensor("a", "F32", "[2,3]", "[0,24]") + "," +
                                       tensor("b", "BF16", "[]", "[24,26]") + "}",
                                   26);
  const auto good = parse_safetensors(file, file.size());
  REQUIRE(good);
  CHECK(good->size() == 2);
  CHECK(good->at("a").shape == std::vector<std::int64_t>{2, 3});
  CHECK(good->at("b").storage == Storage::BF16);
  CHECK(good->at("b").begin == 24);
}

TEST_CASE("a malformed safetensors file is refused in one sentence that says what is wrong") {
  CHECK(contains(error_of("abc"), "too short"));
  CHECK(contains(error_of(file_of("{}", 0, std::uint64_t{1} << 60)), "more than 100 MB"));
  CHECK(contains(error_of(file_of("{}", 0, 5000)), "cut off"));
  CHECK(contains(error_of(file_of("{", 0)), "not a JSON object"));
  CHECK(contains(error_of(file_of("[1]", 0)), "not a JSON object"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F32", "[4]", "[0,16]") + "}", 8)), "cut off"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F99", "[4]", "[0,16]") + "}", 16)), "F99"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F32", "[-4]", "[0,16]") + "}", 16)),
                 "whole numbers"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F32", "[4.5]", "[0,16]") + "}", 16)),
                 "whole numbers"));
  CHECK(contains(
      error_of(file_of("{" + tensor("a", "F32", "[4294967296,4294967296]", "[0,16]") + "}", 16)),
      "larger than any memory"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F32", "[4]", "[0,12]") + "}", 16)),
                 "do not match"));
  CHECK(
      contains(error_of(file_of("{" + tensor("a", "F32", "[4]", "[16,0]") + "}", 16)), "no range"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F32", "[4]", "[0,16]") + "," +
                                      tensor("b", "F32", "[4]", "[8,24]") + "}",
                                  24)),
                 "overlap"));
  CHECK(contains(error_of(file_of("{" + tensor("a", "F32", "[4]", "[0,16]") + "}", 20)),
                 "belong to no tensor"));
}

TEST_CASE("a shard index names files beside it only") {
  CHECK(parse_shard_index(R"({"weight_map":{"a":"model-1.safetensors"}})"));
  for (const std::string name : {"../secret", "/etc/passwd", "a/b", "..", ""}) {
    CAPTURE(name);
    const auto index = parse_shard_index(R"({"weight_map":{"a":")" + name + R"("}})");
    REQUIRE_FALSE(index);
    CHECK(contains(index.error().message, "only files beside it are read"));
  }
  CHECK_FALSE(parse_shard_index("{}"));
  CHECK_FALSE(parse_shard_index("7"));
}

TEST_CASE(
    "weights of a folder come from the shard that the index names, and must be what is asked for") {
  const Folder folder;
  folder.write("one.safetensors", file_of("{" + tensor("a", "F32", "[1]", "[0,4]") + "}", 4));
  folder.write("two.safetensors", file_of("{" + tensor("b", "I32", "[1]", "[0,4]") + "}", 4));
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  const auto weights = folder_weights(folder.path.string());
  REQUIRE(weights);
  CHECK((*weights)->has("a"));
  CHECK((*weights)->get("a", {1}, 0));
  const auto missing = (*weights)->get("c", {1}, 0);
  REQUIRE_FALSE(missing);
  CHECK(contains(missing.error().message, "there is no tensor c"));
  const auto shape = (*weights)->get("a", {2, 2}, 0);
  REQUIRE_FALSE(shape);
  CHECK(contains(shape.error().message, "2x2"));
  const auto dtype = (*weights)->get("b", {1}, 0);
  REQUIRE_FALSE(dtype);
  CHECK(contains(dtype.error().message, "I32"));
}

TEST_CASE("a folder that MLX quantised weighs what it holds, in the dtype that it runs in") {
  const Folder folder;
  const std::string q = "model.layers.0.self_attn.q_proj";
  folder.write("model.safetensors",
               file_of("{" + tensor(q + ".weight", "U32", "[4,4]", "[0,64]") + "," +
                           tensor(q + ".scales", "F16", "[4,1]", "[64,72]") + "," +
                           tensor(q + ".biases", "F16", "[4,1]", "[72,80]") + "," +
                           tensor(q + ".bias", "F16", "[4]", "[80,88]") + "," +
                           tensor("model.layers.0.mlp.gate.weight", "F16", "[2,8]", "[88,120]") +
                           "," + tensor("model.embed_tokens.weight", "F16", "[8,8]", "[120,248]") +
                           "," + tensor("vision_tower.a.weight", "F16", "[2,2]", "[248,256]") + "}",
                       256));
  const auto held = checkpoint_bytes(folder.path.string(), DType::float32);
  REQUIRE(held);
  CHECK(held->embedding == 64 * 4);
  CHECK(held->others == 64 + 4 * 4 + 4 * 4);  // words as they are, scales and offsets in float32
}

TEST_CASE(
    "a config says how weights are stored where it lies with them, and of none where it is alone") {
  const Folder folder;
  folder.write("config.json", R"({"model_type":"llama","num_hidden_layers":1,"hidden_size":64,
    "num_attention_heads":2,"intermediate_size":64,"vocab_size":8,
    "quantization":{"bits":4,"group_size":32}})");
  const auto whole = spec_of(folder.path.string());
  REQUIRE(whole);
  CHECK(whole->shape.stored == "4bit-g32");
  const auto alone = spec_of((folder.path / "config.json").string());
  REQUIRE(alone);
  CHECK(alone->shape.stored.empty());
}

TEST_CASE("a folder without weights, and a shard that is missing, are named") {
  const Folder folder;
  const auto none = folder_weights(folder.path.string());
  REQUIRE_FALSE(none);
  CHECK(contains(none.error().message, "neither model.safetensors"));
  folder.write("model.safetensors.index.json", R"({"weight_map":{"a":"gone.safetensors"}})");
  const auto gone = folder_weights(folder.path.string());
  REQUIRE_FALSE(gone);
  CHECK(contains(gone.error().message, "gone.safetensors"));
}
