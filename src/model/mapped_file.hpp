#pragma once

#include "core/error.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace mlbench::model {

/// A file in memory; pages are read when they are touched. `owner` keeps it there.
struct MappedFile {
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::shared_ptr<const void> owner;

  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(data), bytes};
  }
};

/// Errors: `io` when it cannot be opened or mapped, `usage` when it is no file, or empty.
[[nodiscard]] Result<MappedFile> map_file(const std::string& path);

}  // namespace mlbench::model
