#include "run/waiting.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::run;

namespace {

/// Ten calls that take 1 ms each, are waited for, and reach half of the roof.
WaitingEvidence good() {
  auto c = workload::make_case("gemm", workload::DType::float32, {{"m", 64}, {"n", 64}, {"k", 64}});
  REQUIRE(c);
  WaitingEvidence e;
  e.definition = *c;
  e.calls = 10;
  e.once_s = 10e-3;
  e.fourfold_s = 40e-3;
  e.read_s = 2.0e-3;
  e.read_again_s = 1.9e-3;
  e.roof = Roof{.rate = 2 * 64.0 * 64 * 64 / 1e-3 * 2, .name = "FMA loop"};
  return e;
}

Answer refusal(store::CaseStatus status, bool gone) {
  return {.body = {},
          .failure = CallFailure{.status = status, .reason = "no", .worker_gone = gone}};
}

}  // namespace

TEST_CASE("a worker that waits is believed, with or without a roof") {
  auto e = good();
  CHECK(why_not_waited(e) == "");
  e.roof.reset();
  CHECK(why_not_waited(e) == "");
}

TEST_CASE("work that is left when a sample ends is found, however its times grow") {
  auto e = good();
  e.once_s = 10e-6;  // submits in no time, in proportion to the calls
  e.fourfold_s = 40e-6;
  e.read_s = 12e-3;
  e.roof.reset();
  CHECK(why_not_waited(e).find("did not wait for its device") != std::string::npos);
  e = good();
  e.read_s = e.read_again_s + 5e-3;  // waits for two thirds of the calls
  CHECK(why_not_waited(e).find("could be read only") != std::string::npos);
}

TEST_CASE("times that do not follow the number of calls are found") {
  auto e = good();
  e.fourfold_s = e.once_s;
  CHECK(why_not_waited(e).find("do not follow the work") != std::string::npos);
  e.fourfold_s = 2.5 * e.once_s;  // seen of a good worker on a machine under load
  CHECK(why_not_waited(e) == "");
}

TEST_CASE("a rate that the machine cannot reach is found") {
  auto e = good();
  e.roof->rate /= 4;
  CHECK(why_not_waited(e).find("2.00 times what this machine can do (FMA loop)") !=
        std::string::npos);
}

TEST_CASE("one look decides nothing: two more passes believe, ten more failures refuse") {
  CHECK_FALSE(decided(0, 0));
  CHECK_FALSE(decided(1, 0));
  CHECK(decided(2, 0) == true);
  CHECK_FALSE(decided(5, 4));
  CHECK_FALSE(decided(0, 9));
  CHECK(decided(0, 10) == false);
  CHECK(decided(3, 13) == false);
}

TEST_CASE("a worker that knows neither case is not tested, and one that breaks down says how") {
  const Ask refuse = [](const std::string&, Json, double) {
    return refusal(store::CaseStatus::unsupported, false);
  };
  const auto untested = test_waiting(refuse, "cpu", "/tmp/unused", {}, 1);
  CHECK_FALSE(untested.waited);
  CHECK_FALSE(untested.failure);
  CHECK(untested.reason == "it knows neither float32 gemm nor memory");
  const Ask crash = [](const std::string&, Json, double) {
    return refusal(store::CaseStatus::crashed, true);
  };
  const auto broken = test_waiting(crash, "cpu", "/tmp/unused", {}, 1);
  REQUIRE(broken.failure);
  CHECK(broken.failure->worker_gone);
  CHECK(to_json(broken)["waited"].is_null());
}
