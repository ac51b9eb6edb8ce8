#include "workload/language.hpp"

#include "workload/family.hpp"

#include <doctest/doctest.h>

#include <set>

namespace mlbench::workload {
namespace {

Case prefill_of(const char* model, const char* quant) {
  Case c{.id = {}, .workload = "prefill", .dtype = DType::bfloat16, .params = {}};
  c.params = {{"model", model}, {"batch", 1}, {"prompt", 16}, {"quant", quant}};
  return c;
}

}  // namespace

TEST_CASE("invented weights may be of any kind, also of a model that is released quantised") {
  const auto& prefill = *find_workload("prefill");
  CHECK(prefill.validate(prefill_of("gpt-oss-20b", "mxfp4")));
  CHECK(prefill.validate(prefill_of("Qwen2.5-0.5B", "4bit")));
  const auto unknown = prefill.validate(prefill_of("gpt-oss-20b", "3bit"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message.find("none of 4bit") != std::string::npos);
}

TEST_CASE("the catalogue has prompts and depths of 128 to 8192, batches to 8, quantised weights") {
  for (const char* name : {"prefill", "decode"}) {
    CAPTURE(name);
    std::set<std::int64_t> lengths, batches;
    std::set<std::string> kinds;
    for (const Family& family : find_workload(name)->families({})) {
      for (const Case& c : family.candidates) {
        lengths.insert(*find_int(c.params, std::string(name) == "prefill" ? "prompt" : "depth"));
        batches.insert(*find_int(c.params, "batch"));
        if (const auto kind = find_string(c.params, "quant")) kinds.insert(*kind);
        CHECK(find_workload(name)->validate(c));
      }
    }
    CHECK(lengths == std::set<std::int64_t>{128, 512, 2048, 8192});
    CHECK(batches == std::set<std::int64_t>{1, 2, 4, 8});
    CHECK(kinds == std::set<std::string>{"4bit", "8bit", "int8"});
  }
}

}  // namespace mlbench::workload
