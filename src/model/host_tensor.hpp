#pragma once

#include "core/dtype.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace mlbench::model {

// NOLINTBEGIN(readability-identifier-naming): the values are the spelling of safetensors
/// Element types that checkpoints hold.
enum class Storage { F64, F32, F16, BF16, I64, I32, I16, I8, U8, U32, BOOL, F8_E4M3, F8_E5M2 };
// NOLINTEND(readability-identifier-naming)

[[nodiscard]] std::string_view name_of(Storage storage) noexcept;
[[nodiscard]] std::optional<Storage> parse_storage(std::string_view name) noexcept;
[[nodiscard]] std::int64_t size_bytes(Storage storage) noexcept;
[[nodiscard]] Storage storage_of(DType dtype) noexcept;

/// A tensor in host memory, row-major, without gaps; `owner` keeps `data` alive (a mapped file, or
/// a buffer).
struct HostTensor {
  Storage storage = Storage::F32;
  std::vector<std::int64_t> shape;
  const std::byte* data = nullptr;
  std::shared_ptr<const void> owner;

  [[nodiscard]] std::int64_t elements() const;
  [[nodiscard]] std::int64_t bytes() const { return elements() * size_bytes(storage); }
  /// Rows [first, first + count) of the leading dimension, sharing memory.
  [[nodiscard]] HostTensor rows(std::int64_t first, std::int64_t count) const;
  /// Element `i` of the leading dimension, without that dimension.
  [[nodiscard]] HostTensor at(std::int64_t i) const;
};

/// Zeroed memory of its own. The caller writes through the returned pointer before others read.
struct NewTensor {
  HostTensor tensor;
  std::byte* data;
};
[[nodiscard]] NewTensor new_tensor(Storage storage, std::vector<std::int64_t> shape);

/// Elements [first, first + count) as float32. Only for F64, F32, F16 and BF16.
void read_floats(const HostTensor& tensor, std::int64_t first, std::int64_t count, float* out);
[[nodiscard]] std::vector<float> to_floats(const HostTensor& tensor);
/// The values rounded to `storage` (F32, F16 or BF16).
[[nodiscard]] HostTensor from_floats(const std::vector<float>& values,
                                     std::vector<std::int64_t> shape, Storage storage);
/// Writes `value` as element `i` of memory of a floating type.
void write_float(std::byte* data, Storage storage, std::int64_t i, float value);

/// Whether read_floats() can read it.
[[nodiscard]] bool is_floating(Storage storage) noexcept;

}  // namespace mlbench::model
