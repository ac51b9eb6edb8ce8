#pragma once

#include "model/model_shape.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mlbench::model {

/// What a tensor is for; formats treat kinds differently.
enum class Role { embedding, head, attention, mlp, expert, router, vector };

/// `copies` equal tensors of shape (stack, rows, columns). A matrix has one stack, a vector (norm
/// or bias) one row; the experts of one layer are one stack.
struct Tensor {
  std::string name;  ///< For people: "embedding", "down", ...
  Role role = Role::mlp;
  std::int64_t stack = 1, rows = 1, columns = 0, copies = 1;
  bool least_8bit = false;  ///< Never below 8 bit in MLX.

  [[nodiscard]] std::int64_t elements() const { return stack * rows * columns; }
  [[nodiscard]] std::int64_t parameters() const { return elements() * copies; }
};

/// Every tensor of the model, as transformers and mlx-lm hold them while they run. A tied embedding
/// is one tensor.
[[nodiscard]] std::vector<Tensor> tensors_of(const ModelShape& shape);

/// Exact. `shape` must have passed check_shape().
[[nodiscard]] std::int64_t parameter_count(const ModelShape& shape);

/// Part of the tensor that one decoded token reads: 1, except experts (chosen ones, for `batch`
/// tokens that choose independently) and an embedding that is not also the output (one row, taken
/// as none).
[[nodiscard]] double read_fraction(const ModelShape& shape, const Tensor& tensor,
                                   std::int64_t batch);

/// Parameters that one token multiplies with, without the output matrix: what a prompt's token
/// costs.
[[nodiscard]] double matmul_parameters(const ModelShape& shape);

}  // namespace mlbench::model
