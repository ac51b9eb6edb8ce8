#pragma once

#include "kit/backend.hpp"
#include "kit/counters.hpp"
#include "kit/memory.hpp"
#include "model/decoder.hpp"
#include "workload/input.hpp"
#include "workload/language.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace mlbench::kit {

/// prefill, decode and block of any framework that has the decoder's operations. Beside those of
/// src/model/decoder.hpp, `Ops` has:
///   Scope                   held while its operations are called
///   activations(HostTensor) a tensor in the ops' dtype that is no weight
///   forced(ids, chosen)     `ids`, computed from `chosen` too: the next step depends on the last
///   submit(ids, caches)     starts what they need; need not wait
///   settle(caches)          waits for it
///   to_host(tensor)         bytes as the framework reports them
///   pipelines()             whether the host should be one token ahead of the device
///   peak_bytes()            most memory that the framework held since reset_peak(), where it tells
template <class Ops>
class LanguageKernel final : public Kernel {
 public:
  using Tensor = typename Ops::Tensor;
  using Ids = typename Ops::Ids;
  using Decoder = model::Decoder<Ops>;

  /// Errors: `unsupported` and `usage` of the weights.
  static Result<std::unique_ptr<Kernel>> make(const workload::Case& c, Ops ops, std::uint64_t seed,
                                              protocol::Prepared facts) {
    auto kernel = std::unique_ptr<LanguageKernel>(new LanguageKernel(c, std::move(ops), seed));
    const typename Ops::Scope scope(kernel->ops_);
    auto weights = workload::weights_of(kernel->case_, c.dtype, seed);
    if (!weights) return weights.error();
    auto decoder =
        Decoder::load(kernel->ops_, *kernel->case_.spec, **weights, kernel->case_.context());
    if (!decoder) return decoder.error();
    kernel->decoder_.emplace(*std::move(decoder));
    kernel->fill_caches(c.dtype);
    facts.notes.push_back((*weights)->description());
    facts.weight_bytes = kernel->ops_.weight_bytes();
    kernel->facts_ = std::move(facts);
    return std::unique_ptr<Kernel>(std::move(kernel));
  }

  void run(int calls) override {
    const typename Ops::Scope scope(ops_);
    token_times_s_.clear();
    for (int i = 0; i < calls; ++i) {
      if (case_.block)
        block();
      else if (case_.decodes)
        decode();
      else
        prefill();
    }
  }

  workload::TensorData output() override {
    const typename Ops::Scope scope(ops_);
    auto data = ops_.to_host(output_);
    if (!case_.block) data.shape.erase(data.shape.begin() + 1);  // [batch, 1, vocab]
    return data;
  }

  [[nodiscard]] protocol::Prepared facts() const override { return facts_; }
  [[nodiscard]] std::vector<double> token_times_s() const override { return token_times_s_; }
  [[nodiscard]] std::optional<std::int64_t> peak_bytes() override { return ops_.peak_bytes(); }
  void reset_peak() override { ops_.reset_peak(); }

 private:
  LanguageKernel(const workload::Case& c, Ops ops, std::uint64_t seed)
      : case_(workload::language_case(c)), dtype_(c.dtype), seed_(seed), ops_(std::move(ops)) {}

  void fill_caches(workload::DType dtype) {
    caches_ = decoder_->make_caches(case_.batch);
    for (std::size_t i = 0; i < caches_.size(); ++i) {
      const auto capacity = decoder_->capacity(i);
      if (case_.position > 0) write_content(i, dtype, 0, std::min(case_.position, capacity));
      // A call of decode overwrites the oldest tokens of a full ring; the next call needs them.
      if (!case_.decodes || case_.context() <= capacity) continue;
      Ring ring{
          .layer = i, .slot = case_.position % capacity, .count = 0, .keys = {}, .values = {}};
      ring.count = std::min(case_.tokens, capacity - ring.slot);
      keep(ring, dtype);
      rings_.push_back(std::move(ring));
      if (rings_.back().count < case_.tokens) {
        Ring rest{.layer = i,
                  .slot = 0,
                  .count = case_.tokens - rings_.back().count,
                  .keys = {},
                  .values = {}};
        rest.count = std::min(rest.count, capacity);
        keep(rest, dtype);
        rings_.push_back(std::move(rest));
      }
    }
    ops_.settle(caches_);
    for (std::int64_t t = 0; t < (case_.block ? 0 : case_.tokens); t += step()) {
      std::vector<std::int32_t> ids;
      const auto count = std::min(step(), case_.tokens - t);
      for (std::int64_t b = 0; b < case_.batch; ++b) {
        for (std::int64_t i = 0; i < count; ++i)
          ids.push_back(workload::token_of(case_, seed_, b, case_.position + t + i));
      }
      ids_.push_back(ops_.ids(case_.batch, ids));
      counts_.push_back(count);
    }
    if (case_.block) make_activations();
  }

  [[nodiscard]] std::int64_t step() const { return case_.decodes ? 1 : workload::kPrefillChunk; }

  /// Slots of a ring and what they hold before a call.
  struct Ring {
    std::size_t layer;
    std::int64_t slot, count;
    Tensor keys, values;
  };

  Tensor content(std::size_t layer, workload::CachePart part, workload::DType dtype) {
    return ops_.activations(workload::cache_content(case_, seed_, static_cast<std::int64_t>(layer),
                                                    part, decoder_->capacity(layer), dtype));
  }
  void write_content(std::size_t layer, workload::DType dtype, std::int64_t slot,
                     std::int64_t count) {
    auto keys = content(layer, workload::CachePart::keys, dtype);
    auto values = content(layer, workload::CachePart::values, dtype);
    ops_.write(caches_[layer], slot, ops_.tokens(keys, slot, count),
               ops_.tokens(values, slot, count));
  }
  void keep(Ring& ring, workload::DType dtype) {
    ring.keys = ops_.kept(
        ops_.tokens(content(ring.layer, workload::CachePart::keys, dtype), ring.slot, ring.count));
    ring.values = ops_.kept(ops_.tokens(content(ring.layer, workload::CachePart::values, dtype),
                                        ring.slot, ring.count));
  }

  void make_activations() {
    const auto hidden = case_.spec->shape.hidden;
    const auto storage = model::storage_of(dtype_);
    auto made = model::new_tensor(storage, {case_.batch, case_.tokens, hidden});
    const auto bytes = workload::input_bytes(seed_, 0, made.tensor.elements(), dtype_);
    std::copy(bytes.begin(), bytes.end(), made.data);
    x_ = ops_.activations(made.tensor);
  }

  void block() {
    output_ = decoder_->blocks(ops_.shared(x_), case_.tokens, 0, caches_);
    ops_.commit({&output_});
    ops_.settle(caches_);
  }

  /// The prompt in chunks; ends when the host has the next token.
  void prefill() {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      output_ = decoder_->forward(ids_[i], counts_[i], at, caches_, model::Logits::last);
      at += counts_[i];
      if (i + 1 < ids_.size()) ops_.settle(caches_);  // or MLX would hold all chunks at once
    }
    const Ids next = ops_.likeliest(output_);
    ops_.submit(next, caches_);
    static_cast<void>(ops_.numbers(next));
  }

  /// Each token is chosen on the device and read by the host, as when it is shown to somebody.
  /// The first and the last interval of a call are none between tokens: in the first a host that
  /// is one ahead submits two tokens, and in the last it has nothing left to submit.
  void decode() {
    for (const Ring& ring : rings_)
      ops_.write(caches_[ring.layer], ring.slot, ops_.shared(ring.keys), ops_.shared(ring.values));
    std::int64_t last_ns = steady_ns();
    std::size_t tokens_read = 0;
    const auto read = [&](const Ids& ids) {
      static_cast<void>(ops_.numbers(ids));
      const auto now = steady_ns();
      const bool between = tokens_read > 0 && tokens_read + 1 < ids_.size();
      if (between) token_times_s_.push_back(static_cast<double>(now - last_ns) * 1e-9);
      last_ns = now;
      ++tokens_read;
    };
    std::vector<Ids> chosen;
    chosen.reserve(ids_.size());
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      const Ids ids = i == 0 ? ids_[i] : ops_.forced(ids_[i], chosen.back());
      output_ = decoder_->forward(ids, 1, case_.position + static_cast<std::int64_t>(i), caches_,
                                  model::Logits::last);
      chosen.push_back(ops_.likeliest(output_));
      ops_.submit(chosen.back(), caches_);
      if (!ops_.pipelines())
        read(chosen[i]);
      else if (i > 0)
        read(chosen[i - 1]);
    }
    if (ops_.pipelines()) read(chosen.back());
  }

  workload::LanguageCase case_;
  workload::DType dtype_;
  std::uint64_t seed_;
  Ops ops_;
  std::optional<Decoder> decoder_;
  std::vector<typename Ops::Cache> caches_;
  std::vector<Ring> rings_;
  std::vector<Ids> ids_;
  std::vector<std::int64_t> counts_;
  Tensor x_, output_;
  std::vector<double> token_times_s_;
  protocol::Prepared facts_;
};

}  // namespace mlbench::kit
