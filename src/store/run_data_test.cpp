#include "store/run_data.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::store;

namespace {

const char* const kCase = "gemm/float32/128";

Json case_line() {
  return {{"type", "case"},
          {"case", kCase},
          {"workload", "gemm"},
          {"dtype", "float32"},
          {"params", {{"m", 128}, {"n", 128}, {"k", 128}}},
          {"flop", 4194304.0},
          {"bytes", 196608.0},
          {"unit", "flop_per_s"}};
}

Json block_line(int round, const char* subject, int row, std::vector<double> samples_s) {
  return {{"type", "block"},    {"round", round}, {"case", kCase},
          {"subject", subject}, {"row", row},     {"samples_s", std::move(samples_s)}};
}

Json slot_line(int round, std::vector<std::string> subjects) {
  return {{"type", "slot"}, {"round", round}, {"case", kCase}, {"subjects", std::move(subjects)}};
}

void add(RunData& data, const Json& line) {
  const auto added = data.add(line);
  REQUIRE_MESSAGE(added, (added ? "" : added.error().message));
}

/// The message of the `io` error that adding `line` must bring.
std::string refused(const Json& line) {
  RunData data;
  add(data, case_line());
  const auto added = data.add(line);
  REQUIRE_FALSE(added);
  CHECK(added.error().kind == ErrorKind::io);
  return added.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "every status is spelled as it is parsed, and only those that tried and failed are failures") {
  for (const auto status :
       {CaseStatus::ok, CaseStatus::unsupported, CaseStatus::out_of_memory, CaseStatus::timed_out,
        CaseStatus::crashed, CaseStatus::failed, CaseStatus::wrong_result, CaseStatus::skipped}) {
    CHECK(parse_case_status(name_of(status)) == status);
  }
  CHECK_FALSE(parse_case_status("fine"));
  CHECK_FALSE(is_failure(CaseStatus::ok));
  CHECK_FALSE(is_failure(CaseStatus::skipped));
  CHECK_FALSE(is_failure(CaseStatus::unsupported));
  CHECK(is_failure(CaseStatus::crashed));
  CHECK(is_failure(CaseStatus::out_of_memory));
  CHECK(is_failure(CaseStatus::timed_out));
  CHECK(is_failure(CaseStatus::failed));
  CHECK(is_failure(CaseStatus::wrong_result));
}

TEST_CASE("blocks count only when their slot is finished, and only for the subjects it names") {
  RunData data;
  add(data, case_line());
  add(data, block_line(0, "a:cpu", 0, {9, 1, 2}));
  add(data, block_line(0, "b:cpu", 0, {9, 3, 4}));
  CHECK(data.find_cell(kCase, "a:cpu")->blocks.empty());
  CHECK(data.rounds_of(kCase).empty());

  add(data, slot_line(0, {"a:cpu"}));
  REQUIRE(data.find_cell(kCase, "a:cpu")->blocks.size() == 1);
  CHECK(data.find_cell(kCase, "b:cpu")->blocks.empty());
  CHECK(data.rounds_of(kCase) == std::set<int>{0});
}

TEST_CASE("a slot that no subject completed is no round of its case") {
  RunData data;
  add(data, case_line());
  add(data, slot_line(0, {}));
  CHECK(data.rounds_of(kCase).empty());
  CHECK(data.mean_slot_s(kCase) == 0);
  CHECK(data.last_round == 0);
}

TEST_CASE("the lead-in sample of a block is left out") {
  RunData data;
  add(data, case_line());
  add(data, block_line(2, "a:cpu", 5, {9, 1, 2}));
  add(data, slot_line(2, {"a:cpu"}));
  const auto& block = data.find_cell(kCase, "a:cpu")->blocks.at(0);
  CHECK(block.samples_s == std::vector<double>{1, 2});
  CHECK(block.round == 2);
  CHECK(block.row == 5);
}

TEST_CASE("a round that was cut off counts as begun, so that its number is not used again") {
  RunData data;
  CHECK(data.last_round == -1);
  add(data, case_line());
  add(data, block_line(0, "a:cpu", 0, {9, 1, 1}));
  add(data, slot_line(0, {"a:cpu"}));
  add(data, {{"type", "round"}, {"round", 0}});
  add(data, block_line(1, "a:cpu", 0, {9, 1, 1}));  // killed here: no slot line
  CHECK(data.last_round == 1);
  CHECK(data.rounds_of(kCase) == std::set<int>{0});
  CHECK(data.finished_rounds == std::set<int>{0});
}

TEST_CASE("a failed check is never overwritten by a later good one") {
  RunData data;
  add(data, case_line());
  const auto check = [](bool ok, const char* detail) {
    return Json{{"type", "check"}, {"case", kCase},    {"subject", "a:cpu"}, {"ok", ok},
                {"method", "m"},   {"detail", detail}, {"max_error", 1.5},   {"tolerance", 1.0}};
  };
  add(data, check(true, ""));
  CHECK(data.find_cell(kCase, "a:cpu")->check->ok);
  add(data, check(false, "element 7"));
  add(data, check(true, ""));
  CHECK_FALSE(data.find_cell(kCase, "a:cpu")->check->ok);
  CHECK(data.find_cell(kCase, "a:cpu")->check->detail == "element 7");
}

TEST_CASE("a check whose error is infinite, null in JSON, is unknown and not zero") {
  RunData data;
  add(data, case_line());
  add(data, {{"type", "check"},
             {"case", kCase},
             {"subject", "a:cpu"},
             {"ok", false},
             {"max_error", nullptr}});
  CHECK_FALSE(data.find_cell(kCase, "a:cpu")->check->max_error);
}

TEST_CASE("flags are kept once, the first call of the first process stays") {
  RunData data;
  add(data, case_line());
  for (const double first_call_s : {0.5, 0.1}) {
    add(data, {{"type", "warm"},
               {"case", kCase},
               {"subject", "a:cpu"},
               {"first_call_s", first_call_s},
               {"settled", false}});
  }
  const auto* cell = data.find_cell(kCase, "a:cpu");
  CHECK(cell->flags == std::vector<std::string>{"unsettled"});
  CHECK(cell->first_call_s == 0.5);
}

TEST_CASE("a subject that is told of twice keeps its place and its last state") {
  RunData data;
  for (const char* status : {"ok", "crashed"}) {
    add(data, {{"type", "subject"},
               {"subject", "a:cpu"},
               {"framework", "a"},
               {"device", "cpu"},
               {"status", status},
               {"reason", "r"}});
    add(data, {{"type", "subject"}, {"subject", "b:cpu"}});
  }
  REQUIRE(data.subjects.size() == 2);
  CHECK(data.subjects[0].name == "a:cpu");
  CHECK(data.subjects[0].status == CaseStatus::crashed);
  CHECK(data.find_subject("c:cpu") == nullptr);
}

TEST_CASE("a plan that was cut off is void once the run plans again") {
  RunData data;
  const Json pair = {{"type", "pair"}, {"a", "a:cpu"}, {"b", "b:cpu"}};
  add(data, {{"type", "plan"}});
  add(data, pair);
  add(data, case_line());
  add(data, {{"type", "outcome"}, {"case", kCase}, {"subject", "a:cpu"}, {"status", "skipped"}});
  CHECK_FALSE(data.planned);
  add(data, {{"type", "plan"}});
  add(data, pair);
  add(data, case_line());
  add(data, {{"type", "planned"}});
  CHECK(data.planned);
  CHECK(data.pairs.size() == 1);
  CHECK(data.cases.size() == 1);
  CHECK(data.find_cell(kCase, "a:cpu") == nullptr);
}

TEST_CASE("lines of types that a newer version writes are skipped") {
  RunData data;
  add(data, {{"type", "power"}, {"watts", 20}});
  add(data, {{"type", "verdict"}, {"case", "unknown"}});
  CHECK(data.cases.empty());
}

TEST_CASE("a journal of another schema is refused with both names") {
  RunData data;
  const auto added = data.add({{"type", "run"}, {"schema", "mlbench.journal/2"}});
  REQUIRE_FALSE(added);
  CHECK(contains(added.error().message, "mlbench.journal/2"));
  CHECK(contains(added.error().message, "mlbench.journal/1"));
}

TEST_CASE("a line that lacks what it must have is refused by the name of the field") {
  CHECK(contains(refused(Json::object()), "\"type\""));
  CHECK(contains(refused(Json::array()), "\"type\""));
  CHECK(contains(refused({{"type", "run"}}), "\"schema\""));
  CHECK(contains(refused({{"type", "subject"}}), "\"subject\""));
  CHECK(contains(refused({{"type", "case"}, {"case", "x"}}), "\"workload\""));
  CHECK(contains(refused({{"type", "case"}, {"case", "x"}, {"workload", "gemm"}}), "\"dtype\""));
  CHECK(contains(refused({{"type", "outcome"}, {"subject", "a:cpu"}}), "\"case\""));
  CHECK(contains(refused({{"type", "outcome"}, {"case", kCase}}), "\"subject\""));
  CHECK(contains(
      refused({{"type", "outcome"}, {"case", kCase}, {"subject", "a:cpu"}, {"status", "fine"}}),
      "\"status\""));
  CHECK(contains(refused({{"type", "outcome"}, {"case", "gemm/float32/9"}, {"subject", "a:cpu"}}),
                 "gemm/float32/9 was not declared"));
  CHECK(contains(refused(block_line(0, "a:cpu", 0, {1})), "\"samples_s\""));
  Json block = block_line(0, "a:cpu", 0, {1, 2});
  block.erase("round");
  CHECK(contains(refused(block), "\"round\""));
  block = block_line(0, "a:cpu", 0, {1, 2});
  block["row"] = "first";
  CHECK(contains(refused(block), "\"row\""));
  CHECK(contains(refused({{"type", "slot"}, {"case", kCase}}), "\"round\""));
}

TEST_CASE("a case that is rated by bytes has its bytes as amount") {
  RunData data;
  Json line = case_line();
  line["unit"] = "bytes_per_s";
  add(data, line);
  CHECK(data.cases.at(0).work.amount() == 196608.0);
}

TEST_CASE("a flat line says what the general reader says, or leaves the line to it") {
  for (const char* text :
       {R"({"a":"x","b":-1.5e-3,"c":7,"d":true,"e":null,"f":[1,2.5],"g":["p","q"],"h":[]})",
        R"( { "a" : "x" , "b" : 0 , "c" : -0 , "f" : [ 1 , 2e3 ] } )",
        R"({"c":9223372036854775808})", R"({"f":[1,null]})", R"({"f":["x",1]})"}) {
    CAPTURE(text);
    const auto json = parse_json(text);
    const auto flat = FlatLine::parse(text);
    REQUIRE(json);
    REQUIRE(flat);
    for (const char* key : {"a", "b", "c", "d", "e", "f", "g", "h", "none"}) {
      CAPTURE(key);
      CHECK(find_string(*flat, key) == find_string(*json, key));
      CHECK(find_number(*flat, key) == find_number(*json, key));
      CHECK(find_int(*flat, key) == find_int(*json, key));
      CHECK(find_bool(*flat, key) == find_bool(*json, key));
      CHECK(find_strings(*flat, key) == find_strings(*json, key));
      const auto mine = get_numbers(*flat, key), theirs = get_numbers(*json, key);
      CHECK(mine.has_value() == theirs.has_value());
      if (mine && theirs) CHECK(*mine == *theirs);
    }
  }
  for (const char* text : {"",
                           "{",
                           "{}",
                           "[1]",
                           R"({"a":1,})",
                           R"({"a":01})",
                           R"({"a":1.})",
                           R"({"a":+1})",
                           R"({"a":.5})",
                           R"({"a":nul})",
                           R"({"a":1}x)",
                           R"({"a":"\u0041"})",
                           R"({"a":"ä"})",
                           R"({"a":{}})",
                           R"({"a":[[1]]})",
                           R"({"a":1,"a":2})",
                           R"({"a":[1,]})",
                           R"({"a":"x)",
                           R"({"a" 1})",
                           R"({"a":1e999})"}) {
    CAPTURE(text);
    CHECK_FALSE(FlatLine::parse(text));
  }
}

TEST_CASE("a case keeps its variant, so that a resumed run measures what it began to measure") {
  RunData data;
  const auto c =
      workload::make_case("memory", workload::DType::float32, {{"op", "copy"}, {"bytes", 65536}},
                          {.independent = false, .cold_bytes = 1 << 30});
  REQUIRE(c);
  Json line = {{"type", "case"}, {"case", c->id}};
  line.update(workload::to_json(*c));
  REQUIRE(data.add(line));
  CHECK(data.cases.at(0).definition.variant.cold_bytes == 1 << 30);
  CHECK(workload::to_json(data.cases.at(0).definition) == workload::to_json(*c));
}

TEST_CASE("ceilings and limits are kept; a ceiling without a rate is refused") {
  RunData data;
  REQUIRE(data.add({{"type", "ceiling"},
                    {"subject", "native:cpu"},
                    {"resource", "bytes_per_s"},
                    {"rate", 1e10},
                    {"working_set_bytes", 65536},
                    {"name", "triad"},
                    {"threads", 2}}));
  CHECK(data.ceilings.at(0).working_set_bytes == 65536);
  CHECK(data.ceilings.at(0).threads == 2);
  CHECK_FALSE(data.add({{"type", "ceiling"}, {"subject", "a"}, {"resource", "float32"}}));
  CHECK_FALSE(
      data.add({{"type", "ceiling"}, {"subject", "a"}, {"resource", "float32"}, {"rate", 0}}));
  REQUIRE(data.add({{"type", "limit"}, {"name", "memory_total"}}));
  CHECK(data.limits.size() == 1);
}

TEST_CASE("of self-tests the last of each subject counts") {
  RunData data;
  REQUIRE(
      data.add({{"type", "self_test"}, {"subject", "a"}, {"waited", nullptr}, {"reason", "x"}}));
  CHECK_FALSE(data.self_tests.at("a").waited);
  REQUIRE(data.add({{"type", "self_test"}, {"subject", "a"}, {"waited", false}, {"reason", "y"}}));
  CHECK(data.self_tests.at("a").waited == false);
  CHECK(data.self_tests.at("a").reason == "y");
}
