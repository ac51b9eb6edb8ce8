#include "report/collection.hpp"

#include "report/reference.hpp"
#include "store/journal.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mlbench;
using namespace mlbench::report;

namespace {

/// A run of one machine: case id and seconds a call of PyTorch and of MLX, six rounds each.
Report run_of(const std::string& chip, int cores, const std::string& case_id, const Json& params,
              double torch_s, double mlx_s) {
  const bool memory = params.contains("op");
  std::string text;
  const auto add = [&](const Json& line) { text += dump_json(line) + "\n"; };
  add({{"type", "run"},
       {"schema", "mlbench.journal/1"},
       {"machine",
        {{"cpu", {{"name", chip}}},
         {"gpus", Json::array({{{"name", chip}, {"cores", cores}}})},
         {"memory", {{"total_bytes", 25769803776}}}}}});
  for (const char* subject : {"torch:mps", "mlx:gpu"}) {
    const std::string name = subject;
    add({{"type", "subject"},
         {"subject", name},
         {"framework", name.substr(0, name.find(':'))},
         {"device", name.substr(name.find(':') + 1)},
         {"status", "ok"},
         {"facts", Json::object()}});
  }
  add({{"type", "case"},
       {"case", case_id},
       {"workload", memory ? "memory" : "gemm"},
       {"dtype", memory ? "float32" : "float16"},
       {"params", params},
       {"flop", memory ? 0.0 : 2 * 4096.0 * 4096.0 * 4096.0},
       {"bytes", memory ? 2.0 * 268435456 : 0.0},
       {"unit", memory ? "bytes_per_s" : "flop_per_s"}});
  for (int round = 0; round < 6; ++round) {
    for (const auto& [subject, time] :
         {std::pair<std::string, double>{"torch:mps", torch_s}, {"mlx:gpu", mlx_s}}) {
      add({{"type", "block"},
           {"round", round},
           {"row", 0},
           {"case", case_id},
           {"subject", subject},
           {"samples_s", {time, time, time * 1.01}}});
    }
    add({{"type", "slot"},
         {"round", round},
         {"case", case_id},
         {"subjects", {"torch:mps", "mlx:gpu"}}});
  }
  const auto run = store::parse_journal(text, "made up");
  REQUIRE_MESSAGE(run, (run ? "" : run.error().message));
  return build_report(*run, "made up");
}

Report product(const std::string& chip, int cores, double torch_s, double mlx_s) {
  return run_of(chip, cores, "gemm/float16/4096", {{"m", 4096}, {"n", 4096}, {"k", 4096}}, torch_s,
                mlx_s);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a collection holds a row for each machine, framework and case, and names the fastest") {
  Collection collection;
  for (const auto& report :
       {product("Apple M5", 10, 0.010, 0.011), product("Apple M4 Pro", 20, 0.02, 0.019)}) {
    for (auto& row : collection_rows(report)) collection.rows.push_back(row);
    ++collection.runs;
  }
  REQUIRE(collection.rows.size() == 4);
  CHECK(collection.rows[0].machine == "Apple M5 · 10 GPU cores · 24.0 GiB");
  CHECK(collection.rows[0].rate ==
        doctest::Approx(2 * 4096.0 * 4096.0 * 4096.0 / 0.01005).epsilon(0.01));
  CHECK(collection.rows[0].spread.has_value());
  const auto text = to_text(collection);
  CHECK(contains(text, "2 runs of 2 machines, 4 results"));
  CHECK(contains(text, "PyTorch (mps)   Apple M5"));
  CHECK(to_json(collection)["rows"].size() == 4);
}

TEST_CASE("a page of a collection takes hostile names as text") {
  Collection collection;
  CollectionRow row;
  row.machine = "</script><script>alert(1)</script>";
  row.case_label = std::string(10000, 'x') + "\"'&<!--";
  row.framework = "\xE2\x80\xAE\xF0\x9F\x98\x80 \xff";
  row.status = "ok";
  row.rate = 1e12;
  collection.rows.push_back(row);
  const auto html = to_html(collection);
  CHECK_FALSE(contains(html, "<script>alert(1)"));
  CHECK(contains(html, "\\u003c/script>\\u003cscript>alert(1)"));
  CHECK_FALSE(contains(html, "\"{{data}}\""));
  CHECK(std::all_of(html.begin() + static_cast<std::ptrdiff_t>(html.find("application/json")),
                    html.begin() + static_cast<std::ptrdiff_t>(html.find("'use strict'")),
                    [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

TEST_CASE("a run stands among known machines, by rate; doubtful rows lead no list") {
  const auto known = known_runs("no-such-folder");
  REQUIRE_FALSE(known.empty());
  const auto rows = reference_rows(product("Apple M4 Pro", 20, 0.020, 0.019), known);
  const auto kind = [&](const char* name) {
    std::vector<ReferenceRow> found;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(found),
                 [&](const ReferenceRow& r) { return r.kind == name; });
    return found;
  };
  const auto float16 = kind("GEMM float16");
  REQUIRE(float16.size() >= 4);  // two here; PyTorch and MLX of an M5
  CHECK(float16.front().machine.starts_with("Apple M5"));
  CHECK(contains(float16.front().source, "imported from "));
  CHECK(std::count_if(float16.begin(), float16.end(), [](const auto& r) { return r.here; }) == 2);
  CHECK(float16.back().framework == "MLX (gpu)");
  CHECK(float16.back().doubts == std::vector<std::string>{"no_gain"});
  CHECK(kind("GEMM float32").empty());  // nothing of the kind was measured here
  const auto text = reference_text(rows);
  CHECK(contains(text, "not measured by this program"));
  CHECK(contains(text, "doubtful: no_gain"));
  CHECK(reference_json(rows).size() == rows.size());
}

TEST_CASE(
    "measured bandwidth stands between the published ones, which are keyed by chip and cores") {
  const auto here = run_of("Apple M4 Max", 32, "memory/float32/copy_256MiB",
                           {{"op", "copy"}, {"bytes", 268435456}}, 0.00132, 0.0016);
  const auto rows = reference_rows(here, {});
  std::vector<std::string> machines;
  for (const auto& r : rows) {
    if (r.kind == "memory bandwidth") machines.push_back(r.machine);
  }
  const auto at = [&](const char* name) {
    return std::find(machines.begin(), machines.end(), name) - machines.begin();
  };
  REQUIRE(machines.size() > 4);
  const auto end = static_cast<std::ptrdiff_t>(machines.size());
  CHECK(at("Apple M4 Max · 32 GPU cores") < end);  // 410 GB/s
  CHECK(at("Apple M4 Max · 32 GPU cores") < at("Apple M4 Max · 32 GPU cores · 24.0 GiB"));
}
