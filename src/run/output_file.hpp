#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "workload/workload.hpp"

#include <filesystem>

namespace mlbench::run {

/// The tensor that a worker wrote to `path` and described in `answer` (verb `verify`); the file is
/// deleted. Errors: what is wrong with the answer, or `io` when there is no such file.
[[nodiscard]] Result<workload::TensorData> read_output(const Json& answer,
                                                       const std::filesystem::path& path);

}  // namespace mlbench::run
