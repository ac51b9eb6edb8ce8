#include "fit/fit.hpp"

#include "fit/test_files.hpp"
#include "model/known_models.hpp"

namespace mlbench::fit {
namespace {

Request about(const std::string& model, const std::string& machine) {
  Request r;
  r.model = model, r.machine = machine;
  return r;
}

const Option* find_option(const Answer& a, const std::string& word) {
  for (const auto& o : a.options) {
    if (o.change.find(word) != std::string::npos) return &o;
  }
  return nullptr;
}

}  // namespace

TEST_CASE(
    "the seed's question: Mistral-7B in float16 fits a Mac of 24 GiB, and not one of 16 GiB") {
  auto r = about("Mistral-7B", "M5 10c 24GB");
  r.dtype = "float16";
  const auto fits = must_ask(r);
  CHECK(fits.fits);
  CHECK_FALSE(fits.binding.has_value());
  CHECK(fits.tightest == LimitKind::working_set);
  CHECK(fits.need.weights_bytes == 2 * 7248023552);
  // No single tensor comes near the limit of one buffer: that was never what stood in the way.
  CHECK(fits.need.largest_buffer_bytes == 32768 * 4096 * 2);
  CHECK(fits.need.largest_buffer_bytes * 10 < *fits.question.target.largest_buffer.bytes);
  r.machine = "M1 8c 16GB";
  const auto not_here = must_ask(r);
  CHECK_FALSE(not_here.fits);
  CHECK(not_here.binding == LimitKind::working_set);
  REQUIRE(find_option(not_here, "4-bit") != nullptr);
  CHECK(find_option(not_here, "4-bit")->fits);
}

TEST_CASE("each need is held against its own limit, and the one broken furthest binds") {
  Target t;
  t.working_set = {100, ""}, t.memory = {200, ""}, t.largest_buffer = {50, ""};
  Need n;
  n.total_bytes = 90, n.largest_buffer_bytes = 10;
  CHECK(judge(n, t).fits);
  CHECK(judge(n, t).tightest == LimitKind::working_set);
  n.largest_buffer_bytes = 60;
  CHECK_FALSE(judge(n, t).fits);
  CHECK(judge(n, t).tightest == LimitKind::largest_buffer);
  n.total_bytes = 300;
  CHECK(judge(n, t).tightest == LimitKind::working_set);
  t.working_set.bytes.reset();
  CHECK(judge(n, t).tightest == LimitKind::memory);
  CHECK_FALSE(judge(n, Target{}).tightest.has_value());
}

TEST_CASE("the largest context and batch fit, and one more does not") {
  auto r = about("Llama-3.1-8B", "M4 10c 16GB");
  r.quant = "4bit";
  const auto a = must_ask(r);
  REQUIRE(a.largest_context.has_value());
  r.context = *a.largest_context;
  CHECK(must_ask(r).fits);
  r.context = *a.largest_context + 1;
  CHECK_FALSE(must_ask(r).fits);
  r.context.reset(), r.batch = *a.largest_batch;
  CHECK(must_ask(r).fits);
  r.batch = *a.largest_batch + 1;
  CHECK_FALSE(must_ask(r).fits);
}

TEST_CASE(
    "every option that fits does fit when it is asked about, and one that does not is not offered "
    "as a cure") {
  for (const auto& [model, machine] : {std::pair{"Llama-3.1-70B", "M4 Max 40c 64GB"},
                                       {"Mistral-7B", "M2 8c 8GB"},
                                       {"Qwen2.5-32B", "RTX 4090"},
                                       {"gpt-oss-120b", "M3 Max 40c 64GB"}}) {
    const std::string asked = model;
    CAPTURE(asked);
    const auto a = must_ask(about(model, machine));
    REQUIRE_FALSE(a.fits);
    REQUIRE_FALSE(a.options.empty());
    for (const auto& o : a.options) {
      CAPTURE(o.change);
      if (!o.total_bytes || o.change.find("CPU") != std::string::npos ||
          o.change.find("limit") != std::string::npos)
        continue;
      CHECK(o.fits == (*o.total_bytes <= *a.question.target.working_set.bytes));
    }
    CHECK(find_option(a, "CPU") != nullptr);
    CHECK(find_option(a, "smaller model") != nullptr);
  }
}

TEST_CASE(
    "the wired limit is offered with the exact command, and only where the system keeps enough") {
  // 21.3 GiB of weights in 8 bit: above the working set of 18.7 GiB, below memory less the system's
  // share.
  auto r = about("Qwen2.5-14B", "M4 10c 24GB");
  r.quant = "8bit";
  r.context = 16384;
  const auto a = must_ask(r);
  REQUIRE_FALSE(a.fits);
  const auto* option = find_option(a, "GPU's limit raised");
  REQUIRE(option != nullptr);
  REQUIRE(option->fits);
  CHECK(option->command.starts_with("sudo sysctl iogpu.wired_limit_mb="));
  const auto mib = parse_int(option->command.substr(option->command.find('=') + 1));
  REQUIRE(mib.has_value());
  CHECK(*mib * (1 << 20) > a.need.total_bytes);
  CHECK(*mib * (1 << 20) <= *a.question.target.memory.bytes);
  // A raised limit makes it fit.
  Case c = a.question;
  c.target.working_set.bytes = *mib * (1 << 20);
  CHECK(answer(c, r)->fits);
  r.machine = "M4 10c 16GB";
  CHECK_FALSE(find_option(must_ask(r), "GPU's limit raised")->fits);
}

TEST_CASE("offloading on unified memory is said to free nothing") {
  const auto a = must_ask(about("Mistral-7B", "M1 8c 8GB"));
  const auto* option = find_option(a, "CPU");
  REQUIRE(option != nullptr);
  CHECK_FALSE(option->fits);
  CHECK(option->change.find("frees no memory") != std::string::npos);
}

TEST_CASE("training offers what makes it cheaper") {
  auto r = about("Llama-3.1-8B", "M4 Max 40c 64GB");
  r.training = "full";
  const auto a = must_ask(r);
  CHECK_FALSE(a.fits);
  REQUIRE(find_option(a, "LoRA of rank 16") != nullptr);
  CHECK(find_option(a, "LoRA of rank 16")->fits);
  CHECK_FALSE(a.speed.decode.has_value());
}

TEST_CASE(
    "the document has the fields that docs/json.md promises, and null where nothing is known") {
  const Json json = to_json(must_ask(about("Mistral-7B", "M5 10c 24GB")));
  for (const char* key :
       {"schema", "model", "fits", "binding_limit", "weights_bytes", "kv_bytes", "activation_bytes",
        "overhead_bytes", "total_bytes", "largest_buffer_bytes", "limits", "decode_tokens_per_s",
        "prefill_tokens_per_s", "runtime", "options"}) {
    CAPTURE(key);
    CHECK(json.contains(key));
  }
  CHECK(json["schema"] == "mlbench.fit/1");
  CHECK(json["binding_limit"].is_null());
  CHECK(json["total_bytes"].get<std::int64_t>() ==
        json["weights_bytes"].get<std::int64_t>() + json["kv_bytes"].get<std::int64_t>() +
            json["activation_bytes"].get<std::int64_t>() +
            json["overhead_bytes"].get<std::int64_t>());
  CHECK(json["decode_tokens_per_s"]["low"].get<double>() <
        json["decode_tokens_per_s"]["value"].get<double>());
  const Json here = to_json(must_ask(about("Mistral-7B", "this")));
  CHECK(here["decode_tokens_per_s"].is_null());
  CHECK(here["limits"]["working_set_bytes"].is_null());
}

TEST_CASE("a measured run here corrects speed for its kind of weights, and memory for all") {
  Request r = about("Mistral-7B", "M5 10c 24GB");
  r.runtime = "torch";
  auto question = resolve(r, {}, {});
  REQUIRE(question.has_value());
  const auto plain = answer(*question, r);
  Correction c;
  c.format = question->format.name, c.decode_rate = 0.5, c.prefill_rate = 2,
  c.source = "run, model";
  c.overhead_bytes = 1e8;
  question->constants.correction = c;
  const auto corrected = answer(*question, r);
  CHECK(corrected->speed.decode->value == doctest::Approx(plain->speed.decode->value / 2));
  CHECK(corrected->speed.prefill->value == doctest::Approx(plain->speed.prefill->value * 2));
  CHECK(corrected->need.overhead_bytes == 100'000'000);
  CHECK(corrected->need.weights_bytes == plain->need.weights_bytes);
  CHECK(corrected->notes.back().find("run, model") != std::string::npos);
  question->constants.correction->format = "4bit";
  const auto other = answer(*question, r);
  CHECK(other->speed.decode->value == doctest::Approx(plain->speed.decode->value));
  CHECK(other->need.overhead_bytes == 100'000'000);
}

TEST_CASE("where constants know several kinds of weights, what one kind showed holds for others") {
  Request r = about("Mistral-7B", "M5 10c 24GB");
  r.runtime = "mlx-lm";
  auto question = resolve(r, {}, {});
  REQUIRE(question.has_value());
  const auto plain = answer(*question, r);
  question->constants.correction = Correction{};
  question->constants.correction->format = "8bit";
  question->constants.correction->decode_rate = 0.9;
  const auto corrected = answer(*question, r);
  CHECK(corrected->speed.decode->value == doctest::Approx(plain->speed.decode->value * 0.9));
  CHECK(corrected->notes.back().find("only memory") == std::string::npos);
}

TEST_CASE(
    "a measured model corrects by rates, and on a GPU by launches where these took the time") {
  const Pass step{.predicted_s = 0.010, .measured_s = 0.012};
  const Pass prompt{.predicted_s = 1, .measured_s = 0.8};
  for (const bool on_gpu : {false, true}) {
    Correction c;
    set_speeds(c, step, prompt, {.decode = 0.5, .prefill = 0.7}, 10, on_gpu);
    CHECK(c.decode_rate == doctest::Approx(1 / 1.2));
    CHECK(c.prefill_rate == doctest::Approx(1.25));
    CHECK(c.layer_s == 0);
  }
  // Five times as long as predicted: a slow CPU, or a GPU that waits for its host.
  const Pass slow_step{.predicted_s = 0.002, .measured_s = 0.010};
  Correction cpu, gpu;
  set_speeds(cpu, slow_step, prompt, {.decode = 0.5, .prefill = 0.7}, 10, false);
  CHECK(cpu.decode_rate == doctest::Approx(0.2));
  CHECK(cpu.layer_s == 0);
  set_speeds(gpu, slow_step, prompt, {.decode = 0.5, .prefill = 0.7}, 10, true);
  CHECK(gpu.decode_rate == 1);
  CHECK(gpu.layer_s == doctest::Approx(0.001));
  CHECK(gpu.prefill_rate == doctest::Approx(1.25));
  // A prompt as short as a step says nothing of the GPU.
  const Pass short_prompt{.predicted_s = 0.0005, .measured_s = 0.011};
  Correction launched;
  set_speeds(launched, slow_step, short_prompt, {.decode = 0.5, .prefill = 0.7}, 10, true);
  CHECK(launched.prefill_rate == doctest::Approx(0.7));
}

TEST_CASE("launches that a small model showed bound other small models and not large prompts") {
  Request r = about("synthetic-122M", "H100");
  r.runtime = "torch", r.dtype = "bfloat16", r.context = 512;
  auto question = resolve(r, {}, {});
  REQUIRE(question.has_value());
  const auto plain = answer(*question, r);
  CHECK(plain->speed.decode->low < 300);
  Correction c;
  c.format = question->format.name, c.layer_s = 0.4e-3;
  question->constants.correction = c;
  const auto again = answer(*question, r);
  const auto layers = static_cast<double>(question->shape.layers);
  CHECK(again->speed.decode->value == doctest::Approx(1 / (layers * c.layer_s)));
  CHECK(again->speed.prefill->value == doctest::Approx(512 / (layers * c.layer_s)));
  question->load.context = 65536;  // long enough for its arithmetic to take over
  const auto longer = answer(*question, r);
  CHECK(longer->speed.prefill->value > 2 * again->speed.prefill->value);

  // Without launches too: PyTorch has no rows on GPUs, and mlx-lm has.
  const auto width = [](const Case& q, const Request& asked) {
    const auto speed = answer(q, asked)->speed;
    return speed.prefill->high / speed.prefill->low;
  };
  question->load.context = 512, question->constants.correction->layer_s = 0;
  CHECK(width(*question, r) == doctest::Approx(kWideHigh / kWideLow));
  const Request mac = about("Mistral-7B", "M4 Max 40c 64GB");
  auto on_mac = resolve(mac, {}, {});
  REQUIRE(on_mac.has_value());
  on_mac->constants.correction = Correction{};
  on_mac->constants.correction->format = on_mac->format.name;
  CHECK(width(*on_mac, mac) == doctest::Approx(kCorrectedHigh / kCorrectedLow));
}

TEST_CASE("a question that cannot be asked gets a sentence that names the flag") {
  const auto bad = [](auto change, const std::string& word) {
    Request r = about("Mistral-7B", "M5 10c 24GB");
    change(r);
    const auto a = ask(r);
    REQUIRE_FALSE(a.has_value());
    CHECK(a.error().kind == ErrorKind::usage);
    CHECK(a.error().message.find(word) != std::string::npos);
  };
  bad([](Request& r) { r.context = 0; }, "--context");
  bad([](Request& r) { r.context = -5; }, "--context");
  bad([](Request& r) { r.batch = 0; }, "--batch");
  bad([](Request& r) { r.dtype = "int3"; }, "--dtype");
  bad([](Request& r) { r.quant = "9bit"; }, "--quant");
  bad([](Request& r) { r.quant = "4bit", r.dtype = "float16"; }, "--quant");
  bad([](Request& r) { r.training = "some"; }, "--train");
  bad([](Request& r) { r.runtime = "tensorflow"; }, "--runtime");
  bad([](Request& r) { r.model = ""; }, "model");
  bad([](Request& r) { r.model = "no/such/config.json"; }, "no/such/config.json");
}

}  // namespace mlbench::fit
