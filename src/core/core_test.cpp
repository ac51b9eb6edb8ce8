#include "core/error.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "core/units.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace mlbench;

TEST_CASE("a result holds a value or an error with its context") {
  const Result<int> good = 3;
  CHECK(good.has_value());
  CHECK(*good == 3);
  const Result<int> bad = fail(ErrorKind::usage, "expected a number").in("line 3").in("a.yaml");
  CHECK_FALSE(bad.has_value());
  CHECK(bad.error().message == "a.yaml: line 3: expected a number");
  CHECK(bad.value_or(7) == 7);
  CHECK(exit_code(bad.error().kind) == 2);
}

TEST_CASE("JSON that is broken, too deep or too large is an error, not an exception") {
  CHECK(parse_json(R"({"a":1})").has_value());
  CHECK_FALSE(parse_json(R"({"a":1)").has_value());
  CHECK_FALSE(parse_json("1e999").has_value());
  CHECK_FALSE(parse_json(std::string(100000, '[')).has_value());
  CHECK(parse_json("\"" + std::string(1000, '[') + "\"").has_value());
}

TEST_CASE("a missing and a mistyped field are named") {
  const Json j = {{"a", "x"}, {"b", nullptr}, {"c", {1, "two"}}};
  CHECK(get_int(j, "a").error().message == "field \"a\" has the wrong type: expected an integer");
  CHECK(get_int(j, "b").error().message == "field \"b\" is missing: expected an integer");
  CHECK_FALSE(get_numbers(j, "c").has_value());
  CHECK_FALSE(find_int(Json{{"n", std::uint64_t{1} << 63}}, "n").has_value());
  CHECK(find_string(j, "a") == "x");
}

TEST_CASE("what JSON cannot hold is replaced when it is written") {
  CHECK(dump_json(Json{{"x", std::numeric_limits<double>::infinity()}}) == R"({"x":null})");
  CHECK(dump_json(Json("\xff")) == "\"\xEF\xBF\xBD\"");
}

TEST_CASE("globs match whole ids") {
  CHECK(glob_match("gemm/*", "gemm/float32/1024"));
  CHECK(glob_match("*float16*", "gemm/float16/512"));
  CHECK(glob_match("gemm/float3?/512", "gemm/float32/512"));
  CHECK_FALSE(glob_match("gemm", "gemm/float32"));
  CHECK_FALSE(glob_match("*a*b*a*b*a*b*a*b*c", std::string(2000, 'a')));
}

TEST_CASE("the nearest valid name is suggested only when it is near") {
  const std::vector<std::string> names = {"gemm_sizes", "dtypes", "warmup_iters"};
  CHECK(nearest("gem_size", names) == "gemm_sizes");
  CHECK_FALSE(nearest("elephant", names).has_value());
}

TEST_CASE("numbers and durations are read whole or not at all") {
  CHECK(parse_int("42") == 42);
  CHECK_FALSE(parse_int("42x").has_value());
  CHECK_FALSE(parse_int("").has_value());
  CHECK(parse_double("1.5") == 1.5);
  CHECK_FALSE(parse_double("1,5").has_value());
  CHECK(parse_duration_s("90") == 90);
  CHECK(parse_duration_s("1.5m") == 90);
  CHECK(parse_duration_s("2h") == 7200);
  CHECK_FALSE(parse_duration_s("-1s").has_value());
  CHECK_FALSE(parse_duration_s("soon").has_value());
}

TEST_CASE("quantities keep three digits and take the right prefix") {
  CHECK(format_time(0.00123) == "1.23 ms");
  CHECK(format_time(9.996e-6) == "10.0 us");
  CHECK(format_time(0.9996) == "1.00 s");
  CHECK(format_bandwidth(15.6e9) == "15.6 GB/s");
  CHECK(format_flop_rate(207e9) == "207 GFLOP/s");
  CHECK(format_bytes(512) == "512 B");
  CHECK(format_bytes(13.3 * 1024 * 1024 * 1024) == "13.3 GiB");
  CHECK(format_duration(125) == "2 min 05 s");
  CHECK(format_significant(0, 3) == "0");
}
