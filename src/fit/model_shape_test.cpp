#include "fit/test_files.hpp"
#include "model/known_models.hpp"
#include "model/tensors.hpp"

namespace mlbench::fit {
namespace {

/// Small configs that transformers itself wrote, with every tensor that it makes of them.
std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test_path("families"))) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(".expected.json")) names.push_back(name.substr(0, name.find('.')));
  }
  std::sort(names.begin(), names.end());
  return names;
}

const std::string kLlama =
    R"({"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,)"
    R"("num_attention_heads":4,"vocab_size":100)";

}  // namespace

TEST_CASE("every known model has exactly the parameters that its entry and its publisher state") {
  REQUIRE(model::known_models().size() == 37);
  const auto file = parse_json(test_text("../../../data/models.json"));
  REQUIRE(file.has_value());
  for (std::size_t i = 0; i < model::known_models().size(); ++i) {
    const auto& m = model::known_models()[i];
    CAPTURE(m.shape.name);
    CHECK(parameter_count(m.shape) == m.parameters);
    CHECK(model::check_shape(m.shape).has_value());
    if (const auto published = find_int((*file)["models"][i], "published_parameters")) {
      CHECK(parameter_count(m.shape) == *published);
    }
  }
}

TEST_CASE(
    "what one token of a known model reads is exactly its matrices, chosen experts and norms") {
  for (const auto& m : model::known_models()) {
    CAPTURE(m.shape.name);
    double read = 0;
    for (const auto& t : tensors_of(m.shape)) {
      read += static_cast<double>(t.parameters()) * read_fraction(m.shape, t, 1);
    }
    // The data file leaves out a last norm or a router's biases; a matrix would be far above this.
    CHECK(read == doctest::Approx(static_cast<double>(m.parameters_read_per_token)).epsilon(1e-5));
  }
}

TEST_CASE("configs of transformers give the very parameters and windows that transformers makes") {
  REQUIRE(families().size() >= 19);
  for (const auto& name : families()) {
    CAPTURE(name);
    const Json expected = test_json("families/" + name + ".expected.json");
    const auto shape = model::parse_config(test_text("families/" + name + ".json"), name);
    REQUIRE_MESSAGE(shape.has_value(), (shape ? "" : shape.error().message));
    CHECK(parameter_count(*shape) == expected["parameters"].get<std::int64_t>());
    CHECK(shape->sliding_layers == expected["sliding_layers"].get<std::int64_t>());
    CHECK(shape->notes.empty());
  }
}

TEST_CASE("published configs of transformers 4 and 5 give the models that are known by name") {
  const std::map<std::string, std::string> names = {{"mistral-7b-v0.1", "Mistral-7B-v0.1"},
                                                    {"mistral-7b-v0.3", "Mistral-7B-v0.3"},
                                                    {"llama-3.2-1b", "Llama-3.2-1B"},
                                                    {"qwen2.5-7b", "Qwen2.5-7B"},
                                                    {"gemma-3-4b", "Gemma-3-4B"},
                                                    {"gpt-oss-20b", "gpt-oss-20b"},
                                                    {"qwen3-30b-a3b", "Qwen3-30B-A3B"},
                                                    {"phi-2", "Phi-2"},
                                                    {"gemma-2-9b", "Gemma-2-9B"}};
  for (const auto& [file, name] : names) {
    const auto path = test_path("hub/" + file + ".json");
    CAPTURE(path);
    const auto shape = model::read_config(path);
    REQUIRE_MESSAGE(shape.has_value(), (shape ? "" : shape.error().message));
    const auto known = model::find_model(name);
    REQUIRE(known.has_value());
    CHECK(parameter_count(*shape) == known->parameters);
    CHECK(shape->sliding_layers == known->shape.sliding_layers);
    CHECK(shape->sliding_window == known->shape.sliding_window);
    CHECK(shape->max_context == known->shape.max_context);
    CHECK(shape->quant == known->shape.quant);
    CHECK(kv_cache_bytes(*shape, 1, 8192, 2) == kv_cache_bytes(known->shape, 1, 8192, 2));
  }
  CHECK(model::read_config(test_path("hub/gemma-3-4b.json"))->notes.size() ==
        1);  // the image encoder
}

TEST_CASE("models whose memory is not understood are named as such, without a guess") {
  for (const auto& entry : std::filesystem::directory_iterator(test_path("families"))) {
    const auto file = entry.path().filename().string();
    if (!file.starts_with("refused_")) continue;
    CAPTURE(file);
    const auto shape = model::parse_config(test_text("families/" + file), file);
    REQUIRE_FALSE(shape.has_value());
    CHECK(shape.error().kind == ErrorKind::unsupported);
    CHECK(shape.error().message.find("not known here") != std::string::npos);
  }
  const auto latent = model::read_config(test_path("hub/minicpm3.json"));
  REQUIRE_FALSE(latent.has_value());
  CHECK(latent.error().kind == ErrorKind::unsupported);
  CHECK(latent.error().message.find("lora_rank") != std::string::npos);
}

TEST_CASE("a feature that a config switches off does not make the model unknown") {
  const auto shape = model::parse_config(
      kLlama + R"(,"kv_lora_rank":null,"num_experts":0,"use_mamba":false})", "c");
  CHECK(shape.has_value());
  CHECK_FALSE(model::parse_config(kLlama + R"(,"kv_lora_rank":512})", "c").has_value());
  CHECK_FALSE(model::parse_config(kLlama + R"(,"num_experts":8})", "c").has_value());
  CHECK_FALSE(
      model::parse_config(kLlama + R"(,"layer_types":["full_attention","linear_attention"]})", "c")
          .has_value());
}

TEST_CASE("a malformed config gets one sentence that names the file and the field") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "not valid JSON"},
      {"[]", "one JSON object"},
      {"7", "one JSON object"},
      {"{}", "model_type"},
      {R"({"model_type":3})", "model_type"},
      {R"({"model_type":"llama"})", "num_hidden_layers"},
      {kLlama + R"(,"num_key_value_heads":3})", "num_attention_heads"},
      {kLlama + R"(,"num_key_value_heads":0})", "num_key_value_heads"},
      {kLlama + R"(,"num_key_value_heads":-4})", "num_key_value_heads"},
      {kLlama + R"(,"head_dim":"wide"})", "head_dim"},
      {kLlama + R"(,"head_dim":1e30})", "head_dim"},
      {kLlama + R"(,"head_dim":18446744073709551615})", "head_dim"},
      {kLlama + R"(,"tie_word_embeddings":"yes"})", "tie_word_embeddings"},
      {kLlama + R"(,"layer_types":"all"})", "layer_types"},
      {kLlama + R"(,"layer_types":["full_attention"]})", "layer_types"},
      {kLlama + R"(,"layer_types":[1,2]})", "layer_types"},
      {R"({"model_type":"llama","hidden_size":65,"intermediate_size":1,"num_hidden_layers":1,)"
       R"("num_attention_heads":4,"vocab_size":9})",
       "hidden_size"},
      {R"({"model_type":"mixtral","hidden_size":4194304,"intermediate_size":4194304,)"
       R"("num_hidden_layers":4096,"num_attention_heads":64,"vocab_size":100000,)"
       R"("num_local_experts":65536,"num_experts_per_tok":1})",
       "10^15"},
      {R"({"text_config":{"model_type":"llama","hidden_size":"x"}})", "text_config."},
      {std::string(200, '[') + std::string(200, ']'), "not valid JSON"},
  };
  for (const auto& [text, word] : bad) {
    const auto beginning = std::string(text).substr(0, 200);
    CAPTURE(beginning);
    const auto shape = model::parse_config(text, "dir/config.json");
    REQUIRE_FALSE(shape.has_value());
    CHECK(shape.error().message.starts_with("dir/config.json: "));
    CHECK(shape.error().message.find(word) != std::string::npos);
    CHECK(shape.error().message.find('\n') == std::string::npos);
    CHECK(shape.error().message.size() < 500);
  }
}

TEST_CASE("a file that is no config is refused without being read whole") {
  const auto folder = std::filesystem::temp_directory_path() / "mlbench_fit_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << std::string(10 << 20, ' ');
  const auto large = model::read_config(folder.string());
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().message.find("4 MiB") != std::string::npos);
  std::filesystem::remove_all(folder);
  CHECK(model::read_config(folder.string()).error().kind == ErrorKind::usage);
}

TEST_CASE("names find models in any spelling, and unknown ones find their nearest") {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"Mistral-7B", "Mistral-7B-v0.3"},
      {"mistral 7b v0.1", "Mistral-7B-v0.1"},
      {"mistralai/Mistral-7B-Instruct-v0.3", "Mistral-7B-v0.3"},
      {"meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B"},
      {"Meta-Llama-3-8B", "Llama-3-8B"},
      {"Qwen/Qwen3-4B-Instruct-2507", "Qwen3-4B"},
      {"google/gemma-3-12b-it", "Gemma-3-12B"},
      {"openai/gpt-oss-120b", "gpt-oss-120b"},
      {"TinyLlama", "TinyLlama-1.1B"},
      {"PHI2", "Phi-2"}};
  for (const auto& [text, name] : names) {
    const std::string asked = text;
    CAPTURE(asked);
    const auto found = model::find_model(text);
    REQUIRE_MESSAGE(found.has_value(), (found ? "" : found.error().message));
    CHECK(found->shape.name == name);
  }
  CHECK(model::find_model("Mistral-7X").error().message.find("did you mean Mistral-7B") !=
        std::string::npos);
  CHECK(model::find_model("qwen3-4")->shape.name == "Qwen3-4B");
  CHECK(model::find_model("Llama").error().message.find("could be any of") != std::string::npos);
  CHECK(model::find_model("").error().kind == ErrorKind::usage);
  CHECK(model::find_model("///").error().kind == ErrorKind::usage);
}

}  // namespace mlbench::fit
