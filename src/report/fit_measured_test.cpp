#include "report/fit_measured.hpp"

#include "report/stored_run_for_tests.hpp"

using namespace mlbench;
using namespace mlbench::report;

namespace {

struct Asked {
  fit::Case question;
  LlmReport report;

  [[nodiscard]] const LlmSubject& subject() const { return *subject_of(report, "torch", "cpu"); }
  [[nodiscard]] FitMeasured against(const std::optional<fit::Correction>& earlier) const {
    return set_against(question, earlier, report, subject());
  }
};

/// The stored run, and the question of what it measured on some machine of known speed.
Asked asked() {
  const auto run = store::load_journal(kData / "llm-synthetic-32M.jsonl");
  REQUIRE_MESSAGE(run, (run ? "" : run.error().message));
  fit::Request r;
  r.model = "synthetic-32M", r.dtype = "float32", r.runtime = "torch";
  r.machine = "M5 10c 24GB", r.context = 160;
  const auto question = fit::resolve(r, {}, {});
  REQUIRE_MESSAGE(question, (question ? "" : question.error().message));
  return {*question, build_llm_report(*run, "results/raw/llm-synthetic-32M.jsonl")};
}

}  // namespace

TEST_CASE(
    "a measured model stands beside its prediction: weights to the byte, memory, both speeds") {
  const auto a = asked();
  const auto m = a.against(std::nullopt);
  REQUIRE(m.rows.size() == 4);
  CHECK(m.rows[0].predicted == m.rows[0].measured);
  CHECK(m.rows[1].what == "peak memory");
  CHECK(m.rows[2].what == "decode at 128");
  CHECK(m.rows[3].what == "prompt of 128");
  for (const auto& row : m.rows) {
    CAPTURE(row.what);
    CHECK(row.predicted);
    CHECK(row.measured);
    CHECK_FALSE(row.corrected);
  }
  CHECK(m.trouble.empty());
}

TEST_CASE("corrected by its own run, a prediction is what was measured") {
  const auto a = asked();
  const auto correction = correction_of(a.question, a.against(std::nullopt));
  REQUIRE(correction);
  CHECK(correction->format == "float32");
  const auto m = a.against(correction);
  for (const auto& row : m.rows) {
    CAPTURE(row.what);
    REQUIRE(row.corrected);
    CHECK(*row.corrected == doctest::Approx(*row.measured).epsilon(1e-6));
  }
  const auto text = fit_measured_text(m);
  CHECK(text.find("decode at 128") != std::string::npos);
  CHECK(text.find("(+0.0 %)") != std::string::npos);
  CHECK(to_json(m)["rows"].size() == 4);
}

TEST_CASE("of a framework that was not measured there is no subject") {
  CHECK(subject_of(asked().report, "torch", "gpu") == nullptr);
  CHECK(subject_of(asked().report, "llama.cpp", "cpu") == nullptr);
}

TEST_CASE("on a CPU, a run corrects by its steps, with the bandwidths that it measured") {
  auto a = asked();
  a.question.target.kind = fit::Target::Kind::cpu;
  a.question.target.bandwidths = {{64e6, 60e9}, {512e6, 30e9}};
  // One model leaves open what of a step is a layer's own: then its rate is all that is known.
  const auto alone = correction_of(a.question, a.against(std::nullopt));
  REQUIRE(alone);
  CHECK_FALSE(alone->step);
  for (auto& s : a.report.subjects) {
    auto beside = s.decode.front();
    beside.model = "synthetic-122M", *beside.tokens_per_s /= 4;
    s.others.push_back(beside);
  }
  const auto measured = a.against(std::nullopt);
  REQUIRE(measured.steps.size() == 2);
  const auto correction = correction_of(a.question, measured);
  REQUIRE(correction);
  REQUIRE(correction->step);
  CHECK(correction->bandwidths.size() == 2);
  const auto again = a.against(correction);
  CHECK(*again.rows[2].corrected == doctest::Approx(*again.rows[2].measured).epsilon(0.05));
}
