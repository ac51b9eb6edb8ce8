#include "native/buffer.hpp"

#include "core/units.hpp"
#include "kit/memory.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

namespace mlbench::native {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

Buffer::Buffer(std::size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  // One huge page more, so that the data can start on one.
  mapped_bytes_ = bytes + (bytes >= kHugePage ? kHugePage : 0);
  mapped_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (mapped_ == MAP_FAILED) {
    throw kit::OutOfMemory("the system refused " + format_bytes(static_cast<double>(bytes)));
  }
  data_ = mapped_;
  if (bytes < kHugePage) return;
  const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
  data_ = static_cast<char*>(mapped_) + (kHugePage - address % kHugePage) % kHugePage;
#ifdef MADV_HUGEPAGE
  madvise(mapped_, mapped_bytes_, MADV_HUGEPAGE);  // a wish: its failure changes speed only
#endif
}

Buffer::~Buffer() {
  if (mapped_ != nullptr) munmap(mapped_, mapped_bytes_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      mapped_(std::exchange(other.mapped_, nullptr)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

}  // namespace mlbench::native
