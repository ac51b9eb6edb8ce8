#pragma once

#include "model/model_shape.hpp"

#include <string>
#include <vector>

namespace mlbench::model {

/// A model of data/models.json.
struct KnownModel {
  ModelShape shape;
  std::string hf;                                              ///< "mistralai/Mistral-7B-v0.3".
  std::string model_type;                                      ///< "mistral".
  std::int64_t parameters = 0, parameters_read_per_token = 0;  ///< As the data file states them.
};

/// All of them, in the file's order: families together, small before large.
[[nodiscard]] const std::vector<KnownModel>& known_models();

/// The model that `name` means: its name or Hugging Face id, in any case and with any punctuation,
/// with or without "-Instruct" and the like; or a beginning that only one model, or versions of one
/// size, have ("Mistral-7B" is the newest of them). Errors: `usage`, with the nearest names.
[[nodiscard]] Result<KnownModel> find_model(const std::string& name);

}  // namespace mlbench::model
