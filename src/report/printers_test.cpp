#include "core/text.hpp"
#include "report/charts.hpp"
#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/markdown.hpp"
#include "report/samples.hpp"
#include "report/stored_run_for_tests.hpp"
#include "report/text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace mlbench;
using namespace mlbench::report;

namespace {

/// The stored run with every name replaced by what an attacker or an accident would write.
store::RunData hostile_run() {
  const std::string long_name(10000, 'x');
  const std::vector<std::string> names = {"</script><script>document.title='owned'</script>",
                                          "<img src=x onerror=\"document.title='owned'\">",
                                          "'\"`|*_[a](http://example.com) \\ & &lt;",
                                          "\u202Eright to left \u05D0\u05D1",
                                          long_name,
                                          "line\nend \x1b[31m red",
                                          "__proto__",
                                          "emoji 🚀🧪"};
  store::RunData run;
  REQUIRE(run.add({{"type", "run"},
                   {"schema", "mlbench.journal/1"},
                   {"machine", {{"cpu", {{"name", names[0]}}}}}}));
  for (const char* subject : {"torch:cpu", "<b>:cpu"})
    REQUIRE(run.add({{"type", "subject"},
                     {"subject", subject},
                     {"framework", split(subject, ':')[0]},
                     {"device", "cpu"},
                     {"status", "ok"},
                     {"reason", ""},
                     {"facts", {{"framework_version", names[1]}}}}));
  REQUIRE(run.add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "<b>:cpu"}}));
  for (const auto& name : names) {
    REQUIRE(run.add({{"type", "case"},
                     {"case", name},
                     {"workload", name},
                     {"dtype", "float32"},
                     {"flop", 1e9},
                     {"bytes", 1e6},
                     {"unit", "flop_per_s"}}));
    for (int round = 0; round < 6; ++round) {
      for (const char* subject : {"torch:cpu", "<b>:cpu"}) {
        REQUIRE(run.add({{"type", "prepared"},
                         {"round", round},
                         {"case", name},
                         {"subject", subject},
                         {"kernel", name},
                         {"notes", {name}}}));
        REQUIRE(run.add({{"type", "block"},
                         {"round", round},
                         {"row", 0},
                         {"case", name},
                         {"subject", subject},
                         {"samples_s", {0.1, 0.1 + round * 1e-3, 0.1}}}));
      }
      REQUIRE(run.add({{"type", "slot"},
                       {"round", round},
                       {"case", name},
                       {"subjects", {"torch:cpu", "<b>:cpu"}}}));
    }
    REQUIRE(run.add({{"type", "notice"}, {"message", name}}));
  }
  return run;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

void add_subject(store::RunData& run, const std::string& framework, const std::string& device) {
  REQUIRE(run.add({{"type", "subject"},
                   {"subject", framework + ":" + device},
                   {"framework", framework},
                   {"device", device},
                   {"status", "ok"},
                   {"reason", ""},
                   {"facts", Json::object()}}));
}

void add_gemm(store::RunData& run, const std::string& id) {
  REQUIRE(run.add({{"type", "case"},
                   {"case", id},
                   {"workload", "gemm"},
                   {"dtype", "float32"},
                   {"flop", 1e9},
                   {"bytes", 1e6},
                   {"unit", "flop_per_s"},
                   {"params", Json::object()}}));
}

}  // namespace

TEST_CASE("the Markdown report of a stored run is as it was") {
  const std::string text = to_markdown(stored_report());
  check_golden("v1-m5-interrupted.md", text);
}

TEST_CASE("the CSV of a stored run is as it was") {
  const std::vector<Report> reports = {stored_report()};
  const std::string text = to_csv(reports);
  check_golden("v1-m5-interrupted.csv", text);
  std::size_t entries = 0;
  for (const auto& row : reports[0].rows) entries += row.entries.size();
  CHECK(count(text, "\n") == entries + 1);
}

TEST_CASE("the page holds its data, and nothing that names another place") {
  const auto run = stored_run();
  const std::string page = to_html(Json::array({page_of(stored_report(), run)}));
  CHECK(page.size() < 1500000);
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("{{data}}") == std::string::npos);
  for (const char* part : {"src=", "@import", "url("}) {
    CAPTURE(part);
    CHECK(page.substr(0, page.find("id=\"data\"")).find(part) == std::string::npos);
  }
  CHECK(page.find("sourceMappingURL") == std::string::npos);
  CHECK(page.find("default-src 'none'") != std::string::npos);
}

TEST_CASE("names of others cannot end the data's element or become markup") {
  const auto run = hostile_run();
  const auto report = build_report(run, "run\"><script>.jsonl");
  const std::string page = to_html(Json::array({page_of(report, run)}));
  const auto plain = to_html(Json::array());
  CHECK(count(page, "<script") == count(plain, "<script"));
  CHECK(count(page, "</script") == count(plain, "</script"));
  CHECK(count(page, "<img") == 0);
  CHECK(page.find("\\u003cimg src=x") != std::string::npos);  // it is there, as data
}

TEST_CASE("a text table stays readable with any names") {
  const auto report = build_report(hostile_run(), "r");
  const auto text = to_text(report);
  for (const char c : text)
    CHECK_MESSAGE((c == '\n' || static_cast<unsigned char>(c) >= 0x20), static_cast<int>(c));
  const auto at = text.find("COMPUTE");
  REQUIRE(at != std::string::npos);
  CHECK(text.find('\n', at) - at < 250);
}

TEST_CASE("Markdown escapes what would be a link, a cell or HTML") {
  CHECK(markdown_escape("a|b<c>[d](e)*_`\n") == "a\\|b\\<c\\>\\[d\\](e)\\*\\_\\` ");
  const auto text = to_markdown(build_report(hostile_run(), "r"));
  CHECK(count(text, "<") > 0);
  const auto our_tags = 4 * count(text, "<details>");  // with summary, and both closed
  CHECK(our_tags == 4);
  CHECK(count(text, "<") == count(text, "\\<") + our_tags);
}

TEST_CASE("CSV has the state of the machine beside each row, empty where it is not known") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  add_subject(run, "torch", "cuda:0");
  add_gemm(run, "gemm/float32/64");
  REQUIRE(run.add({{"type", "block"},
                   {"round", 0},
                   {"case", "gemm/float32/64"},
                   {"subject", "torch:cuda:0"},
                   {"row", 0},
                   {"waiters_cpu_s", 0.0},
                   {"gpu_clock_hz", 1.9e9},
                   {"device_spin_s", 5e-4},
                   {"samples_s", {1e-3, 1e-3}}}));
  REQUIRE(run.add({{"type", "state"},
                   {"round", 0},
                   {"case", "gemm/float32/64"},
                   {"other_fraction", 0.25},
                   {"swapped_in_bytes", 4096},
                   {"load_1m", 1.5},
                   {"gpu_clock_hz", 1.98e9},
                   {"gpu_temperature_c", 61.0},
                   {"gpu_power_w", 350.5},
                   {"gpu_clock_reasons", {"sw_power_cap", "gpu_idle"}},
                   {"low_power_mode", false}}));
  REQUIRE(run.add({{"type", "slot"},
                   {"round", 0},
                   {"case", "gemm/float32/64"},
                   {"subjects", {"torch:cuda:0"}}}));
  const std::vector<Report> reports = {build_report(run, "r")};
  const auto text = to_csv(reports);
  CHECK(text.find(",0.25,,,,4096,,1.5,,,1900000000,61,350.5,sw_power_cap "
                  "gpu_idle,,,false,,0,,,0.0005,,") !=
        std::string::npos);  // the clock that was read beside the block, not the one after all of
                             // them
  const auto columns = count(text.substr(0, text.find('\n')), ",");
  CHECK(count(text, ",") == 2 * columns);  // the header and one row, which has no comma in a text
}

TEST_CASE("CSV quotes separators, quotes and line ends") {
  const std::vector<Report> reports = {build_report(hostile_run(), "a,b \"c\"")};
  const auto text = to_csv(reports);
  CHECK(text.find("\n\"a,b \"\"c\"\"\",") != std::string::npos);
}

TEST_CASE("CSV holds no text that a spreadsheet would compute, and numbers as they are") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  for (const char* framework : {"=1+1", " =1+1", "@sum", "-2", "+3", "mlx"})
    add_subject(run, framework, "cpu");
  add_gemm(run, "=HYPERLINK(\"x\")");
  for (const char* framework : {"=1+1", " =1+1", "@sum", "-2", "+3", "mlx"})
    REQUIRE(run.add({{"type", "check"},
                     {"round", 0},
                     {"case", "=HYPERLINK(\"x\")"},
                     {"subject", std::string(framework) + ":cpu"},
                     {"source", "fresh"},
                     {"ok", true},
                     {"method", "m"},
                     {"detail", ""},
                     {"max_error", -0.5},
                     {"tolerance", 1.0}}));
  const std::vector<Report> reports = {build_report(run, "r")};
  const auto text = to_csv(reports);
  for (const char* cell : {",\"'=HYPERLINK(\"\"x\"\")\",", ",'=1+1,", ",' =1+1,", ",'@sum,",
                           ",'-2,", ",'+3,", ",mlx,", ",-0.5,1,"}) {
    CAPTURE(cell);
    CHECK(text.find(cell) != std::string::npos);
  }
}

TEST_CASE("notes and flags of a case that was left out are not shown; a flag of many is one line") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  add_subject(run, "mlx", "cpu");
  for (int i = 0; i < 7; ++i) {
    const std::string id = "gemm/float32/" + std::to_string(100 + i);
    add_gemm(run, id);
    REQUIRE(run.add({{"type", "prepared"},
                     {"round", 0},
                     {"case", id},
                     {"subject", "mlx:cpu"},
                     {"kernel", "k"},
                     {"notes", {"note of " + id}},
                     {"flags", {"nonlinear"}}}));
    REQUIRE(run.add({{"type", "outcome"},
                     {"case", id},
                     {"subject", "mlx:cpu"},
                     {"status", i == 6 ? "skipped" : "ok"},
                     {"reason", "why"}}));
  }
  const auto text = to_text(build_report(run, "r"));
  CHECK(text.find("note of gemm/float32/105") != std::string::npos);
  CHECK(text.find("note of gemm/float32/106") == std::string::npos);
  CHECK(count(text, "nonlinear") == 1);
  CHECK(text.find("6 results are nonlinear: ") != std::string::npos);
}

TEST_CASE("charts: one mark a result, colours by framework, a table column for each") {
  const auto report = stored_report();
  const auto charts = charts_of(report);
  std::set<std::string> ids;
  for (const auto& chart : charts) {
    CAPTURE(chart.id);
    CHECK(ids.insert(chart.id).second);
    CHECK_FALSE(chart.rows.empty());
    for (const auto& column : chart.columns) CHECK(chart.rows[0].contains(column.field));
  }
  for (const char* id :
       {"versus", "rates-compute", "rates-memory", "roofline", "ceiling", "scaling-1"})
    CHECK_MESSAGE(ids.contains(id), id);
  const auto roofline =
      std::find_if(charts.begin(), charts.end(), [](const auto& c) { return c.id == "roofline"; });
  std::size_t timed = 0;
  for (const auto& row : report.rows) {
    for (const auto& e : row.entries) timed += row.work.flop > 0 && e.time ? 1U : 0U;
  }
  CHECK(roofline->rows.size() == timed);
  CHECK(roofline->spec.dump().find("var(--torch)") != std::string::npos);
}

TEST_CASE("samples: shares sum to one, medians are near one, bins have the same edges") {
  const auto all = samples_of(stored_run());
  REQUIRE_FALSE(all.empty());
  for (const auto& c : all) {
    for (const auto& cell : c.cells) {
      CAPTURE(c.case_id);
      double sum = 0;
      for (const auto& b : cell.bins) sum += b.share;
      CHECK(sum == doctest::Approx(1));
      CHECK(cell.points.size() == cell.blocks);
      CHECK(cell.points.front().at_s <= cell.points.back().at_s);
      for (const auto& p : cell.points) CHECK((p.low <= p.median && p.median <= p.high));
    }
  }
  const auto few = samples_of(stored_run(), 1);
  CHECK(few[0].cells[0].points.size() < all[0].cells[0].points.size());
}

TEST_CASE("a run without any result has a page") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  const auto report = build_report(run, "r");
  CHECK(charts_of(report).empty());
  CHECK(to_html(Json::array({page_of(report, run)})).find("mlbench.page/1") != std::string::npos);
}
