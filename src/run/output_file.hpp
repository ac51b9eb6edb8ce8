#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "workload/workload.hpp"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace mlbench::run {

/// The tensor that a worker wrote to `path` and described in `answer` (verb `verify`); the file is
/// deleted. `buffer` gives its memory to the result, and can be had back from it: where a virtual
/// machine takes freed memory away, each new gigabyte costs seconds. Errors: what is wrong with the
/// answer, or `io` when there is no such file.
[[nodiscard]] Result<workload::TensorData> read_output(const Json& answer,
                                                       const std::filesystem::path& path,
                                                       std::vector<std::byte> buffer = {});

/// Error `io` where the disk that holds `path` has no room for an output of `c`: then it is no
/// fault of the worker that it could not write one. What it wrote of `path` is deleted.
[[nodiscard]] Status room_for_output(const workload::Case& c, const std::filesystem::path& path);

}  // namespace mlbench::run
