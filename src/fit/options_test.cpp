#include "fit/options.hpp"

#include "fit/test_files.hpp"

namespace mlbench::fit {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

const Option* find_option(const Answer& a, const std::string& word) {
  for (const auto& o : a.options) {
    if (o.change.find(word) != std::string::npos) return &o;
  }
  return nullptr;
}

Answer about(const std::string& model, const std::string& machine, const std::string& quant = "",
             std::int64_t batch = 1) {
  Request r;
  r.model = model, r.machine = machine, r.quant = quant, r.batch = batch;
  return must_ask(r);
}

}  // namespace

TEST_CASE("offloading beside a card is held against the machine's memory, where it is known") {
  const auto unknown = about("Llama-3.1-70B", "RTX 4090");
  const auto* option = find_option(unknown, "CPU");
  REQUIRE(option != nullptr);
  CHECK_FALSE(option->fits);
  CHECK(option->depends);
  CHECK(option->change.find("must have that much free") != std::string::npos);

  machine::Machine m;
  auto& gpu = m.gpus.emplace_back();
  gpu.name = "NVIDIA GeForce RTX 4090", gpu.memory_bytes = 24 * kGiB;
  Request r;
  r.model = "Llama-3.1-70B";
  for (const auto& [memory, holds] : {std::pair{64 * kGiB, false}, {256 * kGiB, true}}) {
    m.memory.total_bytes = memory;
    const auto question = resolve(r, m, {});
    REQUIRE(question.has_value());
    const auto a = answer(*question, r);
    REQUIRE(a.has_value());
    const auto* here = find_option(*a, "CPU");
    REQUIRE(here != nullptr);
    CHECK(here->fits == holds);
    CHECK_FALSE(here->depends);
  }
}

TEST_CASE("a batch that is too large is made smaller, and no context below 512 tokens is a cure") {
  const auto a = about("Mistral-7B", "M1 8c 8GB", "4bit", 64);
  REQUIRE_FALSE(a.fits);
  REQUIRE(a.largest_batch.has_value());
  const auto* batch = find_option(a, "a batch of ");
  REQUIRE(batch != nullptr);
  CHECK(batch->fits);
  CHECK(batch->command.find("--batch " + std::to_string(*a.largest_batch)) != std::string::npos);
  REQUIRE(a.largest_context.has_value());
  CHECK(*a.largest_context < 512);
  CHECK(find_option(a, "a context of") == nullptr);
  // Where both help, the batch comes first.
  const auto both = about("Mistral-7B", "M1 8c 16GB", "4bit", 64);
  const auto *first = find_option(both, "a batch of "), *second = find_option(both, "a context of");
  REQUIRE(first != nullptr);
  if (second != nullptr) CHECK(first < second);
}

TEST_CASE("a smaller model is offered in a kind that makes all its weights small") {
  for (const char* machine : {"RTX 3060", "M1 8c 16GB"}) {
    CAPTURE(machine);
    const auto a = about("gpt-oss-120b", machine);
    REQUIRE_FALSE(a.fits);
    int offered = 0;
    for (const auto& o : a.options) {
      if (!o.change.starts_with("a smaller model") || o.change.find("gpt-oss") != std::string::npos)
        continue;
      ++offered;
      CAPTURE(o.command);
      // "mlbench fit NAME --quant KIND --machine ...": no more than 5 bits a weight.
      const auto words = split(o.command, ' ');
      REQUIRE(words.size() > 4);
      REQUIRE(words[3] == "--quant");
      const auto again = about(std::string(words[2]), machine, std::string(words[4]));
      CHECK(again.need.weights_bytes * 8 < again.parameters * 5);
      CHECK(again.need.total_bytes == o.total_bytes);
    }
    CHECK(offered > 0);
  }
}

TEST_CASE("training, full and LoRA, is offered with activations that are computed again") {
  Request r;
  r.model = "Llama-3.1-8B", r.machine = "RTX 4090", r.context = 4096, r.dtype = "bfloat16";
  for (const std::string training : {"full", "lora"}) {
    CAPTURE(training);
    r.training = training;
    const auto a = must_ask(r);
    const auto* again =
        find_option(a, training == "full" ? "full training that computes activations again"
                                          : "LoRA that computes activations again");
    REQUIRE(again != nullptr);
    CHECK(again->command.empty());
    // Of a token and layer its input stays instead of 4·4096 + 2·4096 + 2·1024 + 4·14336 elements;
    // of one layer, all.
    const std::int64_t kept = 4 * 4096 + 2 * 4096 + 2 * 1024 + 4 * 14336;
    const std::int64_t saved = 4096 * 2 * (32 * kept - (32 * 4096 + kept));
    CHECK(*again->total_bytes == a.need.total_bytes - saved);
  }
  const auto lora = must_ask(r);
  const auto* both = find_option(lora, "(int4) that computes activations again");
  if (both == nullptr) both = find_option(lora, "(q4_0) that computes activations again");
  REQUIRE(both != nullptr);
  CHECK(both->fits);
}

TEST_CASE("full training of quantised weights is refused, and LoRA beside them is not") {
  Request r;
  r.model = "Mistral-7B", r.machine = "M4 Max 40c 128GB", r.quant = "4bit", r.training = "full";
  const auto full = ask(r);
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().kind == ErrorKind::usage);
  CHECK(full.error().message.find("--train lora") != std::string::npos);
  r.training = "lora";
  CHECK(ask(r).has_value());
  r.model = "gpt-oss-20b", r.quant = "", r.training = "full";  // released in MXFP4
  CHECK_FALSE(ask(r).has_value());
  r.dtype = "bfloat16";
  CHECK(ask(r).has_value());
}

}  // namespace mlbench::fit
