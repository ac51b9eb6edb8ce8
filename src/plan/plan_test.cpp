#include "plan/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace mlbench;
using namespace mlbench::plan;

namespace {

machine::Machine machine_with(std::int64_t available_bytes, std::int64_t l3_bytes = 32 << 20) {
  machine::Machine m;
  m.memory.available_bytes = available_bytes;
  m.cpu.l3_bytes = l3_bytes;
  return m;
}

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

/// Estimates as one subject would give them at a fixed rate.
Estimates at_rate(const Candidates& candidates, double per_s, const char* subject = "torch:cpu") {
  Estimates estimates;
  for (const auto& family : candidates.families) {
    for (const auto& c : family.candidates)
      estimates[c.id][subject] = {.call_s = workload::work_of(c).amount() / per_s, .reason = {}};
  }
  return estimates;
}

std::vector<std::string> ids(const std::vector<workload::Case>& cases) {
  std::vector<std::string> result;
  for (const auto& c : cases) result.push_back(c.id);
  return result;
}

bool has(const std::vector<workload::Case>& cases, const char* id) {
  const auto all = ids(cases);
  return std::find(all.begin(), all.end(), id) != all.end();
}

std::string reason_of(const Selection& s, const char* id) {
  for (const auto& left : s.left_out) {
    if (left.definition.id == id) return left.reason;
  }
  return "not left out";
}

Candidates quick_candidates(const std::vector<std::string>& only = {}) {
  return candidates({}, Preset::quick, machine_with(64 * kGiB), 3, only);
}

}  // namespace

TEST_CASE("quick takes at most eight cases: the largest that are quick enough, one a family") {
  const auto c = quick_candidates();
  const auto s =
      select(c, at_rate(c, 200e9), Preset::quick);  // 2·n³ in 5 ms at 200 GFLOP/s: n = 512
  CHECK(s.chosen.size() == 8);
  CHECK(has(s.chosen, "gemm/float32/512"));
  CHECK(has(s.chosen, "memory/float32/triad_128MiB"));
  CHECK(reason_of(s, "gemm/float32/1024")
            .starts_with(
                "a call takes about 10.7 ms on the slowest subject, this preset allows 5.00 ms"));
  CHECK(reason_of(s, "gemm/float32/256").starts_with("not among the headline cases"));
}

TEST_CASE("a last-level cache that is large beside the memory makes arrays smaller, not absent") {
  auto machine = machine_with(22 * kGiB);
  machine.cpu.l3_bytes = std::int64_t{260} << 20;
  const auto c = candidates({}, Preset::quick, machine, 3, {"memory/*"});
  for (const auto& left : c.left_out) CHECK_MESSAGE(false, left.definition.id, ": ", left.reason);
  const auto s = select(c, at_rate(c, 20e9), Preset::quick);
  CHECK(has(s.chosen, "memory/float32/triad_256MiB"));  // quick takes no more
  const auto d = candidates({}, Preset::standard, machine, 3, {"memory/*"});
  CHECK(has(select(d, at_rate(d, 20e9), Preset::standard).chosen, "memory/float32/triad_512MiB"));
}

TEST_CASE("the default preset keeps its promise of at most twenty") {
  const auto c = candidates({}, Preset::standard, machine_with(64 * kGiB), 3, {});
  CHECK(select(c, at_rate(c, 2e12), Preset::standard).chosen.size() == 20);
}

TEST_CASE("the slowest subject decides, and one that cannot run a case does not") {
  const auto c = quick_candidates({"gemm/float32/*"});
  auto estimates = at_rate(c, 200e9);
  for (auto& [id, by_subject] : estimates) {
    by_subject["mlx:cpu"] = {.call_s = *by_subject["torch:cpu"].call_s * 8, .reason = {}};
    by_subject["native:cpu"] = {.call_s = {}, .reason = "unsupported: no kernel"};
  }
  CHECK(has(select(c, estimates, Preset::quick).chosen, "gemm/float32/256"));
}

TEST_CASE("the smallest of a family is taken whatever it costs, so that no family is silent") {
  const auto c = quick_candidates({"gemm/float16/*"});
  CHECK(has(select(c, at_rate(c, 1e6), Preset::quick).chosen, "gemm/float16/128"));
}

TEST_CASE("a case that nobody can run is left out with the reason") {
  const auto c = quick_candidates({"gemm/float16/128"});
  Estimates estimates;
  estimates["gemm/float16/128"]["torch:cpu"] = {.call_s = {}, .reason = "unsupported: no kernel"};
  const auto s = select(c, estimates, Preset::quick);
  CHECK(s.chosen.empty());
  CHECK(reason_of(s, "gemm/float16/128") == "torch:cpu: unsupported: no kernel");
}

TEST_CASE("what does not fit into a share of the memory is left out with the sizes") {
  const auto c = candidates({}, Preset::quick, machine_with(kGiB / 3), 3, {"memory/*"});
  REQUIRE(c.left_out.size() == 2);  // copy and triad: 128 and 192 MiB are over 85 MiB
  CHECK(c.left_out[0].reason.find("over a quarter of the 341 MiB available") != std::string::npos);
}

TEST_CASE("what fits once and not in all processes together alternates whole processes") {
  const auto c = candidates({}, Preset::quick, machine_with(kGiB), 3, {"memory/*"});
  CHECK(c.left_out.empty());
  // Copy: 128 MiB are within 256 MiB, and three times that is not; read: 3 x 64 MiB fit.
  CHECK(c.alternating ==
        std::set<std::string>{"memory/float32/copy_64MiB", "memory/float32/triad_64MiB"});
  const auto s = select(c, at_rate(c, 1e9), Preset::quick);
  CHECK(s.alternating.contains("memory/float32/copy_64MiB"));
  CHECK(candidates({}, Preset::quick, machine_with(kGiB), 1, {"memory/*"}).alternating.empty());
}

TEST_CASE("a case that is measured in any case alternates where two of it are too much") {
  const auto c = candidates({}, Preset::quick, machine_with(kGiB), 1, {"memory/*copy*"})
                     .families.at(0)
                     .candidates.at(0);  // 128 MiB
  CHECK_FALSE(must_alternate(c, machine_with(kGiB), 2));
  CHECK(must_alternate(c, machine_with(kGiB / 4), 2));
  CHECK_FALSE(must_alternate(c, machine_with(kGiB / 4), 1));
  CHECK_FALSE(must_alternate(c, {}, 2));  // nothing is known of the memory
}

TEST_CASE("memory arrays are four times the last-level cache, at least 64 MiB") {
  const auto size_of = [](std::int64_t l3_bytes) {
    return candidates({}, Preset::quick, machine_with(512 * kGiB, l3_bytes), 3, {"memory/*read*"})
        .families.at(0)
        .candidates.at(0)
        .id;
  };
  CHECK(size_of(1 << 20) == "memory/float32/read_64MiB");
  CHECK(size_of(48 << 20) == "memory/float32/read_256MiB");
}

TEST_CASE("a GPU's cache makes the arrays larger and its memory bounds what fits") {
  auto m = machine_with(512 * kGiB, 1 << 20);
  m.gpus.emplace_back().l2_bytes = std::int64_t{50} << 20;
  const auto c = candidates({}, Preset::quick, m, 2, {"memory/*"});
  CHECK(c.families.at(0).candidates.at(0).id == "memory/float32/copy_256MiB");
  m.gpus[0].memory_bytes = 4 * kGiB;  // a quarter is 1 GiB: two processes of triad would need 1.5
  const auto small = candidates({}, Preset::quick, m, 2, {"memory/*"});
  CHECK(small.left_out.empty());
  CHECK(small.families.at(0).candidates.at(0).id == "memory/float32/copy_128MiB");
}

TEST_CASE("a slow CPU does not keep the cases of a GPU small, nor a GPU those of the CPU large") {
  const auto c = quick_candidates({"gemm/float32/???", "gemm/float32/????"});
  auto estimates = at_rate(c, 50e12, "torch:cuda:0");  // 5 ms: 4096
  for (const auto& [id, by_subject] : at_rate(c, 200e9, "mlx:cpu"))
    estimates[id].insert(by_subject.begin(), by_subject.end());  // 5 ms: 512
  const auto s = select(c, estimates, Preset::quick);
  CHECK(has(s.chosen, "gemm/float32/4096"));
  CHECK(has(s.chosen, "gemm/float32/512"));
  CHECK(s.chosen.size() == 2);
  const auto excluded = [&](const char* id, const char* subject) {
    return std::any_of(s.excluded.begin(), s.excluded.end(),
                       [&](const auto& e) { return e.case_id == id && e.subject == subject; });
  };
  CHECK(excluded("gemm/float32/4096", "mlx:cpu"));
  CHECK(excluded("gemm/float32/512", "torch:cuda:0"));
  CHECK_FALSE(excluded("gemm/float32/4096", "torch:cuda:0"));
  CHECK(reason_of(s, "gemm/float32/8192").starts_with("a call takes about 22"));
}

TEST_CASE("--only lets through what matches and nothing else") {
  for (const auto& family : quick_candidates({"*/bfloat16/*"}).families) {
    for (const auto& c : family.candidates) CHECK(c.dtype == workload::DType::bfloat16);
  }
  CHECK(quick_candidates({"nothing"}).families.empty());
}

TEST_CASE("extrapolation keeps the rate") {
  const auto small =
      *workload::make_case("gemm", workload::DType::float32, {{"m", 256}, {"n", 256}, {"k", 256}});
  const auto large =
      *workload::make_case("gemm", workload::DType::float32, {{"m", 512}, {"n", 512}, {"k", 512}});
  CHECK(extrapolate_s(small, 0.001, large) == doctest::Approx(0.008));
}

TEST_CASE("a configuration replaces the lists that it names and leaves the others") {
  const auto config = parse_config("benchmarks:\n  compute:\n    gemm_sizes: [64]\n", "a.yaml");
  REQUIRE(config.has_value());
  const auto catalogue = catalogue_of(*config);
  CHECK(catalogue.gemm_sizes == std::vector<std::int64_t>{64});
  CHECK(catalogue.memory_ops.size() == 4);
}

TEST_CASE(
    "LLM layers are taken from the smallest, as one token and a few are what people wait for") {
  const auto c = quick_candidates({"gemm/bfloat16/m*"});
  const auto s = select(c, at_rate(c, 1e13), Preset::quick);
  CHECK(ids(s.chosen) ==
        std::vector<std::string>{"gemm/bfloat16/m1_n4096_k4096", "gemm/bfloat16/m1_n4096_k14336"});
}

TEST_CASE("candidates of a family ascend by work, whatever the order of the configuration") {
  Catalogue catalogue;
  catalogue.gemm_sizes = {512, 128, 2048, 256};
  const auto c =
      candidates(catalogue, Preset::full, machine_with(64 * kGiB), 1, {"gemm/float32/?*"});
  REQUIRE_FALSE(c.families.empty());
  CHECK(ids(c.families[0].candidates) ==
        std::vector<std::string>{"gemm/float32/128", "gemm/float32/256", "gemm/float32/512",
                                 "gemm/float32/2048"});
}

TEST_CASE("the full preset takes every case up to 2 s a call and names the others") {
  const auto c = candidates({}, Preset::full, machine_with(64 * kGiB), 1, {"gemm/float32/*"});
  const auto s = select(c, at_rate(c, 100e9), Preset::full);  // 8192 cubed takes 11 s
  CHECK(has(s.chosen, "gemm/float32/4096"));
  CHECK_FALSE(has(s.chosen, "gemm/float32/8192"));
  const auto reason = reason_of(s, "gemm/float32/8192");
  CHECK(reason.find("11.0 s") != std::string::npos);
  CHECK(reason.find("--full") == std::string::npos);  // it would not measure it either
}

TEST_CASE("every candidate is either chosen or left out with a reason, and none is both") {
  for (const Preset preset : {Preset::quick, Preset::standard, Preset::full}) {
    const auto c = candidates({}, preset, machine_with(2 * kGiB), 3, {});
    const auto s = select(c, at_rate(c, 50e9), preset);
    auto all = ids(s.chosen);
    for (const auto& left : s.left_out) {
      all.push_back(left.definition.id);
      CHECK_FALSE(left.reason.empty());
    }
    std::size_t candidates_in_all = c.left_out.size();
    for (const auto& family : c.families) candidates_in_all += family.candidates.size();
    CHECK(all.size() == candidates_in_all);
    std::sort(all.begin(), all.end());
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  }
}

TEST_CASE("where the system does not tell how much memory is free, the total limits the cases") {
  machine::Machine m;
  m.memory.total_bytes = kGiB;
  CHECK(candidates({}, Preset::full, m, 1, {"gemm/float32/8192"}).left_out.size() == 1);
  CHECK(candidates({}, Preset::full, {}, 1, {"gemm/float32/8192"}).left_out.empty());
}

TEST_CASE("the original suite's attention is measured as its configuration states it") {
  const auto config = parse_config(
      "benchmarks:\n  attention: {seq_lengths: [512, 1024], num_heads: 16, head_dim: 64, "
      "batch_size: 2}\n",
      "a.yaml");
  REQUIRE(config.has_value());
  CHECK(config->notices.empty());
  const auto c = candidates(catalogue_of(*config), Preset::full, machine_with(64 * kGiB), 1,
                            {"attention_unfused/float32/*kv_heads16*"});
  REQUIRE(c.families.size() == 1);
  CHECK(ids(c.families[0].candidates) ==
        std::vector<std::string>{
            "attention_unfused/float32/batch2_heads16_kv_heads16_length512_dim64",
            "attention_unfused/float32/batch2_heads16_kv_heads16_length1024_dim64"});
}

TEST_CASE("quick has the questions that people ask: products, attention, overhead, bandwidth") {
  const auto c = quick_candidates();
  const auto s = select(c, at_rate(c, 2e12), Preset::quick);
  std::set<std::string> workloads;
  for (const auto& chosen : s.chosen) workloads.insert(chosen.workload);
  CHECK(workloads ==
        std::set<std::string>{"gemm", "memory", "attention", "attention_unfused", "overhead"});
}

TEST_CASE("an empty list in the configuration measures none of these") {
  const auto config = parse_config(
      "benchmarks: {compute: {gemm_sizes: [], gemm_shapes: []}, memory: {ops: [read], sizes: "
      "[1MiB, 2MiB]}, attention: {seq_lengths: []}, operations: []}\n",
      "a.yaml");
  REQUIRE(config.has_value());
  const auto c = candidates(catalogue_of(*config), Preset::full, machine_with(64 * kGiB), 1, {});
  REQUIRE(c.families.size() == 1);
  CHECK(ids(c.families[0].candidates) ==
        std::vector<std::string>{"memory/float32/read_1MiB", "memory/float32/read_2MiB"});
}

TEST_CASE("a family without a share in the preset is left out with the cure, unless it is named") {
  const auto plain = quick_candidates();
  const auto left = select(plain, at_rate(plain, 1e13), Preset::quick);
  CHECK(reason_of(left, "gemm/float32/m1_n4096_k4096") ==
        "not among the headline cases of this preset; --full measures it");
  const auto named = quick_candidates({"gemm/float32/m*"});
  CHECK(select(named, at_rate(named, 1e13), Preset::quick).chosen.size() == 1);
}

TEST_CASE("the expected time of a case counts warm-up and blocks of every subject, six times") {
  CHECK(expected_case_s({}) == 0);
  CHECK(expected_case_s({{"a:cpu", {.call_s = {}, .reason = "no"}}}) == 0);
  CHECK(expected_case_s({{"a:cpu", {.call_s = 1e-3, .reason = {}}}}) ==
        doctest::Approx(6 * (0.1 + 6 * 0.03)));
  CHECK(expected_case_s(
            {{"a:cpu", {.call_s = 1, .reason = {}}}, {"b:cpu", {.call_s = 1e-3, .reason = {}}}}) ==
        doctest::Approx(6 * (3 + 6 * 2 + 0.1 + 6 * 0.03)));
}

TEST_CASE("a thorough catalogue has sizes through the caches, cold and independent variants") {
  Catalogue catalogue;
  catalogue.thorough = true;
  const auto c = candidates(catalogue, Preset::full, machine_with(64 * kGiB, 32 << 20), 1,
                            {"memory/*", "gemm/*independent"});
  std::set<std::string> ids;
  std::size_t count = 0;
  for (const auto& family : c.families) {
    for (const auto& candidate : family.candidates) ids.insert(candidate.id), ++count;
  }
  CHECK(ids.size() == count);  // none twice
  for (const char* id :
       {"memory/float32/copy_64KiB", "memory/float32/copy_128MiB", "memory/float32/copy_4GiB",
        "memory/float32/scale_128MiB", "memory/float32/add_128MiB", "memory/float32/copy_4MiB/cold",
        "memory/float32/copy_256KiB/independent", "gemm/float32/256/independent"})
    CHECK_MESSAGE(ids.contains(id), id);
  catalogue.memory_sizes_bytes = {1 << 20};  // the configuration says which sizes
  const auto of_config =
      candidates(catalogue, Preset::full, machine_with(64 * kGiB), 1, {"memory/*"});
  for (const auto& family : of_config.families) CHECK(family.candidates.size() == 1);
}

TEST_CASE("alone: --full takes the headline cases a second time, who asks takes all") {
  const auto c = candidates({}, Preset::full, machine_with(64 * kGiB), 3, {});
  const auto estimates = at_rate(c, 200e9);
  auto full = select(c, estimates, Preset::full);
  const auto usual = full.chosen.size();
  const AloneTime time{.sustain_s = 5, .budget_s = 6 * 3600};
  add_alone(full, c, estimates, Alone::headline, time);
  const auto headline = select(candidates({}, Preset::standard, machine_with(64 * kGiB), 3, {}),
                               estimates, Preset::standard);
  CHECK(full.chosen.size() == usual + headline.chosen.size());
  for (const auto& each : headline.chosen) {
    CAPTURE(each.id);
    CHECK(has(full.chosen, (each.id + "/alone").c_str()));
    CHECK(full.alternating.contains(each.id + "/alone"));
  }

  auto asked = select(c, estimates, Preset::standard);
  const auto few = asked.chosen.size();
  asked.excluded.push_back({asked.chosen.front().id, "mlx:cpu", "too slow there"});
  add_alone(asked, c, estimates, Alone::all, {.sustain_s = 600, .budget_s = 60});
  CHECK(asked.chosen.size() == 2 * few);
  CHECK(asked.excluded.back().case_id == asked.chosen.front().id + "/alone");
  auto none = select(c, estimates, Preset::standard);
  add_alone(none, c, estimates, Alone::none, time);
  CHECK(none.chosen.size() == few);
  // 45 s of work and rests, and the case itself: two of them are more than a quarter of 5 minutes.
  auto brief = select(c, estimates, Preset::full);
  add_alone(brief, c, estimates, Alone::headline, {.sustain_s = 5, .budget_s = 300});
  CHECK(brief.chosen.size() == usual + 1);
  CHECK(reason_of(brief, (headline.chosen.back().id + "/alone").c_str()).find("--alone") !=
        std::string::npos);
  for (const Alone which : {Alone::none, Alone::headline, Alone::all})
    CHECK(parse_alone(name_of(which)) == which);
}
