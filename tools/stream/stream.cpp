// Compares the native worker's memory loops with plain OpenMP loops over arrays of the same size,
// in interleaved blocks: mlbench-stream [threads] [seconds for each row]

#include "core/text.hpp"
#include "core/units.hpp"
#include "native/kernels.hpp"
#include "native/system.hpp"
#include "plain_loops.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace mlbench;
using Clock = std::chrono::steady_clock;

constexpr int kSamplesOfBlock = 5;

double seconds_of(const std::function<void()>& call) {
  const auto start = Clock::now();
  call();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Side {
  std::function<void()> call;
  std::vector<double> samples_s;

  /// The first call is not kept: it pays for what the other side left in the caches, and for that
  /// side's threads, which spin for a while before they sleep.
  void block() {
    call();
    for (int i = 0; i < kSamplesOfBlock; ++i) samples_s.push_back(seconds_of(call));
  }
  [[nodiscard]] double best_s() const {
    return *std::min_element(samples_s.begin(), samples_s.end());
  }
  [[nodiscard]] double median_s() {
    const auto middle = samples_s.begin() + static_cast<std::ptrdiff_t>(samples_s.size() / 2);
    std::nth_element(samples_s.begin(), middle, samples_s.end());
    return *middle;
  }
};

struct PlainArrays {
  explicit PlainArrays(std::size_t n) : a(new float[n]), b(new float[n]), c(new float[n]) {
    stream::touch(a.get(), b.get(), c.get(), n);
  }
  std::unique_ptr<float[]> a, b, c;
};

std::function<void()> plain_call(const std::string& op, PlainArrays& arrays, std::size_t n) {
  float *a = arrays.a.get(), *b = arrays.b.get(), *c = arrays.c.get();
  if (op == "copy") return [=] { stream::copy(a, c, n); };
  if (op == "read") return [=] { c[0] = stream::read(a, n); };
  if (op == "write") return [=] { stream::write(c, n); };
  return [=] { stream::triad(a, b, c, n); };
}

void compare(const std::string& op, std::int64_t bytes, native::ThreadPool& pool, double budget_s) {
  const auto c =
      workload::make_case("memory", workload::DType::float32, Json{{"op", op}, {"bytes", bytes}});
  if (!c) {
    std::fprintf(stderr, "%s\n", c.error().message.c_str());
    return;
  }
  const auto n = static_cast<std::size_t>(bytes) / sizeof(float);
  PlainArrays arrays(n);
  const auto kernel = native::make_memory_kernel(*c, pool, 1);
  Side plain{.call = plain_call(op, arrays, n), .samples_s = {}};
  Side ours{.call = [&] { kernel->run(1); }, .samples_s = {}};

  const auto start = Clock::now();
  for (int i = 0; i < 2 || std::chrono::duration<double>(Clock::now() - start).count() < budget_s;
       ++i) {
    Side& first = i % 2 == 0 ? plain : ours;
    Side& second = i % 2 == 0 ? ours : plain;
    first.block();
    second.block();
  }
  const double amount = workload::work_of(*c).bytes;
  const auto rate = [&](double seconds) { return amount / seconds / 1e9; };
  std::printf("%-6s %8s %3d   %7.2f %7.2f   %7.2f %7.2f   %6.3f %6.3f   %s\n", op.c_str(),
              format_bytes(static_cast<double>(bytes)).c_str(), pool.size(), rate(plain.best_s()),
              rate(plain.median_s()), rate(ours.best_s()), rate(ours.median_s()),
              plain.best_s() / ours.best_s(), plain.median_s() / ours.median_s(),
              kernel->facts().kernel.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const auto threads = argc > 1 ? parse_int(argv[1]) : native::usable_cores();
  const auto budget_s = argc > 2 ? parse_double(argv[2]) : 2.0;
  if (!threads || *threads < 1 || *threads > 1024 || !budget_s) {
    std::fprintf(stderr, "usage: mlbench-stream [threads] [seconds for each row]\n");
    return 2;
  }
  native::ThreadPool pool(static_cast<int>(*threads));
  stream::set_threads(pool.size());
  std::printf("GB/s                  OpenMP loops      native            native / OpenMP\n");
  std::printf("op        array thr      best  median      best  median     best median\n");
  for (const std::int64_t mib : {64, 256}) {
    for (const char* op : {"copy", "read", "write", "triad"}) {
      compare(op, mib << 20, pool, *budget_s);
    }
  }
}
