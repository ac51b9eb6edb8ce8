#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace mlbench::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  // The bytes are only looked at as characters, which any object may be.
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program, and so reports the input, where a promise does not hold.
inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace mlbench::fuzz
