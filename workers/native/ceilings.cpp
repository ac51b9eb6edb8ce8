#include "native/ceilings.hpp"

#include "native/buffer.hpp"
#include "native/inputs.hpp"
#include "native/peak.hpp"
#include "native/stream.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace mlbench::native {
namespace {

using Clock = std::chrono::steady_clock;
using workload::DType;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kSmallestSet = 64 << 10;
/// From here on a pass takes long, and only operations that can be the best are measured.
constexpr std::int64_t kLargeSet = 128 * kMiB;
/// Larger ones cost seconds of page faults; the memory cases of a run go further.
constexpr std::int64_t kLargestSet = 512 * kMiB;

double seconds_of(const std::function<void()>& call) {
  const auto start = Clock::now();
  call();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Shortest of at least `least` calls and, while they are short, of `budget_s`.
double shortest_s(const std::function<void()>& call, int least, double budget_s) {
  call();
  double best_s = std::numeric_limits<double>::infinity(), spent_s = 0;
  for (int i = 0; i < least || spent_s < budget_s; ++i) {
    const double s = seconds_of(call);
    best_s = std::min(best_s, s);
    spent_s += s;
  }
  return best_s;
}

/// The best of each resource, working set and number of threads.
class Best {
 public:
  void raise(const std::string& resource, std::int64_t working_set_bytes, int threads, double rate,
             const std::string& name) {
    Entry& entry = entries_[{resource, working_set_bytes, threads}];
    if (rate > entry.rate) entry = {rate, name};
  }
  [[nodiscard]] Json to_json() const {
    Json list = Json::array();
    for (const auto& [key, entry] : entries_) {
      const auto& [resource, bytes, threads] = key;
      list.push_back({{"resource", resource},
                      {"rate", entry.rate},
                      {"working_set_bytes", bytes == 0 ? Json(nullptr) : Json(bytes)},
                      {"name", entry.name},
                      {"threads", threads}});
    }
    return list;
  }

 private:
  struct Entry {
    double rate = 0;
    std::string name;
  };
  std::map<std::tuple<std::string, std::int64_t, int>, Entry> entries_;
};

struct Op {
  const char* name;
  std::size_t arrays;  ///< Read or written.
  bool stores;
  bool in_caches_only;  ///< Never the best beyond them: as write, copy and triad, or slower.
  void (*pass)(const StreamLoops& loops, std::array<float*, 3> x, std::size_t n);
};

constexpr std::array<Op, 6> kOps = {
    {{"read", 1, false, false,
      [](const StreamLoops& l, std::array<float*, 3> x, std::size_t n) {
        volatile double sum = l.sum(x[0], n);
        static_cast<void>(sum);
      }},
     {"write", 1, true, false,
      [](const StreamLoops& l, std::array<float*, 3> x, std::size_t n) { l.write(x[0], n); }},
     {"copy", 2, true, false,
      [](const StreamLoops& l, std::array<float*, 3> x, std::size_t n) { l.copy(x[0], x[1], n); }},
     {"scale", 2, true, true,
      [](const StreamLoops& l, std::array<float*, 3> x, std::size_t n) { l.scale(x[0], x[1], n); }},
     {"add", 3, true, true,
      [](const StreamLoops& l, std::array<float*, 3> x, std::size_t n) {
        l.add(x[0], x[1], x[2], n);
      }},
     {"triad", 3, true, false, [](const StreamLoops& l, std::array<float*, 3> x, std::size_t n) {
        l.triad(x[0], x[1], x[2], n);
      }}}};

/// Each thread has its own part of each working set, and repeats its pass over it: so that of small
/// ones the loops are timed and not the waking of threads.
class Bandwidth {
 public:
  Bandwidth(ThreadPool& pool, std::int64_t largest_bytes)
      : pool_(pool),
        // Parts end at multiples of kGrain: with some more, each holds what it has to.
        elements_(static_cast<std::size_t>(largest_bytes) / sizeof(float) +
                  2 * kGrain * static_cast<std::size_t>(pool.size())),
        region_(elements_ * sizeof(float)) {
    const auto loops = widest_stream_loops();
    pool_.run([&](int part) {
      const auto range = part_of(elements_, part, pool_.size(), kGrain);
      loops.front().write(region_.as<float>() + range.first, range.count);
    });
  }

  void measure(std::int64_t bytes, int threads, Best& best) {
    for (const StreamLoops& loops : widest_stream_loops()) {
      for (const Op& op : kOps) {
        if (loops.non_temporal && !op.stores) continue;  // the same loop
        // Non-temporal stores leave the caches out: no way to be fast within one, the way beyond.
        if (loops.non_temporal && bytes < kMiB) continue;
        if (bytes >= kLargeSet && (op.in_caches_only || (op.stores && !loops.non_temporal)))
          continue;
        const double rate = rate_of(loops, op, bytes, threads);
        best.raise("bytes_per_s", bytes, threads, rate, std::string(op.name) + ", " + loops.name);
      }
    }
  }

 private:
  double rate_of(const StreamLoops& loops, const Op& op, std::int64_t bytes, int threads) {
    constexpr std::size_t kLine = 64 / sizeof(float);
    const std::size_t n = static_cast<std::size_t>(bytes) / sizeof(float) /
                          static_cast<std::size_t>(threads) / op.arrays / kLine * kLine;
    const double moved = static_cast<double>(n * op.arrays * sizeof(float)) * threads;
    // A pass of all threads takes about half a millisecond at 20 GB/s.
    const auto passes = static_cast<int>(std::max(1.0, 10e6 / moved));
    const double s = shortest_s(
        [&] {
          pool_.run([&](int part) {
            if (part >= threads) return;
            // With all threads each stays in memory that it placed; fewer take more than a part.
            const std::size_t offset = threads == pool_.size()
                                           ? part_of(elements_, part, threads, kGrain).first
                                           : static_cast<std::size_t>(part) * n * op.arrays;
            float* const first = region_.as<float>() + offset;
            const std::array<float*, 3> x = {first, first + n, first + 2 * n};
            for (int i = 0; i < passes; ++i) op.pass(loops, x, n);
          });
        },
        bytes >= kLargeSet ? 2 : 3, 2e-3);
    return moved * passes / s;
  }

  ThreadPool& pool_;
  std::size_t elements_;
  Buffer region_;
};

void measure_peaks(ThreadPool& pool, Best& best) {
  std::vector<int> counts = {1};
  if (pool.size() > 1) counts.push_back(pool.size());
  for (const PeakLoop& loop : peak_loops()) {
    // About a millisecond at 100 GFLOP/s a core.
    const auto steps = static_cast<std::int64_t>(1e8 / loop.flop_per_step);
    for (const int threads : counts) {
      std::vector<float> results(static_cast<std::size_t>(pool.size()));
      const double s = shortest_s(
          [&] {
            pool.run([&](int part) {
              if (part < threads) results[static_cast<std::size_t>(part)] = loop.run(steps);
            });
          },
          5, 20e-3);
      const double rate = loop.flop_per_step * static_cast<double>(steps) * threads / s;
      best.raise(std::string(name_of(loop.dtype)), 0, threads, rate, loop.name);
      if (loop.dtype != DType::float32) continue;
      // What a product of 16-bit values can always do: widen them.
      for (const DType narrow : {DType::float16, DType::bfloat16})
        best.raise(std::string(name_of(narrow)), 0, threads, rate, loop.name + ", float32");
    }
  }
}

template <class T>
void measure_blas(const Blas& blas, ThreadPool& pool, const char* dtype, Best& best) {
  constexpr int kN = 1024;
  constexpr std::size_t kElements = std::size_t{kN} * kN;
  std::vector<T> x(kElements, T{1}), w(kElements, T{0.5}), y(kElements);
  const double s =
      shortest_s([&] { blas.gemm(kN, kN, kN, x.data(), w.data(), y.data()); }, 3, 60e-3);
  best.raise(dtype, 0, pool.size(), 2.0 * kN * kN * kN / s, "gemm 1024 of " + blas.library());
}

}  // namespace

std::vector<std::int64_t> working_sets(std::optional<std::int64_t> available_bytes,
                                       std::optional<std::int64_t> cache_bytes) {
  // Beyond the last-level cache, where there is room.
  std::int64_t most =
      std::min(4 * std::max(cache_bytes.value_or(64 * kMiB), 64 * kMiB), kLargestSet);
  if (available_bytes) most = std::min(most, *available_bytes / 8);
  std::vector<std::int64_t> sets = {kSmallestSet};
  while (sets.back() * 2 <= most) sets.push_back(sets.back() * 2);
  return sets;
}

Json measure_ceilings(ThreadPool& pool, const Blas* blas,
                      std::optional<std::int64_t> available_bytes,
                      std::optional<std::int64_t> cache_bytes, double budget_s) {
  const auto start = Clock::now();
  const auto spent = [&] {
    return std::chrono::duration<double>(Clock::now() - start).count() > budget_s;
  };
  Best best;
  measure_peaks(pool, best);
  if (blas != nullptr) {
    measure_blas<float>(*blas, pool, "float32", best);
    measure_blas<double>(*blas, pool, "float64", best);
  }
  auto sets = working_sets(available_bytes, cache_bytes);
  Bandwidth bandwidth(pool, sets.back());
  // The memory itself first: it binds most cases.
  std::rotate(sets.begin(), sets.end() - 1, sets.end());
  const auto largest = sets.front();
  bandwidth.measure(largest, pool.size(), best);
  for (int threads = 1; threads < pool.size() && !spent(); threads *= 2)
    bandwidth.measure(largest, threads, best);
  for (std::size_t i = 1; i < sets.size() && !spent(); ++i)
    bandwidth.measure(sets[i], pool.size(), best);
  return best.to_json();
}

}  // namespace mlbench::native
