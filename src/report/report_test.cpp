#include "report/discovery_text.hpp"
#include "report/model.hpp"
#include "report/stored_run_for_tests.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

using namespace mlbench;
using namespace mlbench::report;

namespace {

/// Where two documents differ: numbers by more than what another system's exp() and log() may
/// change in their last digits, everything else at all. Empty when they are alike.
std::string difference(const Json& a, const Json& b, const std::string& where) {
  if (a.is_number_float() && b.is_number()) {
    const auto x = a.get<double>(), y = b.get<double>();
    return std::abs(x - y) <= 1e-12 * std::abs(x) ? "" : where;
  }
  if (a.type() != b.type() || a.size() != b.size()) return where;
  if (a.is_object()) {
    auto other = b.items().begin();
    for (const auto& [key, value] : a.items()) {
      if (other.key() != key) return where + "." + key;  // the order counts too
      if (auto d = difference(value, other.value(), where + "." + key); !d.empty()) return d;
      ++other;
    }
    return "";
  }
  if (a.is_array()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      auto d = difference(a[i], b[i], where + "[" + std::to_string(i) + "]");
      if (!d.empty()) return d;
    }
    return "";
  }
  return a == b ? "" : where;
}

bool is_number_or_null(const Json& json) {
  return json.is_number() || json.is_null();
}
bool is_text_or_null(const Json& json) {
  return json.is_string() || json.is_null();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the text report of a stored run is as it was") {
  const std::string text = to_text(stored_report());
  check_golden("v1-m5-interrupted.txt", text);
}

TEST_CASE("the JSON report of a stored run is as it was") {
  const std::string text = to_json(stored_report()).dump(1);
  const auto expected = parse_json(golden("v1-m5-interrupted.json", text + "\n"));
  const auto document = parse_json(text);  // as a reader sees it: numbers without C++'s signs
  REQUIRE((expected && document));
  CHECK_MESSAGE(difference(*expected, *document, "report").empty(),
                difference(*expected, *document, "report"));
}

TEST_CASE("the JSON report has every field that is promised, of the type that is promised") {
  const Json d = to_json(stored_report());
  CHECK(d["schema"] == "mlbench.report/1");
  CHECK(d["run"].is_string());
  CHECK(d["machine"].is_object());
  CHECK(d["duration_s"].is_number());
  REQUIRE(d["subjects"].size() == 4);
  for (const Json& s : d["subjects"]) {
    for (const char* field : {"subject", "framework", "device", "version", "status"})
      CHECK_MESSAGE(s[field].is_string(), field);
    CHECK(is_text_or_null(s["blas"]));
  }
  for (const Json& c : d["cases"]) {
    CAPTURE(c.dump());
    for (const char* field : {"case", "workload", "dtype", "subject", "status"})
      CHECK_MESSAGE(c[field].is_string(), field);
    CHECK(is_text_or_null(c["reason"]));
    CHECK(c["reason"].is_null() == (c["status"] == "ok"));
    CHECK(c["flags"].is_array());
    CHECK(is_number_or_null(c["ceiling_fraction"]));
    CHECK(c["time_s"].is_object() == (c["status"] == "ok"));
    CHECK(c["rate"].is_object() == (c["status"] == "ok"));
    if (c["status"] != "ok") continue;
    CHECK(c["time_s"]["median"].is_number());
    CHECK(is_number_or_null(c["time_s"]["low"]));
    CHECK(is_number_or_null(c["time_s"]["high"]));
    CHECK(c["rate"]["value"].is_number());
    CHECK(c["rate"]["unit"] == (c["workload"] == "gemm" ? "flop_per_s" : "bytes_per_s"));
    CHECK(c["rate"]["low"].get<double>() <= c["rate"]["value"].get<double>());
    CHECK(c["rate"]["value"].get<double>() <= c["rate"]["high"].get<double>());
  }
  CHECK(d["verdicts"].size() > 0);
  for (const Json& v : d["verdicts"]) {
    CAPTURE(v.dump());
    for (const char* field : {"case", "a", "b", "verdict", "sentence"})
      CHECK_MESSAGE(v[field].is_string(), field);
    CHECK(v["pairs"].is_number_integer());
    for (const char* field : {"ratio", "low", "high"})
      CHECK_MESSAGE(v[field].is_null() == (v["verdict"] == "invalid"), field);
  }
  CHECK(d["controls"].contains("null"));
  CHECK(d["controls"].contains("positive"));
}

TEST_CASE("the JSON report is one valid document whatever a worker said") {
  auto run = stored_run();
  REQUIRE(run.add({{"type", "subject"},
                   {"subject", "odd:cpu"},
                   {"framework", "odd"},
                   {"device", "cpu"},
                   {"status", "crashed"},
                   {"reason", "bad byte \xff \x01"}}));
  const auto text = dump_json(to_json(build_report(run, "r")));
  CHECK(parse_json(text));
}

TEST_CASE("what failed is counted, what was left out by plan is not") {
  // crashed, wrong_result, failed, timed_out, out_of_memory; neither unsupported nor skipped.
  CHECK(stored_report().failures() == 5);
  auto run = stored_run();
  REQUIRE(run.add({{"type", "subject"}, {"subject", "x:cpu"}, {"status", "crashed"}}));
  CHECK(build_report(run, "r").failures() == 6);
}

TEST_CASE("a case that is not ok gets neither a time nor a rate nor a share") {
  for (const auto& row : stored_report().rows) {
    for (const auto& e : row.entries) {
      if (e.status == store::CaseStatus::ok) continue;
      CHECK_FALSE(e.time);
      CHECK_FALSE(e.rate);
      CHECK_FALSE(e.ceiling_fraction);
      CHECK_FALSE(e.reason.empty());
    }
  }
}

TEST_CASE("every failure, flag, notice and missing framework is a doubt that names its case") {
  const auto report = stored_report();
  std::string all;
  for (const auto& d : report.doubts) all += d + "\n";
  for (const char* part :
       {"old on cpu was not measured", "benchmarks.attention",
        "GEMM float32 1024, PyTorch: crashed", "GEMM float16 1024, MLX: wrong_result: element 17",
        "triad 256MiB, PyTorch: out_of_memory", "nonlinear", "unsettled", "interrupted",
        "GEMM float32 512, PyTorch: failed", "GEMM float32 512, MLX: timed_out"}) {
    CHECK_MESSAGE(contains(all, part), part);
  }
}

TEST_CASE("a run without doubts says so, and only once it has ended") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  CHECK_FALSE(contains(to_text(build_report(run, "r")), "DOUBTS"));
  REQUIRE(run.add({{"type", "end"}, {"ending", "finished"}, {"duration_s", 1}}));
  CHECK(contains(to_text(build_report(run, "r")), "DOUBTS   none"));
}

TEST_CASE("labels are what people call the cases") {
  const auto gemm = [](int m, int n, int k) {
    return workload::label_of(
        *workload::make_case("gemm", workload::DType::float16, {{"m", m}, {"n", n}, {"k", k}}));
  };
  CHECK(gemm(512, 512, 512) == "GEMM float16 512");
  CHECK(gemm(8, 4096, 14336) == "GEMM float16 8x4096x14336");
  const auto memory = *workload::make_case("memory", workload::DType::float32,
                                           {{"op", "triad"}, {"bytes", 256 << 20}});
  CHECK(workload::label_of(memory) == "triad 256MiB");
  CHECK(framework_title("torch") == "PyTorch");
  CHECK(framework_title("mlx") == "MLX");
  CHECK(framework_title("native") == "native");
}

TEST_CASE("a case of a workload that a later version knows is labelled by its id") {
  CHECK(workload::label_of({.id = "sort/float32/9",
                            .workload = "sort",
                            .dtype = workload::DType::float32,
                            .params = {{"n", 9}}}) == "sort/float32/9");
  CHECK(workload::label_of({.id = "gemm/float32/odd",
                            .workload = "gemm",
                            .dtype = workload::DType::float32,
                            .params = {{"k", 9}}}) == "gemm/float32/odd");
  CHECK(workload::label_of({.id = "gemm/float32/list",
                            .workload = "gemm",
                            .dtype = workload::DType::float32,
                            .params = Json::array()}) == "gemm/float32/list");
}

TEST_CASE("columns are aligned by what is seen, not by bytes") {
  CHECK(display_width("±3% · µs") == 8);
  Table table;
  table.add({"case", "rate", "note", "share"});
  table.add({"a", "1.0 ±1%", "ok", "x"});
  table.add({"bb", "10.0 ±10%", "a longer note", ""});
  const auto text = lines(table.text());
  REQUIRE(text.size() == 3);
  const auto column = [](const std::string& line, const std::string& part) {
    return display_width(std::string_view(line).substr(0, line.find(part)));
  };
  CHECK(column(text[0], "note") == column(text[1], "ok"));
  CHECK(column(text[1], "ok") == column(text[2], "a longer"));
  CHECK(column(text[0], "share") == column(text[1], "x"));
  CHECK(column(text[1], "1.0 ±1%") + 7 == column(text[2], "10.0 ±10%") + 9);  // to the right
  for (const auto& line : text) CHECK_FALSE(line.ends_with(' '));
}

TEST_CASE("the report is text: no control characters, and it ends with a newline") {
  const std::string text = to_text(stored_report());
  CHECK(text.ends_with('\n'));
  for (const char c : text)
    CHECK_MESSAGE((c == '\n' || static_cast<unsigned char>(c) >= 0x20), static_cast<int>(c));
}

TEST_CASE("a report of a run that has measured nothing yet is a report") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  const auto report = build_report(run, "r");
  CHECK(report.failures() == 0);
  CHECK_FALSE(to_text(report).empty());
  CHECK(to_json(report)["cases"].empty());
  CHECK(to_json(report)["duration_s"].is_null());
}

TEST_CASE("discovery lists the machine and the frameworks, unknown facts left out") {
  const auto run = stored_run();
  const auto machine = machine::machine_from_json(run.header["machine"]);
  const std::string text = discovery_text(machine, run.subjects);
  for (const char* part : {"Apple M5", "macOS", "24.0 GiB", "PyTorch on mps", "MLX on gpu",
                           "applegpu_g17g", "mlbench-worker-old was not built"}) {
    CHECK_MESSAGE(contains(text, part), part);
  }
  CHECK_FALSE(contains(text, "null"));
}
