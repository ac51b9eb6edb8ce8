#pragma once

#include "model/weights.hpp"

#include <memory>
#include <string>

/// Weights that lie on disk: a Hugging Face folder or a GGUF file.
namespace mlbench::model {

/// Whether `model` is one of the two, and not a name or a config.json alone.
[[nodiscard]] bool is_checkpoint(const std::string& model);

/// Errors as folder_weights() and gguf_weights().
[[nodiscard]] Result<std::unique_ptr<Weights>> checkpoint_weights(const std::string& model,
                                                                  DType dtype);

/// Bytes of all matrices while a framework runs them in `dtype`: packed ones with their scales,
/// others as numbers of `dtype`. Routers, norms and biases are not counted.
struct MatrixBytes {
  std::int64_t embedding = 0, others = 0;
};
/// From the headers alone. Errors as above.
[[nodiscard]] Result<MatrixBytes> checkpoint_bytes(const std::string& model, DType dtype);

}  // namespace mlbench::model
