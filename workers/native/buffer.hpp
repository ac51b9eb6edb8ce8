#pragma once

#include <cstddef>
#include <new>
#include <string>

namespace mlbench::native {

/// Thrown where memory would run out; worker_main() reports it as out_of_memory.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string message) : message_(std::move(message)) {}
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Pages from the system, not touched yet: whoever touches a page first decides where it lies. Asks
/// for huge pages where there is a choice.
class Buffer {
 public:
  Buffer() = default;
  /// Throws OutOfMemory when the system refuses.
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

/// Throws OutOfMemory when `bytes` more would not fit into what is available now, so that a case
/// that is too large is refused rather than killed half way.
void require_memory(double bytes);

}  // namespace mlbench::native
