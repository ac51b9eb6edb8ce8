#include "compare/verdicts.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace mlbench;
using namespace mlbench::compare;
using mlbench::store::RunData;
using stats::Verdict;

namespace {

const char* const kCase = "gemm/float32/128";
constexpr double kFlop = 2.0 * 128 * 128 * 128;
constexpr double kBytes = 3.0 * 128 * 128 * 4;

/// A journal in the making: each function writes the lines that a run would write.
class Lines {
 public:
  Lines() { add({{"type", "run"}, {"schema", "mlbench.journal/1"}}); }
  explicit Lines(const Json& machine) {
    add({{"type", "run"}, {"schema", "mlbench.journal/1"}, {"machine", machine}});
  }
  void add(const Json& line) {
    const auto added = data_.add(line);
    REQUIRE_MESSAGE(added, (added ? "" : added.error().message));
    text_.push_back(dump_json(line));
  }
  void subject(const char* name, const char* device = "cpu") {
    add({{"type", "subject"}, {"subject", name}, {"framework", name}, {"device", device}});
  }
  void pair(const char* a, const char* b, bool control = false) {
    add({{"type", "pair"}, {"a", a}, {"b", b}, {"control", control}});
  }
  void gemm(const char* id = kCase, const char* dtype = "float32", double flop = kFlop,
            double bytes = kBytes) {
    add({{"type", "case"},
         {"case", id},
         {"workload", "gemm"},
         {"dtype", dtype},
         {"flop", flop},
         {"bytes", bytes},
         {"unit", "flop_per_s"}});
  }
  void memory(const char* id, double bytes) {
    add({{"type", "case"},
         {"case", id},
         {"workload", "memory"},
         {"dtype", "float32"},
         {"flop", 0},
         {"bytes", bytes},
         {"unit", "bytes_per_s"}});
  }
  void block(int round, int row, const char* subject, std::vector<double> kept_s,
             const char* id = kCase) {
    kept_s.insert(kept_s.begin(), 99);  // the lead-in
    add({{"type", "block"},
         {"round", round},
         {"case", id},
         {"subject", subject},
         {"row", row},
         {"samples_s", kept_s}});
  }
  void slot(int round, std::vector<std::string> subjects, const char* id = kCase) {
    add({{"type", "slot"}, {"round", round}, {"case", id}, {"subjects", std::move(subjects)}});
  }
  /// One round of three rows in which each subject takes its seconds a call.
  void round(int round, double a_s, double b_s) {
    for (int row = 0; row < 3; ++row) {
      block(round, row, "a", {a_s, a_s, a_s});
      block(round, row, "b", {b_s, b_s, b_s});
    }
    slot(round, {"a", "b"});
  }
  /// One round of one subject alone.
  void alone(const char* subject, double seconds, const char* id) {
    block(0, 0, subject, {seconds}, id);
    slot(0, {subject}, id);
  }
  void outcome(const char* subject, const char* status, const char* reason,
               const char* id = kCase) {
    add({{"type", "outcome"},
         {"case", id},
         {"subject", subject},
         {"status", status},
         {"reason", reason}});
  }
  [[nodiscard]] const RunData& data() const { return data_; }
  [[nodiscard]] const std::vector<std::string>& text() const { return text_; }

 private:
  RunData data_;
  std::vector<std::string> text_;
};

Lines two_subjects() {
  Lines lines;
  lines.subject("a");
  lines.subject("b");
  lines.pair("a", "b");
  lines.gemm();
  return lines;
}

CaseVerdict only_verdict(const Lines& lines) {
  auto verdicts = verdicts_of(lines.data());
  REQUIRE(verdicts.size() == 1);
  return verdicts.front();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a known ratio is found: a takes 1 ms, b takes 1.5 ms, a is faster") {
  Lines lines = two_subjects();
  for (int round = 0; round < 6; ++round) {
    const double noise = 1 + 0.002 * (round % 3 - 1);
    lines.round(round, 1e-3, 1.5e-3 * noise);
  }
  const auto v = only_verdict(lines);
  CHECK(v.judgement.verdict == Verdict::faster);
  REQUIRE(v.interval);
  CHECK(v.interval->ratio == doctest::Approx(1.5).epsilon(0.001));
  CHECK(v.interval->low < 1.5);
  CHECK(v.interval->high > 1.5);
  CHECK(v.interval->pairs == 6);
  CHECK(v.pair_log_ratios.size() == 6);
  CHECK(sentence(v, "Alpha", "Beta") == "Alpha is 1.50x faster (95 % range 1.50 to 1.50)");
}

TEST_CASE("the other way round, b is named as the faster one with the ratio above 1") {
  Lines lines = two_subjects();
  for (int round = 0; round < 6; ++round) lines.round(round, 3e-3, 1e-3 * (1 + 0.01 * (round % 2)));
  const auto v = only_verdict(lines);
  CHECK(v.judgement.verdict == Verdict::slower);
  CHECK(v.interval->ratio < 0.34);
  CHECK(contains(sentence(v, "Alpha", "Beta"), "Beta is 2.99x faster (95 % range 2.9"));
}

TEST_CASE("equal, undecided and small differences have sentences that claim no more") {
  Lines equal = two_subjects(), open = two_subjects(), small = two_subjects();
  for (int round = 0; round < 6; ++round) {
    equal.round(round, 1e-3, 1e-3 * (1 + 0.002 * (round % 2 == 0 ? 1 : -1)));
    open.round(round, 1e-3, 1e-3 * (1 + 0.2 * (round % 2 == 0 ? 1 : -1)));
    small.round(round, 1e-3, 1.005e-3 * (1 + 0.001 * (round % 2)));
  }
  CHECK(only_verdict(equal).judgement.verdict == Verdict::equal);
  CHECK(sentence(only_verdict(equal), "A", "B") == "equal within 2 %");
  CHECK(only_verdict(open).judgement.verdict == Verdict::undecided);
  CHECK(contains(sentence(only_verdict(open), "A", "B"), "no difference shown; A may be -"));
  CHECK(only_verdict(small).judgement.below_practical);
  CHECK(contains(sentence(only_verdict(small), "A", "B"), "may be below 1 %"));
}

TEST_CASE("five process pairs give no verdict, the sixth does") {
  Lines lines = two_subjects();
  for (int round = 0; round < 5; ++round) lines.round(round, 1e-3, 2e-3 + 1e-6 * round);
  CHECK(only_verdict(lines).judgement.verdict == Verdict::invalid);
  CHECK(only_verdict(lines).reason == "5 process pairs, 6 are needed");
  CHECK(contains(sentence(only_verdict(lines), "A", "B"), "no verdict: 5 process pairs"));
  lines.round(5, 1e-3, 2e-3);
  CHECK(only_verdict(lines).judgement.verdict == Verdict::faster);
}

TEST_CASE("a round that one side did not finish is no process pair") {
  Lines lines = two_subjects();
  for (int round = 0; round < 6; ++round) lines.round(round, 1e-3, 2e-3 + 1e-6 * round);
  lines.block(6, 0, "a", {50});
  lines.block(6, 0, "b", {1});
  lines.slot(6, {"a"});  // b crashed
  CHECK(only_verdict(lines).pair_log_ratios.size() == 6);
}

TEST_CASE("blocks are paired by row, whatever the order in which they were measured") {
  Lines lines = two_subjects();
  for (int round = 0; round < 6; ++round) {
    // The machine slows down tenfold in each row; only neighbours in time compare.
    lines.block(round, 0, "a", {1, 1, 1});
    lines.block(round, 0, "b", {2, 2, 2});
    lines.block(round, 1, "b", {20, 20, 20});
    lines.block(round, 1, "a", {10, 10, 10});
    lines.block(round, 2, "a", {100, 100, 100});
    lines.block(round, 2, "b", {200, 200, 200});
    lines.slot(round, {"a", "b"});
  }
  const auto v = only_verdict(lines);
  for (const double d : v.pair_log_ratios) CHECK(d == doctest::Approx(std::log(2)));
}

TEST_CASE("a side that is not ok makes the verdict invalid with its reason, and gets no ratio") {
  for (const char* status : {"crashed", "wrong_result", "timed_out", "failed", "out_of_memory"}) {
    CAPTURE(status);
    Lines lines = two_subjects();
    for (int round = 0; round < 6; ++round) lines.round(round, 1e-3, 2e-3);
    lines.outcome("b", status, "because");
    const auto v = only_verdict(lines);
    CHECK(v.judgement.verdict == Verdict::invalid);
    CHECK_FALSE(v.interval);
    CHECK(v.reason == "b: " + std::string(status) + ": because");
  }
}

TEST_CASE("a case that one side skipped or cannot compute has no verdict line at all") {
  for (const char* status : {"skipped", "unsupported"}) {
    Lines lines = two_subjects();
    for (int round = 0; round < 6; ++round) lines.round(round, 1e-3, 2e-3);
    lines.outcome("a", status, "by plan");
    CHECK(verdicts_of(lines.data()).empty());
  }
}

TEST_CASE("a pair of which one side was never started has no verdict line") {
  Lines lines = two_subjects();
  lines.pair("a", "c");
  for (int round = 0; round < 6; ++round) lines.round(round, 1e-3, 2e-3);
  CHECK(verdicts_of(lines.data()).size() == 1);
}

TEST_CASE("a side that drifted by more than the comparison can tell is flagged") {
  Lines lines = two_subjects();
  for (int round = 0; round < 9; ++round) {
    const double heat =
        1 + 0.1 * round;  // both slow down alike: the ratio stands, the times do not
    lines.round(round, 1e-3 * heat, 2e-3 * heat * (1 + 1e-4 * (round % 2)));
  }
  CHECK(only_verdict(lines).flags == std::vector<std::string>{"drift"});
}

TEST_CASE("a journal that is read again gives the same verdicts, bit for bit") {
  Lines lines = two_subjects();
  for (int round = 0; round < 7; ++round)
    lines.round(round, 1e-3 / (3 + round), 1e-3 * std::sqrt(2 + round) / 7);
  RunData again;
  for (const auto& text : lines.text()) {
    const auto line = parse_json(text);
    REQUIRE(line);
    REQUIRE(again.add(*line));
  }
  const auto before = only_verdict(lines);
  const auto after = verdicts_of(again).at(0);
  CHECK(before.pair_log_ratios == after.pair_log_ratios);
  CHECK(before.interval->ratio == after.interval->ratio);
  CHECK(before.interval->low == after.interval->low);
  CHECK(before.interval->high == after.interval->high);
}

TEST_CASE("the time of a subject is the median over its processes, each by its own median") {
  Lines lines = two_subjects();
  lines.round(0, 1, 10);
  lines.round(1, 2, 20);
  lines.round(2, 9, 30);
  const auto time = time_of(*lines.data().find_cell(kCase, "a"));
  REQUIRE(time);
  CHECK(time->median_s == 2);
  CHECK(time->processes == 3);
  CHECK(time->low_s.has_value());
  CHECK_FALSE(time_of(store::Cell{}));
}

TEST_CASE("cpu and accelerators are two kinds of device") {
  CHECK(device_kind("cpu") == "cpu");
  for (const char* device : {"mps", "gpu", "cuda:0", "cuda:1"}) CHECK(device_kind(device) == "gpu");
}

namespace {

/// 1 GFLOP in 10 ms at best: 100 GFLOP/s; 1 GB in 100 ms: 10 GB/s.
Lines with_ceilings(const Json& machine = Json::object()) {
  Lines lines(machine);
  lines.subject("a");
  lines.subject("b");
  lines.gemm("gemm/float32/big", "float32", 1e9, 1e6);
  lines.memory("memory/float32/copy", 1e9);
  lines.alone("a", 0.020, "gemm/float32/big");
  lines.block(1, 0, "b", {0.010}, "gemm/float32/big");
  lines.slot(1, {"b"}, "gemm/float32/big");
  lines.alone("b", 0.1, "memory/float32/copy");
  return lines;
}

}  // namespace

TEST_CASE("the ceiling is what the best subject reached, and says who and where") {
  const Ceilings ceilings(with_ceilings().data());
  REQUIRE(ceilings.all().size() == 2);
  const auto& compute = ceilings.all()[0];
  CHECK(compute.device_kind == "cpu");
  CHECK(compute.resource == "float32");
  CHECK(compute.rate == doctest::Approx(1e11));
  CHECK(compute.subject == "b");
  CHECK(compute.case_id == "gemm/float32/big");
  CHECK(ceilings.all()[1].resource == "bytes_per_s");
  CHECK(ceilings.all()[1].rate == doctest::Approx(1e10));
}

TEST_CASE("a case bound by arithmetic is judged by the FLOP rate of its dtype") {
  Lines lines = with_ceilings();
  lines.gemm("gemm/float32/other", "float32", 2e9, 1e6);  // 20 ms at the ceiling
  const auto* c = lines.data().find_case("gemm/float32/other");
  const Ceilings ceilings(lines.data());
  CHECK(*ceilings.fraction(*c, "cpu", 0.040) == doctest::Approx(0.5));
}

TEST_CASE("a case bound by memory is judged by the bandwidth") {
  Lines lines = with_ceilings();
  lines.gemm("gemm/float32/thin", "float32", 1e6, 1e9);  // 10 us of arithmetic, 100 ms of traffic
  const auto* c = lines.data().find_case("gemm/float32/thin");
  const Ceilings ceilings(lines.data());
  CHECK(*ceilings.fraction(*c, "cpu", 0.2) == doctest::Approx(0.5));
}

TEST_CASE("a memory case is judged by the bandwidth alone") {
  const Lines lines = with_ceilings();
  const auto* c = lines.data().find_case("memory/float32/copy");
  CHECK(*Ceilings(lines.data()).fraction(*c, "cpu", 0.125) == doctest::Approx(0.8));
}

TEST_CASE("a case bound by memory that a cache can hold has no roof: that was not measured") {
  const Json machine = {{"cpu", {{"l3_bytes", 32 << 20}}}};
  Lines lines = with_ceilings(machine);
  lines.gemm("gemm/float32/thin", "float32", 1e3, 1e8);   // 95 MiB, less than four times 32 MiB
  lines.gemm("gemm/float32/thick", "float32", 1e3, 1e9);  // beyond any cache
  const Ceilings ceilings(lines.data());
  CHECK_FALSE(ceilings.fraction(*lines.data().find_case("gemm/float32/thin"), "cpu", 0.02));
  CHECK(ceilings.fraction(*lines.data().find_case("gemm/float32/thick"), "cpu", 0.2));
}

TEST_CASE("what no case of that kind of device or dtype measured has no roof") {
  Lines lines = with_ceilings();
  lines.gemm("gemm/float16/big", "float16", 1e9, 1e6);
  const Ceilings ceilings(lines.data());
  CHECK_FALSE(ceilings.fraction(*lines.data().find_case("gemm/float16/big"), "cpu", 0.01));
  CHECK_FALSE(ceilings.fraction(*lines.data().find_case("gemm/float32/big"), "mps", 0.01));
  CHECK_FALSE(ceilings.fraction(*lines.data().find_case("memory/float32/copy"), "gpu", 0.01));
}

TEST_CASE("a result that was wrong sets no ceiling") {
  Lines lines = with_ceilings();
  lines.outcome("b", "wrong_result", "element 3", "gemm/float32/big");
  const Ceilings ceilings(lines.data());
  CHECK(ceilings.all()[0].subject == "a");
  CHECK(ceilings.all()[0].rate == doctest::Approx(5e10));
}
