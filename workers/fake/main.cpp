// A worker for tests: it knows every workload, computes right answers slowly, takes a set time a
// call, and misbehaves as MLBENCH_FAKE says. It is used only when it is named (--worker fake).
#include "kit/backend.hpp"
#include "kit/counters.hpp"
#include "misbehaviour.hpp"
#include "workload/gemm.hpp"
#include "workload/input.hpp"
#include "workload/language.hpp"
#include "workload/memory.hpp"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace mlbench::fake {
namespace {

using workload::Case;
using workload::DType;
using workload::TensorData;

double call_s() {
  const char* variable = std::getenv("MLBENCH_FAKE_CALL_S");
  return variable == nullptr ? 0.0002 : std::atof(variable);
}

std::vector<std::byte> round_to(const std::vector<double>& values, DType dtype) {
  std::vector<std::byte> bytes;
  const auto append = [&](const auto& v) {
    const auto* p = reinterpret_cast<const std::byte*>(&v);
    bytes.insert(bytes.end(), p, p + sizeof v);
  };
  for (const double v : values) {
    const auto f = static_cast<float>(v);
    switch (dtype) {
      case DType::float64: append(v); break;
      case DType::float32: append(f); break;
      case DType::float16: append(workload::float_to_half(f)); break;
      case DType::bfloat16: append(workload::float_to_bfloat16(f)); break;
      case DType::int32: append(static_cast<std::int32_t>(v)); break;
    }
  }
  return bytes;
}

std::vector<double> gemm(const Case& c, std::uint64_t seed) {
  const auto [m, n, k] = workload::Gemm::shape(c);
  const auto x = to_double(workload::input_bytes(seed, 0, m * k, c.dtype), c.dtype);
  const auto w = to_double(workload::input_bytes(seed, 1, n * k, c.dtype), c.dtype);
  std::vector<double> y(static_cast<std::size_t>(m * n));
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t row = i / static_cast<std::size_t>(n),
                      column = i % static_cast<std::size_t>(n);
    for (std::size_t p = 0; p < static_cast<std::size_t>(k); ++p) {
      y[i] +=
          x[row * static_cast<std::size_t>(k) + p] * w[column * static_cast<std::size_t>(k) + p];
    }
  }
  return y;
}

std::vector<double> memory(const Case& c, std::uint64_t seed) {
  using workload::Memory;
  const auto n = static_cast<std::size_t>(Memory::elements(c));
  std::vector<float> a(n), b(n);
  workload::input_values(seed, 0, 0, a);
  workload::input_values(seed, 1, 0, b);
  std::vector<double> y(Memory::op(c) == Memory::Op::read ? 1 : n);
  for (std::size_t i = 0; i < n; ++i) {
    switch (Memory::op(c)) {
      case Memory::Op::copy: y[i] = -double{a[i]}; break;
      case Memory::Op::read: y[0] += double{a[i]}; break;
      case Memory::Op::write: y[i] = double{Memory::kWriteValue}; break;
      case Memory::Op::scale: y[i] = double{Memory::kTriadScale} * double{a[i]}; break;
      case Memory::Op::add: y[i] = double{a[i]} + double{b[i]}; break;
      case Memory::Op::triad:
        y[i] = double{a[i]} + double{Memory::kTriadScale} * double{b[i]};
        break;
    }
  }
  return y;
}

std::vector<double> values_of(const Case& c, std::uint64_t seed) {
  if (c.workload == "gemm") return gemm(c, seed);
  if (!workload::is_language(c.workload)) return memory(c, seed);
  auto values = workload::language_reference(c, seed);
  if (!values) throw std::runtime_error(values.error().message);
  return *std::move(values);
}

class FakeKernel final : public kit::Kernel {
 public:
  FakeKernel(Case c, std::uint64_t seed) : case_(std::move(c)), seed_(seed) {}

  void run(int calls) override {
    const char* step = calls_made_ < 4 ? "warm" : "block";
    act_out(step, case_.id);
    const double factor = asked_for(step, "slow", case_.id) ? 10 : 1;
    const auto end = kit::steady_ns() + static_cast<std::int64_t>(call_s() * factor * calls * 1e9);
    while (kit::steady_ns() < end) {
    }
    ++calls_made_;
  }

  TensorData output() override {
    act_out("verify", case_.id);
    const auto spec = workload::output_of(case_);
    auto values = values_of(case_, seed_);
    if (asked_for("verify", "wrong", case_.id)) values.back() += 1;
    if (asked_for("verify", "nan", case_.id))
      values.back() = std::numeric_limits<double>::quiet_NaN();
    const DType dtype = asked_for("verify", "dtype", case_.id) ? DType::float64 : spec.dtype;
    return {.shape = spec.shape, .dtype = dtype, .bytes = round_to(values, dtype)};
  }

  [[nodiscard]] protocol::Prepared facts() const override {
    return {.kernel = "a busy loop", .notes = {"fake: times mean nothing"}};
  }

 private:
  Case case_;
  std::uint64_t seed_;
  int calls_made_ = 0;
};

class FakeBackend final : public kit::Backend {
 public:
  [[nodiscard]] protocol::Hello hello() const override {
    act_out("hello", "");
    protocol::Hello hello{.worker = "fake",
                          .framework_version = "1.0",
                          .devices = {"cpu"},
                          .workloads = workload::workload_names(),
                          .variants = {"cold", "independent"}};
    if (asked_for("hello", "version", "")) hello.protocol = 99;
    return hello;
  }

  Result<Json> describe(const std::string& device) override {
    act_out("describe", "");
    if (device != "cpu" || asked_for("describe", "refuse", ""))
      return fail(ErrorKind::unsupported, "the fake worker has no device " + device);
    return Json{{"framework_version", "1.0"}, {"device_name", "fake"}, {"threads", 1}};
  }

  Result<std::unique_ptr<kit::Kernel>> prepare(const Case& c, const std::string& /*device*/,
                                               std::uint64_t seed) override {
    act_out("prepare", c.id);
    if (asked_for("prepare", "refuse", c.id))
      return fail(ErrorKind::unsupported, "the fake worker refuses " + c.id);
    return std::unique_ptr<kit::Kernel>(std::make_unique<FakeKernel>(c, seed));
  }

  void synchronize(const std::string& /*device*/) override {}
  void release_caches() override { act_out("release", ""); }
};

std::unique_ptr<kit::Backend> make() {
  return std::make_unique<FakeBackend>();
}

}  // namespace
}  // namespace mlbench::fake

int main() {
  mlbench::fake::keep_stdout();
  return mlbench::kit::worker_main(mlbench::fake::make);
}
