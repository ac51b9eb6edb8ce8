#include "model/weights.hpp"

#include <algorithm>
#include <cmath>
#include <future>
#include <thread>

namespace mlbench::model {
namespace {

constexpr std::uint32_t mix(std::uint32_t x) noexcept {
  x ^= x >> 16;
  x *= 0x7FEB352DU;
  x ^= x >> 15;
  x *= 0x846CA68BU;
  x ^= x >> 16;
  return x;
}

/// Elements [first, last), by chunks that stay in cache.
void fill(std::byte* data, Storage storage, std::uint32_t stream, std::int64_t first,
          std::int64_t last, float base, float scale) {
  for (std::int64_t i = first; i < last; ++i) {
    const float value = base + scale * synthetic_value(stream, static_cast<std::uint64_t>(i));
    write_float(data, storage, i, value);
  }
}

class Synthetic final : public Weights {
 public:
  Synthetic(const Spec& spec, DType dtype, std::uint64_t seed)
      : storage_(storage_of(dtype)),
        seed_(seed),
        norm_base_(spec.maths.norm_adds_one ? 0.0F : 1.0F) {}

  [[nodiscard]] bool has(const std::string& name) const override {
    // Experts are invented one by one, and nothing is invented quantised.
    if (name.find(".switch_mlp.") != std::string::npos ||
        name.ends_with("mlp.experts.gate_proj.weight"))
      return false;
    return !name.ends_with(".scales") && !name.ends_with("_blocks") &&
           !(name.ends_with("mlp.experts.gate_up_proj") ||
             name.ends_with("block_sparse_moe.gate.weight"));
  }

  [[nodiscard]] Result<HostTensor> get(const std::string& name,
                                       const std::vector<std::int64_t>& shape,
                                       std::int64_t fan_in) const override {
    const auto stream = synthetic_stream(name, seed_);
    if (fan_in > 0) {
      const auto scale = static_cast<float>(std::sqrt(3.0 / static_cast<double>(fan_in)));
      return synthetic_tensor(stream, shape, 0, scale, storage_);
    }
    if (name.ends_with("sinks")) return synthetic_tensor(stream, shape, 0, 1, storage_);
    const float base = name.ends_with("bias") ? 0.0F : norm_base_;
    return synthetic_tensor(stream, shape, base, 0.1F, storage_);
  }

  [[nodiscard]] Result<HostTensor> raw(const std::string& name) const override {
    return fail(ErrorKind::usage, "there is no invented tensor " + name);
  }

  [[nodiscard]] std::string description() const override {
    return "invented weights, seed " + std::to_string(seed_);
  }

 private:
  Storage storage_;
  std::uint64_t seed_;
  float norm_base_;
};

}  // namespace

float synthetic_value(std::uint32_t stream, std::uint64_t index) noexcept {
  const auto low = static_cast<std::uint32_t>(index),
             high = static_cast<std::uint32_t>(index >> 32);
  const std::uint32_t x = mix((low * 0x9E3779B1U + stream) ^ (high * 0x85EBCA6BU));
  return static_cast<float>(x >> 8) * 0x1p-23F - 1.0F;
}

std::uint32_t synthetic_stream(std::string_view name, std::uint64_t seed) noexcept {
  std::uint32_t hash = 0x811C9DC5U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
  return hash ^ (static_cast<std::uint32_t>(seed) * 0x9E3779B9U);
}

HostTensor synthetic_tensor(std::uint32_t stream, std::vector<std::int64_t> shape, float base,
                            float scale, Storage storage) {
  auto made = new_tensor(storage, std::move(shape));
  const std::int64_t count = made.tensor.elements();
  const std::int64_t threads =
      count < (1 << 20) ? 1 : std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, 16);
  std::vector<std::future<void>> others;
  for (std::int64_t t = 1; t < threads; ++t) {
    others.push_back(std::async(std::launch::async, [&, t] {
      fill(made.data, storage, stream, count * t / threads, count * (t + 1) / threads, base, scale);
    }));
  }
  fill(made.data, storage, stream, 0, count / threads, base, scale);
  for (auto& other : others) other.get();
  return made.tensor;
}

std::unique_ptr<Weights> synthetic_weights(const Spec& spec, DType dtype, std::uint64_t seed) {
  return std::make_unique<Synthetic>(spec, dtype, seed);
}

}  // namespace mlbench::model
