#include "core/text.hpp"
#include "kit/memory.hpp"
#include "native/inputs.hpp"
#include "native/kernels.hpp"
#include "native/stream.hpp"
#include "native/trial.hpp"
#include "workload/memory.hpp"

#include <algorithm>
#include <cstring>

namespace mlbench::native {
namespace {

using workload::Memory;

constexpr double kTrialBudget_s = 0.25;
/// A trial needs no more of each array than this, which is beyond any private cache; larger arrays
/// behave alike.
constexpr std::size_t kTrialBytes = std::size_t{128} << 20;

/// Up to this size of an array, one thread may beat all of them: waking them costs as much as it
/// saves.
constexpr std::size_t kSmallBytes = std::size_t{1} << 20;

/// A partial sum on a cache line of its own.
struct alignas(128) Partial {
  double sum = 0;
};

class MemoryKernel final : public kit::Kernel {
 public:
  MemoryKernel(const workload::Case& c, ThreadPool& pool, std::uint64_t seed)
      : op_(Memory::op(c)),
        elements_(static_cast<std::size_t>(Memory::elements(c))),
        spec_(workload::output_of(c)),
        pool_(pool),
        partials_(static_cast<std::size_t>(pool.size())) {
    for (std::int64_t i = 0; i < workload::copies_of(c); ++i) {
      Arrays arrays;
      for (const auto& input : workload::inputs_of(c)) {
        arrays.inputs.push_back(make_input(pool_, input, seed));
      }
      arrays.output = make_output(pool_, spec_);
      copies_.push_back(std::move(arrays));
    }
    choose();
  }

  void run(int calls) override {
    for (int i = 0; i < calls; ++i) {
      current_ = (current_ + 1) % copies_.size();
      call(way_, elements_);
    }
  }

  workload::TensorData output() override {
    workload::TensorData data{.shape = spec_.shape, .dtype = spec_.dtype, .bytes = {}};
    const auto* const bytes = copies_[current_].output.as<std::byte>();
    data.bytes.assign(bytes, bytes + spec_.bytes());
    return data;
  }

  [[nodiscard]] protocol::Prepared facts() const override {
    return {.kernel = name_of(way_), .notes = notes_};
  }

 private:
  /// What one call reads and writes; several where the case is cold.
  struct Arrays {
    std::vector<Buffer> inputs;
    Buffer output;
  };
  struct Way {
    StreamLoops loops;
    bool alone = false;  ///< On the calling thread only.
  };

  [[nodiscard]] std::string name_of(const Way& way) const {
    const int threads = way.alone ? 1 : pool_.size();
    return way.loops.name + ", " + std::to_string(threads) +
           (threads == 1 ? " thread" : " threads");
  }

  /// One pass over the first `most` elements of each array.
  void call(const Way& way, std::size_t most) {
    if (way.alone) {
      partials_.front().sum = pass(way.loops, 0, std::min(elements_, most));
      finish(1);
      return;
    }
    const std::size_t most_of_part = most / partials_.size() + kGrain;
    pool_.run([&](int part) {
      // The parts that the inputs were placed by.
      const auto range = part_of(elements_, part, pool_.size(), kGrain);
      partials_[static_cast<std::size_t>(part)].sum =
          pass(way.loops, range.first, std::min(range.count, most_of_part));
    });
    finish(partials_.size());
  }

  /// Elements [first, first + count); returns their sum for read.
  double pass(const StreamLoops& loops, std::size_t first, std::size_t count) {
    Arrays& arrays = copies_[current_];
    float* const y = arrays.output.as<float>();
    const float* const a = arrays.inputs.empty() ? nullptr : arrays.inputs[0].as<float>() + first;
    const float* const b =
        arrays.inputs.size() < 2 ? nullptr : arrays.inputs[1].as<float>() + first;
    switch (op_) {
      case Memory::Op::copy: loops.copy(a, y + first, count); break;
      case Memory::Op::read: return loops.sum(a, count);
      case Memory::Op::write: loops.write(y + first, count); break;
      case Memory::Op::triad: loops.triad(a, b, y + first, count); break;
      case Memory::Op::scale: loops.scale(a, y + first, count); break;
      case Memory::Op::add: loops.add(a, b, y + first, count); break;
    }
    return 0;
  }

  void finish(std::size_t parts) {
    if (op_ != Memory::Op::read) return;
    double total = 0;
    for (std::size_t i = 0; i < parts; ++i) total += partials_[i].sum;
    *copies_[current_].output.as<float>() = static_cast<float>(total);
  }

  [[nodiscard]] std::vector<Way> ways() const {
    std::vector<Way> all;
    for (const auto& loops : widest_stream_loops()) {
      if (op_ == Memory::Op::read && loops.non_temporal) continue;  // the same loop
      all.push_back({.loops = loops, .alone = false});
      if (elements_ * sizeof(float) <= kSmallBytes && pool_.size() > 1) {
        all.push_back({.loops = loops, .alone = true});
      }
    }
    return all;
  }

  void choose() {
    const auto all = ways();
    std::vector<Candidate> candidates;
    std::vector<std::string> names;
    for (const auto& way : all) {
      names.push_back(name_of(way));
      candidates.push_back({names.back(), [&] {
                              // As in a run: a cold case has to be tried cold.
                              current_ = (current_ + 1) % copies_.size();
                              call(way, kTrialBytes / sizeof(float));
                            }});
    }
    way_ = all[fastest(candidates, kTrialBudget_s)];
    if (all.size() == 1) return;
    notes_.push_back("the fastest here of: " + join(names, "; "));
    for (auto& arrays : copies_) {  // the trial's result must not pass for that of a call
      refill(pool_, spec_, arrays.output);
    }
  }

  Memory::Op op_;
  std::size_t elements_;
  workload::TensorSpec spec_;
  ThreadPool& pool_;
  std::vector<Arrays> copies_;
  std::size_t current_ = 0;
  std::vector<Partial> partials_;
  Way way_;
  std::vector<std::string> notes_;
};

}  // namespace

std::unique_ptr<kit::Kernel> make_memory_kernel(const workload::Case& c, ThreadPool& pool,
                                                std::uint64_t seed) {
  kit::require_memory(workload::memory_bytes_of(c), kit::available_memory_bytes());
  return std::make_unique<MemoryKernel>(c, pool, seed);
}

}  // namespace mlbench::native
