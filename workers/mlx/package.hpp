#pragma once

#include "core/json.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace mlbench::mlx_worker {

/// The Python package that the loaded libmlx belongs to, read from the files around it:
/// {"library", "name" ("mlx-cpu", "mlx-cuda-13", "mlx-metal"), "version", "tag" (the platform it
/// was built for), "metallib", "neural_accelerator_kernels"}. Unknown is null.
[[nodiscard]] Json package_facts();

/// The first value of "Key: value" in the text of a WHEEL or METADATA file.
[[nodiscard]] std::optional<std::string> metadata_field(std::string_view text,
                                                        std::string_view key);

/// Whether the bytes of `file` hold `word`. nullopt when it cannot be read.
[[nodiscard]] std::optional<bool> file_contains(const std::filesystem::path& file,
                                                std::string_view word);

}  // namespace mlbench::mlx_worker
