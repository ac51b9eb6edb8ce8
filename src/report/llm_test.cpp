#include "report/llm.hpp"

#include "report/stored_run_for_tests.hpp"

#include <algorithm>

using namespace mlbench;
using namespace mlbench::report;

namespace {

LlmReport stored() {
  const auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE_MESSAGE(run, (run ? "" : run.error().message));
  return build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl");
}

}  // namespace

TEST_CASE("llm prints each framework's rates, what its words mean, and who is faster") {
  const auto text = llm_text(stored());
  for (const char* part :
       {"synthetic-32M · float32 · 31.99 million parameters", "prompt 128", "decode at 128",
        "PyTorch", "MLX", "tok/s", "TTFT / TPOT", "32.0 bits each", "invented weights, seed 1",
        "checked: every output against the decoder in float64", "TTFT: prompt to first token"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("golden: what llm prints of a real run, for people and for programs") {
  check_golden("llm.txt", llm_text(stored()));
  check_golden("llm.json", rounded_numbers(to_json(stored())).dump(1) + "\n");
}

TEST_CASE("tokens a second, bytes a second and time per token of decode say the same") {
  const auto report = stored();
  REQUIRE(report.subjects.size() == 2);
  for (const auto& s : report.subjects) {
    REQUIRE(s.decode.size() == 1);
    const auto& e = s.decode.front();
    REQUIRE(e.time);
    CHECK(*e.tokens_per_s * e.time->median_s == doctest::Approx(1));
    CHECK(*e.bytes_per_s == doctest::Approx(*e.tokens_per_s * *e.bytes_per_token));
    CHECK(e.token_times->count == 8 * 2 * 14);  // rounds, blocks, tokens between the ends
    CHECK(*s.bits_per_weight == doctest::Approx(32).epsilon(0.001));
    // A measured token between others takes about what all of them take on average.
    CHECK(e.token_times->p50_s == doctest::Approx(e.time->median_s).epsilon(0.25));
  }
}

TEST_CASE("a run of a language model shows whether its verdicts deserve trust") {
  auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE(run);
  CHECK(build_llm_report(*run, "").controls["trusted"].is_null());  // it has none
  const auto add = [&](const Json& line) { REQUIRE(run->add(line)); };
  const auto control = [&](const char* id, double extra, double ratio) {
    add({{"type", "case"},
         {"case", id},
         {"workload", "gemm"},
         {"dtype", "float32"},
         {"params", {{"m", 64}, {"n", 64}, {"k", 64}}},
         {"flop", 524288},
         {"bytes", 49152},
         {"unit", "flop_per_s"},
         {"control", {{"subject", "torch:cpu"}, {"extra_work", extra}}}});
    for (const char* subject : {"torch:cpu", "torch@again:cpu"})
      add({{"type", "prepared"}, {"case", id}, {"subject", subject}, {"calls", 20}});
    for (int round = 0; round < 8; ++round) {
      for (const bool twin : {false, true})
        add({{"type", "block"},
             {"round", round},
             {"case", id},
             {"subject", twin ? "torch@again:cpu" : "torch:cpu"},
             {"row", 0},
             {"calls", 20},
             {"extra_calls", twin && extra > 0 ? 1 : 0},
             {"samples_s", {9.0, 1e-3 * (twin ? ratio : 1 + 1e-4 * round)}}});
      add({{"type", "slot"},
           {"round", round},
           {"case", id},
           {"subjects", {"torch:cpu", "torch@again:cpu"}}});
    }
  };
  add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "torch@again:cpu"}, {"control", true}});
  control("null", 0, 1.03);
  control("positive", 0.05, 1.05);
  const auto report = build_llm_report(*run, "");
  CHECK(report.controls["trusted"] == false);
  CHECK(to_json(report)["controls"]["null"]["outcome"] == "different");
  CHECK(to_json(report)["controls"]["positive"]["outcome"] == "found");
  const auto text = llm_text(report);
  CHECK(text.find("A against A: DIFFERENT") != std::string::npos);
  CHECK(text.find("5 % more work: found") != std::string::npos);
}

TEST_CASE("a run that took longer than it was asked to says why") {
  auto report = stored();
  report.duration_s = 130, report.budget_s = 60, report.min_rounds = 3;
  CHECK(llm_text(report).find("TIME     2 min 10 s, longer than the budget of 1 min") !=
        std::string::npos);
  report.duration_s = 70;
  CHECK(llm_text(report).find("longer than") == std::string::npos);
}

TEST_CASE("a run whose model has gone since leaves nothing to print, and does not crash") {
  auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE(run);
  for (auto& c : run->cases) {
    if (c.definition.params.contains("model")) c.definition.params["model"] = "/gone/model.gguf";
  }
  const auto report = build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl");
  CHECK(report.model.empty());
  for (const auto& s : report.subjects) CHECK(s.decode.empty());
}

TEST_CASE("a model that was not measured leaves no figure, and the reason in the text") {
  auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE(run);
  for (auto& c : run->cases) {
    for (auto& [subject, cell] : c.cells) {
      if (subject == "mlx:cpu") cell.status = store::CaseStatus::timed_out, cell.reason = "60 s";
    }
  }
  const auto report = build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl");
  CHECK_FALSE(report.subjects[1].decode.front().tokens_per_s);
  CHECK(llm_text(report).find("timed_out") != std::string::npos);
}

TEST_CASE("where several kinds of weights were measured each row names its own") {
  auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE(run);
  for (auto& c : run->cases) {
    if (c.definition.workload == "prefill") c.definition.params["quant"] = "8bit";
    if (c.definition.workload == "decode") c.definition.params["quant"] = "int8";
  }
  const auto report = build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl");
  CHECK(report.quant == "8bit, int8");
  const auto text = llm_text(report);
  CHECK(text.find("prompt 128 8bit") != std::string::npos);
  CHECK(text.find("decode at 128 int8") != std::string::npos);
  CHECK(to_json(report)["subjects"][0]["decode"][0]["quant"] == "int8");
}

TEST_CASE("what quantising does to the logits is told, with the case that it was computed for") {
  auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE(run);
  for (auto& c : run->cases) {
    if (!c.definition.params.contains("model")) continue;
    c.definition.params["quant"] = "4bit";
    for (auto& [subject, cell] : c.cells) {
      if (!cell.check) continue;
      cell.check->output_error = 0.0731;
      cell.check->output_error_of = "decode/bfloat16/small";
    }
  }
  const auto report = build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl");
  CHECK(llm_text(report).find("4bit weights change the logits by 7.3 % (rms, against dense ones, "
                              "of decode/bfloat16/small)") != std::string::npos);
  const auto error = to_json(report)["subjects"][0]["decode"][0]["output_error"];
  CHECK(error["relative_rms"] == 0.0731);
  CHECK(error["case"] == "decode/bfloat16/small");
  CHECK(to_json(stored())["subjects"][0]["decode"][0]["output_error"].is_null());
}

TEST_CASE("a small model that was measured beside it is not listed, and is there for fit") {
  auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE(run);
  const auto decode = std::find_if(run->cases.begin(), run->cases.end(),
                                   [](const auto& c) { return c.definition.workload == "decode"; });
  REQUIRE(decode != run->cases.end());
  auto beside = *decode;
  beside.definition.params["model"] = "synthetic-122M";
  run->cases.push_back(beside);
  const auto report = build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl");
  CHECK(report.model == "synthetic-32M");
  CHECK(report.parameters == stored().parameters);
  for (const auto& s : report.subjects) {
    CHECK(s.decode.size() == 1);
    REQUIRE(s.others.size() == 1);
    CHECK(s.others.front().model == "synthetic-122M");
  }
  const auto text = llm_text(report);
  CHECK(text.substr(0, text.find("DOUBTS")).find("122M") == std::string::npos);
}
