// A worker for tests: it knows every workload, computes right answers slowly, takes a set time a
// call, and misbehaves as MLBENCH_FAKE says. It is used only when it is named (--worker fake), and
// to play the frameworks of a recorded machine in a rehearsal.
#include "core/parallel.hpp"
#include "kit/backend.hpp"
#include "kit/counters.hpp"
#include "misbehaviour.hpp"
#include "part.hpp"
#include "workload/gemm.hpp"
#include "workload/input.hpp"
#include "workload/language.hpp"
#include "workload/memory.hpp"
#include "workload/operation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <future>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace mlbench::fake {
namespace {

using workload::Case;
using workload::DType;
using workload::TensorData;

double number_of(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atof(text);
}

/// MLBENCH_FAKE_CALL_S, or more where MLBENCH_FAKE_FLOP_PER_S makes larger cases take longer.
double call_s(const Case& c) {
  const double set_s = number_of("MLBENCH_FAKE_CALL_S", 0.0002);
  const double flop_per_s = number_of("MLBENCH_FAKE_FLOP_PER_S", 0);
  return flop_per_s > 0 ? std::max(set_s, workload::work_of(c).flop / flop_per_s) : set_s;
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

/// Rows of y = x · wᵀ, w given as its transpose [k, n], so that the inner loop runs along memory.
template <class T>
void add_rows(const Case& c, const std::vector<double>& x, const std::vector<T>& columns,
              std::size_t first, std::size_t end, std::vector<double>& y) {
  const auto shape = workload::Gemm::shape(c);
  const auto n = static_cast<std::size_t>(shape.n), k = static_cast<std::size_t>(shape.k);
  std::vector<T> row(n);
  for (std::size_t i = first; i < end; ++i) {
    std::fill(row.begin(), row.end(), T{0});
    for (std::size_t p = 0; p < k; ++p) {
      const T factor = static_cast<T>(x[i * k + p]);
      const T* column = &columns[p * n];
      for (std::size_t j = 0; j < n; ++j) row[j] += factor * column[j];
    }
    std::copy(row.begin(), row.end(), y.begin() + static_cast<std::ptrdiff_t>(i * n));
  }
}

template <class T>
std::vector<double> gemm_in(const Case& c, std::uint64_t seed) {
  const auto [m, n, k] = workload::Gemm::shape(c);
  const auto x = workload::to_double(workload::input_bytes(seed, 0, m * k, c.dtype), c.dtype);
  const auto w = workload::to_double(workload::input_bytes(seed, 1, n * k, c.dtype), c.dtype);
  std::vector<T> columns(w.size());
  for (std::size_t j = 0; j < static_cast<std::size_t>(n); ++j) {
    for (std::size_t p = 0; p < static_cast<std::size_t>(k); ++p)
      columns[p * static_cast<std::size_t>(n) + j] =
          static_cast<T>(w[j * static_cast<std::size_t>(k) + p]);
  }
  std::vector<double> y(static_cast<std::size_t>(m * n));
  in_parts(static_cast<std::size_t>(m), 64,
           [&](std::size_t /*part*/, std::size_t first, std::size_t end) {
             add_rows(c, x, columns, first, end, y);
           });
  return y;
}

/// The large products of a rehearsal are added up in float32, which is as good as a framework does.
std::vector<double> gemm(const Case& c, std::uint64_t seed) {
  constexpr double kLarge = 1e9;
  return workload::work_of(c).flop > kLarge && c.dtype != DType::float64 ? gemm_in<float>(c, seed)
                                                                         : gemm_in<double>(c, seed);
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
  if (c.workload == "memory") return memory(c, seed);
  if (!workload::is_language(c.workload)) return workload::right_answer(c, seed);
  auto values = workload::language_reference(c, seed);
  if (!values) throw std::runtime_error(values.error().message);
  return *std::move(values);
}

/// `values` of rows of `columns` with the two swapped.
std::vector<double> transposed(const std::vector<double>& values, std::size_t columns) {
  const std::size_t rows = values.size() / columns;
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    result[i % columns * rows + i / columns] = values[i];
  return result;
}

class FakeKernel final : public kit::Kernel {
 public:
  FakeKernel(Case c, std::uint64_t seed, double call_s)
      : case_(std::move(c)), seed_(seed), call_s_(call_s) {}
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;
  ~FakeKernel() override { wait(); }

  void run(int calls) override {
    if (asked_for("run", "async", case_.id)) return submit(calls);
    if (asked_for("run", "skip", case_.id)) calls = 1;
    const char* step = calls_made_ < 4 ? "warm" : "block";
    act_out(step, case_.id);
    double factor = asked_for(step, "slow", case_.id) ? 10 : 1;
    if (asked_for(step, "second", case_.id) && is_second()) factor *= 2;
    if (asked_for(step, "lazy", case_.id) && calls > 20 && calls % 20 != 0) factor *= 0.5;
    const auto end = kit::steady_ns() + static_cast<std::int64_t>(call_s_ * factor * calls * 1e9);
    while (kit::steady_ns() < end) {
    }
    ++calls_made_;
  }

  TensorData output() override {
    wait();  // as every device makes whoever reads its results wait
    act_out("verify", case_.id);
    if (Part::mine() != nullptr) return rehearsed_output();
    const auto spec = workload::output_of(case_);
    auto values = values_of(case_, asked_for("verify", "inputs", case_.id) ? seed_ + 1 : seed_);
    if (asked_for("verify", "float16", case_.id)) {
      for (double& v : values)
        v = double{workload::half_to_float(workload::float_to_half(static_cast<float>(v)))};
    }
    if (asked_for("verify", "partial", case_.id))
      std::fill(values.begin() + std::ssize(values) / 2, values.end(), 0.0);
    if (asked_for("verify", "axis", case_.id) && spec.shape.size() > 1)
      values = transposed(values, static_cast<std::size_t>(spec.shape.back()));
    const bool late = calls_made_ >= 4 && asked_for("verify", "late", case_.id);
    if (late || asked_for("verify", "wrong", case_.id)) values.back() += 1;
    if (asked_for("verify", "nan", case_.id))
      values.back() = std::numeric_limits<double>::quiet_NaN();
    const DType dtype = asked_for("verify", "dtype", case_.id) ? DType::float64 : spec.dtype;
    return {.shape = spec.shape, .dtype = dtype, .bytes = round_to(values, dtype)};
  }

  [[nodiscard]] bool has_invented_times() const override { return Part::mine() != nullptr; }

  [[nodiscard]] protocol::Prepared facts() const override {
    if (Part::mine() != nullptr)
      return {.kernel = "a rehearsed one", .notes = {"rehearsal: the times are invented"}};
    protocol::Prepared facts{.kernel = "a busy loop", .notes = {"fake: times mean nothing"}};
    if (asked_for("prepare", "fallback", case_.id)) facts.fallback = {"fake::on_cpu"};
    return facts;
  }

 private:
  /// Every process of a rehearsal needs the same right answer; it is computed once.
  TensorData rehearsed_output() {
    const auto spec = workload::output_of(case_);
    auto bytes = Part::once(case_.id + "-" + std::to_string(seed_),
                            [&] { return round_to(values_of(case_, seed_), spec.dtype); });
    return {.shape = spec.shape, .dtype = spec.dtype, .bytes = std::move(bytes)};
  }

  /// A device with a queue of its own: calls are only submitted, and threads compute them in order.
  void submit(int calls) {
    for (int i = 0; i < calls; ++i) {
      queue_ = std::async(std::launch::async, [before = std::move(queue_), s = call_s_] {
                 if (before.valid()) before.wait();
                 compute_for(s);
               }).share();
    }
  }

  /// Work that takes the CPU for `seconds`.
  static void compute_for(double seconds) {
    volatile double sum = 0;
    const auto end = kit::steady_ns() + static_cast<std::int64_t>(seconds * 1e9);
    while (kit::steady_ns() < end) {
      for (int i = 1; i < 200; ++i) sum = sum + 1.0 / i;
    }
  }

  void wait() {
    if (queue_.valid()) queue_.wait();
  }

  Case case_;
  std::uint64_t seed_;
  double call_s_;
  int calls_made_ = 0;
  std::shared_future<void> queue_;  ///< The last call that was submitted.
};

class FakeBackend final : public kit::Backend {
 public:
  [[nodiscard]] protocol::Hello hello() const override {
    act_out("hello", "");
    static_cast<void>(is_second());  // whoever starts first holds the lock
    protocol::Hello hello{.worker = "fake",
                          .framework_version = "1.0",
                          .devices = {"cpu"},
                          .workloads = workload::workload_names(),
                          .variants = {"cold", "independent"}};
    if (const Part* part = Part::mine()) {
      hello.worker = part->framework();
      hello.framework_version = part->version();
      hello.devices = part->devices();
    }
    if (asked_for("hello", "version", "")) hello.protocol = 99;
    return hello;
  }

  Result<Json> describe(const std::string& device) override {
    act_out("describe", "");
    if (const Part* part = Part::mine()) return part->describe(device);
    if (device != "cpu" || asked_for("describe", "refuse", ""))
      return fail(ErrorKind::unsupported, "the fake worker has no device " + device);
    return Json{{"framework_version", "1.0"}, {"device_name", "fake"}, {"threads", 1}};
  }

  Result<std::unique_ptr<kit::Kernel>> prepare(const Case& c, const std::string& device,
                                               std::uint64_t seed) override {
    act_out("prepare", c.id);
    if (asked_for("prepare", "refuse", c.id))
      return fail(ErrorKind::unsupported, "the fake worker refuses " + c.id);
    return std::unique_ptr<kit::Kernel>(std::make_unique<FakeKernel>(
        c, seed, Part::mine() != nullptr ? Part::mine()->call_s(c, device) : call_s(c)));
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
