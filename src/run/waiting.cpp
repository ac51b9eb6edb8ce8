#include "run/waiting.hpp"

#include "compare/ceilings.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <system_error>

namespace mlbench::run {
namespace {

using Clock = std::chrono::steady_clock;
using store::CaseStatus;
using workload::Case;
using workload::DType;

/// Work that is left after a sample ended, as a share of it. Reading the same result twice differs
/// by much less.
constexpr double kMostLeft = 0.4;
/// Of four times the calls. Calls that are left out or overlap give 1; a busy machine, which
/// lengthens the shorter sample more, gave 2.6 where 4 was true. A longer time proves nothing.
constexpr double kLeastGrowth = 1.6;
/// Above the roof: a busy machine measures a roof too low. Work that is not done gives far more.
constexpr double kMostRate = 1.5;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string factor(double value) {
  return std::to_string(value).substr(0, 4);
}

/// What a sample has to last: long against the clock and the noise of reading, too short to be
/// noticed.
struct Lengths {
  double call_s, sample_s;
};

Lengths lengths_on(const std::string& device) {
  const bool gpu = compare::device_kind(device) == "gpu";
  // A GPU's call has to take longer than its submission, which would hide a missing wait. On a CPU
  // whoever reads may wait for a turn of 4 to 8 ms on a busy machine, which is to be less than
  // kMostLeft.
  return gpu ? Lengths{.call_s = 50e-6, .sample_s = 20e-3}
             : Lengths{.call_s = 100e-6, .sample_s = 20e-3};
}

/// The cases of one kind, ascending; the first whose call is long enough is taken. Their outputs
/// are small, so that reading them hides nothing.
std::vector<Case> ladder(const std::string& workload, const std::string& device) {
  std::vector<Case> cases;
  const bool gpu = compare::device_kind(device) == "gpu";
  const std::int64_t most = workload == "gemm" ? 2048 : gpu ? 4096 : 2048;
  for (std::int64_t n = 64; n <= most; n *= 2) {
    // Sums of 64 KiB to 64 MiB, on a GPU to 256 MiB.
    const Json params = workload == "gemm" ? Json{{"m", n}, {"n", n}, {"k", n}}
                                           : Json{{"op", "read"}, {"bytes", 16 * n * n}};
    if (auto c = workload::make_case(workload, DType::float32, params)) cases.push_back(*c);
  }
  return cases;
}

/// Talks to one worker about one case. A request that fails sets failure() and ends the test.
class Tester {
 public:
  Tester(const Ask& ask, std::string device, const std::filesystem::path& scratch, double timeout_s)
      : ask_(ask), device_(std::move(device)), scratch_(scratch), timeout_s_(timeout_s) {}

  bool prepare(const Case& c) {
    Json body = to_json(c);
    body["device"] = device_;
    body["seed"] = 1;
    request(c, "prepare", std::move(body));
    return !failure_;
  }
  void release(const Case& c) { request(c, "release", Json::object()); }

  /// The shorter of two samples of `calls` calls, in seconds for all of them. The last ends when
  /// this returns, or nearly so.
  double sample_s(const Case& c, int calls) { return shortest_s(c, {{"calls", calls}}, nullptr); }

  /// Seconds until `calls` calls were submitted, apart from all that is timed.
  std::optional<double> submit_s(const Case& c, int calls) {
    std::optional<double> per_call_s;
    shortest_s(c, {{"calls", calls}, {"submit", true}}, &per_call_s);
    if (per_call_s) *per_call_s *= calls;
    return per_call_s;
  }

  /// Seconds until the last output, or that of one more call, could be read.
  double read_s(const Case& c, const char* source) {
    const auto start = Clock::now();
    request(c, "verify", {{"source", source}, {"path", scratch_.string()}});
    const double s = seconds_since(start);
    std::error_code ignored;
    std::filesystem::remove(scratch_, ignored);
    return s;
  }

  [[nodiscard]] const std::optional<CallFailure>& failure() const { return failure_; }

 private:
  double shortest_s(const Case& c, Json body, std::optional<double>* submit_s) {
    const double calls = body["calls"];
    body["samples"] = 1;
    const Json answer = request(c, "block", std::move(body));
    if (failure_) return 0;
    const auto block = protocol::block_from_json(answer);
    if (!block || block->samples_s.empty()) {
      failure_ = CallFailure{.status = CaseStatus::failed, .reason = "answered block badly"};
      return 0;
    }
    if (submit_s != nullptr) *submit_s = block->submit_s;
    return *std::min_element(block->samples_s.begin(), block->samples_s.end()) * calls;
  }

  Json request(const Case& c, const char* verb, Json body) {
    if (failure_) return {};
    body["case"] = c.id;
    auto answer = ask_(verb, std::move(body), timeout_s_);
    failure_ = answer.failure;
    return std::move(answer.body);
  }

  const Ask& ask_;
  std::string device_;
  std::filesystem::path scratch_;
  double timeout_s_;
  std::optional<CallFailure> failure_;
};

/// Seconds a call takes, also of a worker that does not wait: then reading takes what a sample does
/// not. Of several calls, so that one wait for the device does not count as work; the least of
/// three, since a busy machine lengthens either.
double call_s(Tester& tester, const Case& c) {
  constexpr int kCalls = 8;
  tester.read_s(c, "fresh");  // the first call may compile
  double least_s = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const double sample_s = tester.sample_s(c, kCalls);
    const double read_s = tester.read_s(c, "last");
    const double left_s = read_s - tester.read_s(c, "last");
    least_s = std::min(least_s, std::max(sample_s, left_s));
  }
  return least_s / kCalls;
}

/// One look. The shortest samples so far count: work that is done is in each of them, whatever else
/// the machine did meanwhile. What is left to read does not: it is that of the last sample.
void look(Tester& tester, WaitingEvidence& e) {
  const auto shorten = [](double& s, double sample_s) {
    s = s == 0 ? sample_s : std::min(s, sample_s);
  };
  shorten(e.fourfold_s, tester.sample_s(e.definition, 4 * e.calls));
  shorten(e.once_s, tester.sample_s(e.definition, e.calls));
  e.read_s = tester.read_s(e.definition, "last");
  e.read_again_s = tester.read_s(e.definition, "last");
}

/// So many calls that they take `least_s`, at the speed of the shortest sample so far.
int calls_for(double call_s, double least_s) {
  constexpr double kMostCalls = 20000;
  return static_cast<int>(std::clamp(std::ceil(least_s / std::max(call_s, 1e-9)), 1.0, kMostCalls));
}

/// A call that was tried on a busy machine, or whose threads shared a core at first, looks up to a
/// thousand times longer than it is; samples planned by that are so short that reading decides.
/// True where `e` was too short and has begun anew with more calls.
bool lengthen(WaitingEvidence& e, double least_s) {
  const double seen_s = std::max(e.once_s, e.read_s - e.read_again_s);
  const int calls = calls_for(seen_s / e.calls, least_s);
  if (seen_s >= least_s / 2 || calls < 2 * e.calls) return false;
  e.calls = calls;
  e.once_s = e.fourfold_s = 0;
  e.passed = e.failed = 0;
  return true;
}

/// Looks at `e` until they decide, and sets what `test` says.
void look_until_decided(Tester& tester, WaitingEvidence& e, double least_s, SelfTest& test) {
  constexpr int kMostLooks = 30;
  for (int i = 0; i < kMostLooks && !tester.failure(); ++i) {
    look(tester, e);
    if (tester.failure()) return;
    if (lengthen(e, least_s)) continue;
    const auto why = why_not_waited(e);
    ++(why.empty() ? e.passed : e.failed);
    if (!why.empty()) test.reason = why;
    test.waited = decided(e.passed, e.failed);
    if (test.waited == true) test.reason.clear();
    if (test.waited) return;
  }
  test.reason = "this machine is too busy to tell; " + test.reason;
}

/// False when the worker broke down or does not know the workload.
bool test_one(Tester& tester, const std::string& workload, const std::string& device,
              const FindRoof& roof, SelfTest& test) {
  const auto [least_call_s, least_sample_s] = lengths_on(device);
  const auto cases = ladder(workload, device);
  for (const Case& c : cases) {
    if (!tester.prepare(c)) return false;
    const double one_s = call_s(tester, c);
    if (tester.failure()) return false;
    if (one_s < least_call_s && &c != &cases.back()) {
      tester.release(c);
      continue;
    }
    WaitingEvidence e;
    e.definition = c;
    e.roof = roof ? roof(c) : std::nullopt;
    e.calls = calls_for(one_s, least_sample_s);
    look_until_decided(tester, e, least_sample_s, test);
    e.submit_s = tester.submit_s(c, e.calls);
    tester.release(c);
    if (tester.failure()) return false;
    test.evidence.push_back(std::move(e));
    return true;
  }
  return false;
}

}  // namespace

std::string why_not_waited(const WaitingEvidence& e) {
  const double growth = e.fourfold_s / std::max(e.once_s, 1e-9);
  if (growth < kLeastGrowth) {
    return "four times the calls of " + e.definition.id + " take " + factor(growth) +
           " times as long: its times do not follow the work";
  }
  const double left_s = e.read_s - e.read_again_s;
  const double work_s = std::max(e.once_s, left_s);
  if (left_s > kMostLeft * work_s) {
    return "the result of " + std::to_string(e.calls) + " calls of " + e.definition.id +
           ", timed as " + format_time(e.once_s) + ", could be read only " + format_time(left_s) +
           " later: it did not wait for its device";
  }
  if (!e.roof) return {};
  const double rate = workload::work_of(e.definition).amount() * e.calls / e.once_s;
  if (rate <= kMostRate * e.roof->rate) return {};
  return e.definition.id + " runs at " + factor(rate / e.roof->rate) +
         " times what this machine can do (" + e.roof->name +
         "): it does not do the work that it is timed for";
}

std::optional<bool> decided(int passed, int failed) {
  constexpr int kBelieved = 2, kRefused = 10;
  if (passed - failed >= kBelieved) return true;
  if (failed - passed >= kRefused) return false;
  return std::nullopt;
}

SelfTest test_waiting(const Ask& ask, const std::string& device,
                      const std::filesystem::path& scratch, const FindRoof& roof,
                      double timeout_s) {
  SelfTest test;
  bool any = false;
  for (const char* workload : {"gemm", "memory"}) {
    Tester tester(ask, device, scratch, timeout_s);
    const bool tested = test_one(tester, workload, device, roof, test);
    any = any || tested;
    if (tester.failure() && tester.failure()->status != CaseStatus::unsupported) {
      test.waited = std::nullopt;
      test.failure = tester.failure();
      test.reason = tester.failure()->reason;
      return test;
    }
    if (tested && test.waited != true) return test;
  }
  if (!any) test.reason = "it knows neither float32 gemm nor memory";
  return test;
}

Json to_json(const SelfTest& test) {
  Json list = Json::array();
  for (const auto& e : test.evidence) {
    list.push_back({{"case", e.definition.id},
                    {"calls", e.calls},
                    {"once_s", e.once_s},
                    {"fourfold_s", e.fourfold_s},
                    {"submit_s", to_json_or_null(e.submit_s)},
                    {"read_s", e.read_s},
                    {"read_again_s", e.read_again_s},
                    {"roof_rate", e.roof ? Json(e.roof->rate) : Json(nullptr)},
                    {"passed", e.passed},
                    {"failed", e.failed}});
  }
  return {{"waited", test.waited ? Json(*test.waited) : Json(nullptr)},
          {"reason", test.reason},
          {"evidence", list}};
}

}  // namespace mlbench::run
