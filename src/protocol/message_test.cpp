#include "protocol/message.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mlbench;
using namespace mlbench::protocol;

namespace {

/// The message of an expected protocol error; empty when there was none.
template <class T>
std::string message_of(const Result<T>& result) {
  if (result) return {};
  CHECK(result.error().kind == ErrorKind::protocol);
  return result.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The request of one message field after another: an object of `count` levels around a number.
std::string nested(int count) {
  std::string text(R"({"id":1,"verb":"probe","x":)");
  for (int i = 0; i < count; ++i) text += "[";
  text += "1";
  for (int i = 0; i < count; ++i) text += "]";
  return text + "}";
}

}  // namespace

TEST_CASE("a greeting survives the way over the pipe") {
  const Hello sent{.protocol = 1,
                   .worker = "torch",
                   .framework_version = "2.13.0+cpu",
                   .devices = {"cuda:0", "cpu"},
                   .workloads = {"gemm", "memory"},
                   .variants = {"cold"}};
  const std::string line = encode(sent);
  CHECK(line.find('\n') == std::string::npos);
  const auto got = decode_hello(line);
  REQUIRE(got);
  CHECK(got->protocol == 1);
  CHECK(got->worker == "torch");
  CHECK(got->framework_version == "2.13.0+cpu");
  CHECK(got->devices == sent.devices);
  CHECK(got->workloads == sent.workloads);
  CHECK(got->variants == sent.variants);
}

TEST_CASE("a request survives the way over the pipe, with the fields of its verb beside the id") {
  const Request sent{
      .id = 7, .verb = "block", .body = {{"case", "gemm/float32/128"}, {"calls", 3}}};
  CHECK(encode(sent) == R"({"id":7,"verb":"block","case":"gemm/float32/128","calls":3})");
  const auto got = decode_request(encode(sent));
  REQUIRE(got);
  CHECK(got->id == 7);
  CHECK(got->verb == "block");
  CHECK(find_int(got->body, "calls") == 3);
}

TEST_CASE("a field of a verb cannot replace the id or the verb of its request") {
  const Request sent{.id = 7, .verb = "block", .body = {{"id", 99}, {"verb", "bye"}}};
  CHECK(encode(sent) == R"({"id":7,"verb":"block"})");
}

TEST_CASE("a good reply survives the way over the pipe") {
  const auto got =
      decode_reply(encode(Reply{.id = 3, .failure = std::nullopt, .body = {{"kernel", "k"}}}));
  REQUIRE(got);
  CHECK(got->id == 3);
  CHECK_FALSE(got->failure);
  CHECK(find_string(got->body, "kernel") == "k");
}

TEST_CASE("a failure keeps its kind and its message") {
  for (const auto kind :
       {FailureKind::unsupported, FailureKind::out_of_memory, FailureKind::failed}) {
    CAPTURE(name_of(kind));
    const auto got =
        decode_reply(encode(Reply{.id = 3, .failure = Failure{kind, "no\nfloat64 \xC3\xA9"}}));
    REQUIRE(got);
    REQUIRE(got->failure);
    CHECK(got->failure->kind == kind);
    CHECK(got->failure->message == "no\nfloat64 \xC3\xA9");
  }
}

TEST_CASE("a failure of a kind that a newer worker invents counts as failed") {
  const auto got =
      decode_reply(R"({"id":1,"ok":false,"error":{"kind":"melted","message":"too hot"}})");
  REQUIRE(got);
  REQUIRE(got->failure);
  CHECK(got->failure->kind == FailureKind::failed);
  CHECK(got->failure->message == "too hot");
}

TEST_CASE("a failure without a message says that none was given") {
  const auto got = decode_reply(R"({"id":1,"ok":false,"error":{"kind":"failed"}})");
  REQUIRE(got);
  REQUIRE(got->failure);
  CHECK(got->failure->message == "no reason given");
}

TEST_CASE("what a worker sends in bytes that are no UTF-8 is still a valid message") {
  const auto got = decode_reply(
      encode(Reply{.id = 1, .failure = Failure{FailureKind::failed, "bad \xff byte"}}));
  REQUIRE(got);
  REQUIRE(got->failure);
  CHECK(contains(got->failure->message, "bad "));
}

TEST_CASE("decoding a greeting names the field that is wrong") {
  CHECK(contains(message_of(decode_hello(R"({"type":"reply"})")), "hello"));
  CHECK(contains(message_of(decode_hello(R"({"type":"hello","worker":"x"})")), "\"protocol\""));
  CHECK(contains(message_of(decode_hello(R"({"type":"hello","protocol":"1","worker":"x"})")),
                 "\"protocol\""));
  CHECK(contains(message_of(decode_hello(R"({"type":"hello","protocol":1})")), "\"worker\""));
  CHECK(contains(message_of(decode_hello(R"({"type":"hello","protocol":1,"worker":5})")),
                 "\"worker\""));
}

TEST_CASE("a version beyond the range of int is not mistaken for a small one") {
  // 2^32 + 1 cut to 32 bits would be version 1.
  const auto got = decode_hello(R"({"type":"hello","protocol":4294967297,"worker":"x"})");
  if (got) CHECK(got->protocol != kProtocolVersion);
}

TEST_CASE("decoding a request names the field that is wrong") {
  CHECK(contains(message_of(decode_request(R"({"verb":"block"})")), "\"id\""));
  CHECK(contains(message_of(decode_request(R"({"id":1.5,"verb":"block"})")), "\"id\""));
  CHECK(contains(message_of(decode_request(R"({"id":1})")), "\"verb\""));
  CHECK(contains(message_of(decode_request(R"({"id":1,"verb":["block"]})")), "\"verb\""));
}

TEST_CASE("decoding a reply names the field that is wrong") {
  CHECK(contains(message_of(decode_reply(R"({"ok":true})")), "\"id\""));
  CHECK(contains(message_of(decode_reply(R"({"id":"1","ok":true})")), "\"id\""));
  CHECK(contains(message_of(decode_reply(R"({"id":1})")), "\"ok\""));
  CHECK(contains(message_of(decode_reply(R"({"id":1,"ok":1})")), "\"ok\""));
  CHECK(contains(message_of(decode_reply(R"({"id":1,"ok":false})")), "\"error\""));
  CHECK(contains(message_of(decode_reply(R"({"id":1,"ok":false,"error":{}})")), "\"kind\""));
  CHECK(contains(message_of(decode_reply(R"({"id":1,"ok":false,"error":"bad"})")), "\"kind\""));
}

TEST_CASE("fields that a newer peer adds are ignored") {
  CHECK(decode_hello(R"({"type":"hello","protocol":1,"worker":"x","colour":{"deep":[1]}})"));
  CHECK(decode_request(R"({"id":1,"verb":"block","urgency":null})"));
  CHECK(decode_reply(R"({"id":1,"ok":true,"joules":4})"));
  CHECK(block_from_json({{"samples_s", {0.1, 0.2}}, {"temperature_k", 300}}));
}

TEST_CASE("a line that is not an object is refused, whatever else it is") {
  for (const char* line : {"", " ", "null", "5", "\"hello\"", "[]", "[{}]", "{", "this is not JSON",
                           "{\"id\":1,\"ok\":true}{}", "\xff\xfe", "{\"id\":1,}"}) {
    CAPTURE(line);
    CHECK_FALSE(message_of(decode_hello(line)).empty());
    CHECK_FALSE(message_of(decode_request(line)).empty());
    CHECK_FALSE(message_of(decode_reply(line)).empty());
  }
}

TEST_CASE("a line longer than the limit is refused before it is parsed") {
  std::string line = R"({"id":1,"ok":true,"x":")";
  line += std::string(kMaxLineBytes, 'x') + "\"}";
  CHECK(contains(message_of(decode_reply(line)), "longer than 16 MiB"));
}

TEST_CASE("a long line within the limit is taken") {
  std::string line = R"({"id":1,"ok":true,"x":")";
  line += std::string(kMaxLineBytes / 2, 'x') + "\"}";
  CHECK(decode_reply(line));
}

TEST_CASE("a deeply nested line is refused and does not exhaust the stack") {
  CHECK(decode_request(nested(20)));
  CHECK(contains(message_of(decode_request(nested(100))), "nested deeper"));
  CHECK(contains(message_of(decode_request(nested(1000000))), "nested deeper"));
}

TEST_CASE("the fields of prepare survive the way over the pipe") {
  const auto got = prepared_from_json(to_json(Prepared{.kernel = "at::linear", .notes = {"slow"}}));
  REQUIRE(got);
  CHECK(got->kernel == "at::linear");
  CHECK(got->notes == std::vector<std::string>{"slow"});
}

TEST_CASE("the fields of warm survive the way over the pipe, bit for bit") {
  const Warmed sent{
      .first_call_s = 0.1, .samples_s = {0.01, 1.0 / 3}, .settled = true, .sync_overhead_s = 1e-7};
  const auto line = parse_json(dump_json(to_json(sent)));
  REQUIRE(line);
  const auto got = warmed_from_json(*line);
  REQUIRE(got);
  CHECK(got->first_call_s == sent.first_call_s);
  CHECK(got->samples_s == sent.samples_s);
  CHECK(got->settled);
  CHECK(got->sync_overhead_s == sent.sync_overhead_s);
}

TEST_CASE("the fields of block survive the way over the pipe, unknown ones as null") {
  Block sent{.samples_s = {0.1, 0.2}, .state = {}};
  sent.state.start_ns = 1234567890123456789;
  sent.state.process_cpu_s = 0.25;
  sent.state.minor_faults = 12;
  const Json json = to_json(sent);
  CHECK(json["cpu"].is_null());
  CHECK(json["thread_cpu_s"].is_null());
  const auto line = parse_json(dump_json(json));
  REQUIRE(line);
  const auto got = block_from_json(*line);
  REQUIRE(got);
  CHECK(got->samples_s == sent.samples_s);
  CHECK(got->state.start_ns == 1234567890123456789);
  CHECK(got->state.process_cpu_s == 0.25);
  CHECK(got->state.minor_faults == 12);
  CHECK_FALSE(got->state.cpu);
  CHECK_FALSE(got->state.thread_cpu_s);
}

TEST_CASE("times that are missing, not numbers, negative or not finite are refused by name") {
  CHECK(contains(message_of(warmed_from_json({{"samples_s", {0.1}}})), "\"first_call_s\""));
  CHECK(contains(message_of(warmed_from_json({{"first_call_s", 0.1}})), "\"samples_s\""));
  CHECK(contains(message_of(warmed_from_json({{"first_call_s", 0.1}, {"samples_s", {-0.1}}})),
                 "\"samples_s\""));
  CHECK(contains(message_of(block_from_json({{"samples_s", "fast"}})), "\"samples_s\""));
  CHECK(contains(message_of(block_from_json({{"samples_s", {0.1, "x"}}})), "\"samples_s\""));
  CHECK(contains(message_of(block_from_json({{"samples_s", {0.1, -1.0}}})), "negative"));
  CHECK(contains(message_of(block_from_json({{"samples_s", {0.1, nullptr}}})), "\"samples_s\""));
}

TEST_CASE("a first call that took a negative time is refused") {
  CHECK(contains(message_of(warmed_from_json({{"first_call_s", -0.1}, {"samples_s", {0.1}}})),
                 "\"first_call_s\""));
}

TEST_CASE("the fields of verify survive the way over the pipe, a scalar's empty shape too") {
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{}, {2, 3}}) {
    const auto got =
        output_from_json(to_json(Output{.shape = shape, .dtype = workload::DType::bfloat16}));
    REQUIRE(got);
    CHECK(got->shape == shape);
    CHECK(got->dtype == workload::DType::bfloat16);
  }
}

TEST_CASE("a shape or dtype that cannot be one is refused by name") {
  CHECK(contains(message_of(output_from_json({{"dtype", "float32"}})), "\"shape\""));
  CHECK(contains(message_of(output_from_json({{"shape", {1}}})), "\"dtype\""));
  CHECK(contains(message_of(output_from_json({{"shape", {1}}, {"dtype", "float7"}})), "float7"));
  for (const Json& extent : {Json(1.5), Json(-1), Json(1e300)}) {
    CAPTURE(extent.dump());
    const Json body = {{"shape", Json::array({extent})}, {"dtype", "float32"}};
    CHECK(contains(message_of(output_from_json(body)), "\"shape\""));
  }
}
