#pragma once

#include <cstddef>

namespace mlbench::native {

/// Pages from the system, not touched yet: whoever touches a page first decides where it lies. Asks
/// for huge pages where there is a choice.
class Buffer {
 public:
  Buffer() = default;
  /// Throws kit::OutOfMemory when the system refuses.
  explicit Buffer(std::size_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;

  template <class T>
  [[nodiscard]] T* as() {
    return static_cast<T*>(data_);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t mapped_bytes_ = 0;
  void* mapped_ = nullptr;
};

}  // namespace mlbench::native
