#pragma once

#include <mlx/allocator.h>
#include <mlx/primitives.h>

#include <stdexcept>
#include <vector>

namespace mlbench::mlx_worker {

namespace mx = ::mlx::core;

/// Negates, counts how often it is evaluated, and says that all of its kind are equal.
class Counting final : public mx::UnaryPrimitive {
 public:
  Counting(mx::Stream stream, int& evaluations)
      : mx::UnaryPrimitive(stream), evaluations_(evaluations) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    ++evaluations_;
    out.set_data(mx::allocator::malloc(out.nbytes()));
    const float* from = inputs[0].data<float>();
    float* to = out.data<float>();
    for (std::size_t i = 0; i < out.size(); ++i) to[i] = -from[i];
  }
  void eval_gpu(const std::vector<mx::array>&, mx::array&) override {
    throw std::runtime_error("CPU only");
  }
  const char* name() const override { return "Counting"; }
  bool is_equivalent(const mx::Primitive&) const override { return true; }

 private:
  int& evaluations_;
};

}  // namespace mlbench::mlx_worker
