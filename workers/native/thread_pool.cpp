#include "native/thread_pool.hpp"

#include "native/system.hpp"

#include <algorithm>
#include <chrono>

namespace mlbench::native {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kSpinTime = std::chrono::microseconds(50);

/// Tells the core that this is a waiting loop, for some tens of cycles.
void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

/// Returns once `value` differs from `old`: spins, then sleeps.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  const auto deadline = Clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      relax();
    }
  } while (Clock::now() < deadline);
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int part = 1; part < threads; ++part) workers_.emplace_back([this, part] { work(part); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  started_.fetch_add(1, std::memory_order_release);
  started_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run_erased(Function function, const void* context) {
  if (workers_.empty()) return function(context, 0);
  function_ = function;
  context_ = context;
  unfinished_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  started_.fetch_add(1, std::memory_order_release);
  started_.notify_all();
  function(context, 0);
  for (int left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) {
    wait_while(unfinished_, left);
  }
}

void ThreadPool::work(int part) {
  prefer_fast_cores();
  for (std::uint32_t seen = 0;; ++seen) {
    wait_while(started_, seen);
    if (stop_) return;
    function_(context_, part);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

Range part_of(std::size_t size, int part, int parts, std::size_t grain) noexcept {
  const auto p = static_cast<std::size_t>(part), n = static_cast<std::size_t>(parts);
  const std::size_t grains = (size + grain - 1) / grain;
  const std::size_t first = std::min(size, grains * p / n * grain);
  const std::size_t last = std::min(size, grains * (p + 1) / n * grain);
  return {first, last - first};
}

}  // namespace mlbench::native
