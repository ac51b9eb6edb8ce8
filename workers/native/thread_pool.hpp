#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace mlbench::native {

/// Threads that live as long as the pool and share one task at a time. A thread that has nothing to
/// do spins for some 50 us, so that calls in a row start at once, then sleeps: a worker that waits
/// for its next block takes no CPU time from the one that is measured.
class ThreadPool {
 public:
  /// `threads` in all, at least 1; the caller of run() is the first.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(part) for each part 0 .. size()-1, a part always on the same thread (so memory that
  /// it touched first stays near it), part 0 on this one; returns when all have returned. `task`
  /// must not throw.
  template <class Task>
  void run(const Task& task) {
    run_erased([](const void* context, int part) { (*static_cast<const Task*>(context))(part); },
               &task);
  }

 private:
  using Function = void (*)(const void* context, int part);

  void run_erased(Function function, const void* context);
  void work(int part);

  Function function_ = nullptr;
  const void* context_ = nullptr;
  bool stop_ = false;
  // Apart, so that threads that wait for a start do not slow down those that report an end.
  alignas(128) std::atomic<std::uint32_t> started_{
      0};                                        ///< Counts tasks; publishes the fields above.
  alignas(128) std::atomic<int> unfinished_{0};  ///< Parts of the current task.
  std::vector<std::thread> workers_;
};

/// Elements [first, first + count).
struct Range {
  std::size_t first = 0, count = 0;
};
/// Part `part` of `parts` of [0, size): in order, and all but the last end at a multiple of
/// `grain`.
[[nodiscard]] Range part_of(std::size_t size, int part, int parts, std::size_t grain) noexcept;

}  // namespace mlbench::native
