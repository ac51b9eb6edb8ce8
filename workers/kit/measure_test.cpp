#include "kit/measure.hpp"

#include "kit/counters.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

using namespace mlbench;
using namespace mlbench::kit;

namespace {

/// A kernel that remembers what it was asked for and spins for a set time a call.
class SpinKernel final : public Kernel {
 public:
  explicit SpinKernel(double call_s = 0) : call_s_(call_s) {}
  void run(int calls) override {
    asked.push_back(calls);
    const auto end = steady_ns() + static_cast<std::int64_t>(call_s_ * calls * 1e9);
    while (steady_ns() < end) {
    }
  }
  workload::TensorData output() override { return {}; }
  [[nodiscard]] protocol::Prepared facts() const override { return {}; }

  std::vector<int> asked;

 private:
  double call_s_;
};

/// A device that counts how often it was waited for.
class CountingBackend final : public Backend {
 public:
  [[nodiscard]] protocol::Hello hello() const override { return {}; }
  Result<Json> describe(const std::string& /*device*/) override { return Json::object(); }
  Result<std::unique_ptr<Kernel>> prepare(const workload::Case& /*c*/,
                                          const std::string& /*device*/,
                                          std::uint64_t /*seed*/) override {
    return fail(ErrorKind::unsupported, "not in this test");
  }
  void synchronize(const std::string& device) override {
    devices.insert(device);
    ++waits;
  }
  std::set<std::string> devices;
  int waits = 0;
};

/// A device that wakes up: its first calls are slow.
class WakingKernel final : public Kernel {
 public:
  explicit WakingKernel(int slow_calls) : slow_calls_(slow_calls) {}
  void run(int calls) override {
    const double call_s = made_++ < slow_calls_ ? 4e-4 * (1 + made_) : 2e-4;
    const auto end = steady_ns() + static_cast<std::int64_t>(call_s * calls * 1e9);
    while (steady_ns() < end) {
    }
  }
  workload::TensorData output() override { return {}; }
  [[nodiscard]] protocol::Prepared facts() const override { return {}; }

 private:
  int slow_calls_, made_ = 0;
};

std::vector<double> repeated(std::size_t count, double value) {
  return std::vector<double>(count, value);
}

std::vector<double> joined(std::vector<double> a, const std::vector<double>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("times have settled when the medians of the last two windows agree within 3 %") {
  // A window is five samples of 10 ms: more than 20 ms together.
  CHECK(has_settled(joined(repeated(5, 0.010), repeated(5, 0.0102))));
  CHECK_FALSE(has_settled(joined(repeated(5, 0.011), repeated(5, 0.010))));
  CHECK_FALSE(has_settled(joined(repeated(5, 0.010), repeated(5, 0.011))));
  CHECK(has_settled(joined(repeated(20, 0.5), repeated(10, 0.010))));  // long ago does not count
}

TEST_CASE("fewer than two windows cannot tell") {
  CHECK_FALSE(has_settled({}));
  CHECK_FALSE(has_settled(repeated(9, 0.010)));
  CHECK(has_settled(repeated(10, 0.010)));
}

TEST_CASE("a window of short calls lasts at least 20 ms") {
  CHECK_FALSE(has_settled(repeated(10, 0.001)));  // twice 5 samples, but 10 ms in all
  CHECK_FALSE(has_settled(repeated(39, 0.001)));
  CHECK(has_settled(repeated(42, 0.001)));
}

TEST_CASE("one odd sample does not unsettle a window") {
  auto samples = repeated(10, 0.010);
  samples[7] = 0.5;
  CHECK(has_settled(samples));
}

TEST_CASE("calls too short for the clock never settle, and do not hang the rule") {
  CHECK_FALSE(has_settled(repeated(1000, 0)));
}

TEST_CASE("warming up makes at least the calls and takes at least the time that the rule says") {
  SpinKernel kernel;
  const auto start = steady_ns();
  const auto warmed = warm(kernel, {.min_calls = 7, .min_s = 0.02, .max_s = 0.02});
  CHECK(static_cast<double>(steady_ns() - start) * 1e-9 >= 0.02);
  CHECK(kernel.asked.size() >= 7);
  // The first call is told apart, and of very many the ends are kept.
  CHECK(warmed.samples_s.size() == std::min<std::size_t>(1000, kernel.asked.size() - 1));
  for (const int calls : kernel.asked) CHECK(calls == 1);
}

TEST_CASE("with no time to spend, warming up is the calls that the rule says and no more") {
  SpinKernel kernel;
  const auto warmed = warm(kernel, {.min_calls = 3, .min_s = 0, .max_s = 0});
  CHECK(kernel.asked.size() == 3);
  CHECK(warmed.samples_s.size() == 2);
  CHECK(warmed.first_call_s >= 0);
  CHECK_FALSE(warmed.settled);
}

TEST_CASE(
    "warming up goes on beyond the least time until times settle, and says whether they did") {
  SpinKernel kernel(0.005);
  const auto warmed = warm(kernel, {.min_calls = 1, .min_s = 0, .max_s = 20});
  CHECK(warmed.settled == has_settled(warmed.samples_s));
  CHECK(warmed.settled);
  CHECK(warmed.samples_s.size() >= 10);
}

TEST_CASE("a block is a lead-in and the samples, each of the calls that were asked for") {
  SpinKernel kernel(0.001);
  const auto block = measure_block(kernel, 4, 3);
  CHECK(kernel.asked == std::vector<int>{4, 4, 4, 4});
  REQUIRE(block.samples_s.size() == 4);
  // A spin never ends early, so no sample can be below the time of one call.
  for (const double s : block.samples_s) CHECK(s >= 0.001 * 0.999);
}

TEST_CASE("a block records when it ran and what the process used") {
  SpinKernel kernel(0.001);
  const auto before = steady_ns();
  const auto block = measure_block(kernel, 1, 5);
  CHECK(block.state.start_ns >= before);
  CHECK(block.state.start_ns <= steady_ns());
  REQUIRE(block.state.process_cpu_s);
  CHECK(*block.state.process_cpu_s >= 0);
  REQUIRE(block.state.spin_s);
  CHECK(*block.state.spin_s > 0);
}

TEST_CASE("what a kernel throws reaches the caller") {
  class Throwing final : public Kernel {
   public:
    void run(int /*calls*/) override { throw std::runtime_error("no"); }
    workload::TensorData output() override { return {}; }
    [[nodiscard]] protocol::Prepared facts() const override { return {}; }
  } kernel;
  CHECK_THROWS(static_cast<void>(warm(kernel, {})));
  CHECK_THROWS(static_cast<void>(measure_block(kernel, 1, 1)));
}

TEST_CASE("the cost of waiting is the median of a hundred waits for the device that is meant") {
  CountingBackend backend;
  CHECK(sync_overhead_s(backend, "gpu") >= 0);
  CHECK(backend.waits == 100);
  CHECK(backend.devices == std::set<std::string>{"gpu"});
}

TEST_CASE("a block leads in until its samples settle, or its time is spent, and keeps them apart") {
  WakingKernel waking(4);
  const auto block = measure_block(waking, 1, 3, 0, 10);
  CHECK(block.samples_s.size() == 4);
  CHECK(block.lead_in_samples_s.size() >= 7);  // four slow ones cannot be among the last six alike
  SpinKernel steady(1e-4);
  CHECK(measure_block(steady, 2, 3, 0, 0).lead_in_samples_s.empty());
  CHECK(steady.asked.size() == 4);
  SpinKernel slow(0.01);
  const auto short_of_time = measure_block(slow, 1, 1, 0, 0.015);
  CHECK(short_of_time.lead_in_samples_s.size() == 2);
  CHECK(short_of_time.samples_s.size() == 2);
}
