// Compares the native worker's memory loops with plain OpenMP loops over arrays of the same size,
// and its float32 product with the BLAS called directly, in interleaved blocks: mlbench-stream
// [threads] [seconds for each row]
//
// The ratio is that of rates, native over the other, with a 95 % interval over pairs of
// neighbouring blocks. All are of one process: the interval does not hold for another.

#include "core/text.hpp"
#include "core/units.hpp"
#include "native/blas.hpp"
#include "native/kernels.hpp"
#include "native/system.hpp"
#include "plain_loops.hpp"
#include "stats/paired.hpp"
#include "stats/quantile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
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

  /// Returns the block's median. The first call is not kept: it pays for what the other side left
  /// in the caches, and for that side's threads, which spin for a while before they sleep.
  double block_s() {
    call();
    for (int i = 0; i < kSamplesOfBlock; ++i) samples_s.push_back(seconds_of(call));
    return stats::median(std::span(samples_s).last(kSamplesOfBlock)).value_or(0);
  }
  [[nodiscard]] double best_s() const {
    return *std::min_element(samples_s.begin(), samples_s.end());
  }
  [[nodiscard]] double median_s() const { return stats::median(samples_s).value_or(0); }
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
  if (op == "scale") return [=] { stream::scale(a, c, n); };
  if (op == "add") return [=] { stream::add(a, b, c, n); };
  return [=] { stream::triad(a, b, c, n); };
}

/// Blocks of both sides in turn, the order changing, for `budget_s`; prints a row in units of
/// `amount` / 1e9 a second.
void race(const std::string& name, double amount, Side other, Side ours, double budget_s,
          const std::string& kernel) {
  std::vector<double> log_ratios;
  const auto start = Clock::now();
  for (int i = 0; i < 6 || std::chrono::duration<double>(Clock::now() - start).count() < budget_s;
       ++i) {
    const bool ours_first = i % 2 == 1;
    const double first_s = (ours_first ? ours : other).block_s();
    const double second_s = (ours_first ? other : ours).block_s();
    log_ratios.push_back(ours_first ? std::log(second_s / first_s) : std::log(first_s / second_s));
  }
  const auto rate = [&](double seconds) { return amount / seconds / 1e9; };
  const auto interval = stats::ratio_interval(log_ratios);
  std::printf("%-18s  %7.2f %7.2f   %7.2f %7.2f   %6.3f (%.3f-%.3f)   %s\n", name.c_str(),
              rate(other.best_s()), rate(other.median_s()), rate(ours.best_s()),
              rate(ours.median_s()), interval ? interval->ratio : 0, interval ? interval->low : 0,
              interval ? interval->high : 0, kernel.c_str());
  std::fflush(stdout);
}

void compare_memory(const std::string& op, std::int64_t bytes, native::ThreadPool& pool,
                    double budget_s) {
  const auto c =
      workload::make_case("memory", workload::DType::float32, Json{{"op", op}, {"bytes", bytes}});
  if (!c) {
    std::fprintf(stderr, "%s\n", c.error().message.c_str());
    return;
  }
  const auto n = static_cast<std::size_t>(bytes) / sizeof(float);
  PlainArrays arrays(n);
  const auto kernel = native::make_memory_kernel(*c, pool, 1);
  race(op + " " + format_bytes(static_cast<double>(bytes)), workload::work_of(*c).bytes,
       {.call = plain_call(op, arrays, n), .samples_s = {}},
       {.call = [&] { kernel->run(1); }, .samples_s = {}}, budget_s, kernel->facts().kernel);
}

void compare_gemm(int n, native::ThreadPool& pool, double budget_s) {
  const auto blas = native::Blas::open(pool.size());
  if (!blas) {
    std::fprintf(stderr, "%s\n", blas.error().message.c_str());
    return;
  }
  const auto c =
      workload::make_case("gemm", workload::DType::float32, Json{{"m", n}, {"n", n}, {"k", n}});
  const auto kernel = native::make_gemm_kernel(*c, pool, blas, 1);
  if (!kernel) return;
  const auto elements = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<float> x(elements, 0.5F), w(elements, 0.25F), y(elements);
  race("gemm " + std::to_string(n), workload::work_of(*c).flop,
       {.call = [&] { blas->gemm(n, n, n, x.data(), w.data(), y.data()); }, .samples_s = {}},
       {.call = [&] { (*kernel)->run(1); }, .samples_s = {}}, budget_s,
       (*kernel)->facts().kernel + " against " + blas->library());
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
  std::printf("%d threads; GB/s     OpenMP loops      native            native / OpenMP\n",
              pool.size());
  std::printf("                       best  median      best  median   of medians (95 %%)\n");
  for (const std::int64_t mib : {64, 256}) {
    for (const char* op : {"copy", "scale", "add", "triad", "read", "write"})
      compare_memory(op, mib << 20, pool, *budget_s);
  }
  std::printf("\nGFLOP/s, float32     the BLAS          native            native / BLAS\n");
  for (const int n : {256, 512, 1024, 2048}) compare_gemm(n, pool, *budget_s);
}
