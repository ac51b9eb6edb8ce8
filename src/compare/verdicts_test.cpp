#include "compare/verdicts.hpp"

#include "compare/lines_for_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace mlbench;
using namespace mlbench::compare;
using mlbench::store::RunData;
using stats::Verdict;

namespace {

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

namespace {

/// Six rounds of five rows in which a takes 1 + row/10 seconds a call and b 2 + row/10 times as
/// long, so that no median stays where it was without a row; but for `hit` rows of each round:
/// there something from outside made `subject` take 100.
Lines hit_rows(int hit, const char* subject) {
  Lines lines = two_subjects();
  for (int round = 0; round < 6; ++round) {
    for (int row = 0; row < 5; ++row) {
      const double a_s = 1 + 0.1 * row, b_s = a_s * (2 + 0.1 * row);
      for (const auto& [name, seconds] : {std::pair{"a", a_s}, std::pair{"b", b_s}}) {
        const bool is_hit = row < hit && std::string(name) == subject;
        Json block = {{"type", "block"}, {"round", round},
                      {"case", kCase},   {"subject", name},
                      {"row", row},      {"samples_s", {9.0, is_hit ? 100 : seconds}}};
        if (is_hit) block["outside"] = {"suspended"};
        lines.add(block);
      }
    }
    lines.slot(round, {"a", "b"});
  }
  return lines;
}

}  // namespace

TEST_CASE("block pairs that something from outside hit are in no ratio, whichever side was hit") {
  for (const char* subject : {"a", "b"}) {
    CAPTURE(subject);
    const auto v = only_verdict(hit_rows(1, subject));
    REQUIRE(v.interval);
    CHECK(v.interval->ratio == doctest::Approx(std::sqrt(2.2 * 2.3)));  // of rows 1 to 4
    CHECK(std::count(v.flags.begin(), v.flags.end(), "outside_event") == 1);
  }
  const auto lines = hit_rows(1, "a");
  CHECK(time_of(*lines.data().find_cell(kCase, "a"))->median_s == doctest::Approx(1.25));
}

TEST_CASE("more than a fifth of the block pairs hit from outside leaves no verdict") {
  const auto v = only_verdict(hit_rows(2, "b"));
  CHECK_FALSE(v.interval);
  CHECK(v.judgement.verdict == stats::Verdict::invalid);
  CHECK(v.reason == "12 of 30 block pairs were hit by an event from outside");
}
