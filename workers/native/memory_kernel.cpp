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

constexpr double kTrialBudget_s = 0.1;
/// A trial needs no more of each array than this, which is beyond any private cache; larger arrays
/// behave alike.
constexpr std::size_t kTrialBytes = std::size_t{128} << 20;

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
    for (const auto& input : workload::inputs_of(c)) {
      inputs_.push_back(make_input(pool_, input, seed));
    }
    output_ = make_output(pool_, spec_);
    choose_loops();
  }

  void run(int calls) override {
    for (int i = 0; i < calls; ++i) call(loops_, elements_);
  }

  workload::TensorData output() override {
    workload::TensorData data{.shape = spec_.shape, .dtype = spec_.dtype, .bytes = {}};
    const auto* const bytes = output_.as<std::byte>();
    data.bytes.assign(bytes, bytes + spec_.bytes());
    return data;
  }

  [[nodiscard]] protocol::Prepared facts() const override {
    const std::string threads = std::to_string(pool_.size());
    return {.kernel = loops_.name + ", " + threads + (pool_.size() == 1 ? " thread" : " threads"),
            .notes = {}};
  }

 private:
  /// One pass over the first `most` elements of each array. Parts are those that the inputs were
  /// placed by.
  void call(const StreamLoops& loops, std::size_t most) {
    float* const y = output_.as<float>();
    const float* const a = inputs_.empty() ? nullptr : inputs_[0].as<float>();
    const float* const b = inputs_.size() < 2 ? nullptr : inputs_[1].as<float>();
    const std::size_t most_of_part = most / partials_.size() + kGrain;
    pool_.run([&](int part) {
      const auto range = part_of(elements_, part, pool_.size(), kGrain);
      const std::size_t first = range.first, count = std::min(range.count, most_of_part);
      switch (op_) {
        case Memory::Op::copy: loops.copy(a + first, y + first, count); break;
        case Memory::Op::read:
          partials_[static_cast<std::size_t>(part)].sum = loops.sum(a + first, count);
          break;
        case Memory::Op::write: loops.write(y + first, count); break;
        case Memory::Op::triad: loops.triad(a + first, b + first, y + first, count); break;
      }
    });
    if (op_ == Memory::Op::read) {
      double total = 0;
      for (const auto& partial : partials_) total += partial.sum;
      *y = static_cast<float>(total);
    }
  }

  void choose_loops() {
    auto all = stream_loops();
    if (op_ == Memory::Op::read) {
      std::erase_if(all, [](const StreamLoops& loops) { return loops.non_temporal; });
    }
    std::vector<Candidate> candidates;
    for (const auto& loops : all) {
      candidates.push_back(
          {loops.name, [&] { call(loops, std::min(elements_, kTrialBytes / sizeof(float))); }});
    }
    loops_ = all[fastest(candidates, kTrialBudget_s)];
    refill(pool_, spec_, output_);  // the trial's result must not pass for that of a call
  }

  Memory::Op op_;
  std::size_t elements_;
  workload::TensorSpec spec_;
  ThreadPool& pool_;
  std::vector<Buffer> inputs_;
  Buffer output_;
  std::vector<Partial> partials_;
  StreamLoops loops_;
};

}  // namespace

std::unique_ptr<kit::Kernel> make_memory_kernel(const workload::Case& c, ThreadPool& pool,
                                                std::uint64_t seed) {
  require_memory(static_cast<double>(workload::memory_bytes_of(c)));
  return std::make_unique<MemoryKernel>(c, pool, seed);
}

}  // namespace mlbench::native
