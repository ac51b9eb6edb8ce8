#include "core/units.hpp"
#include "kit/memory.hpp"

#include <mlx/allocator.h>

#include <dlfcn.h>

#include <limits>

// MLX's CPU allocator does not look at what malloc returned, so an impossible allocation is a crash
// instead of an error. The executable therefore defines mlx::core::allocator::allocator(), which
// the dynamic linker then binds in libmlx as well, and passes everything on to the real one.
//
// Only for the CPU package on Linux: Metal and CUDA report by themselves.
namespace mlbench::mlx_worker {
namespace {

namespace allocator = ::mlx::core::allocator;

class Guard final : public allocator::Allocator {
 public:
  Guard(allocator::Allocator& real, std::size_t most_bytes)
      : real_(real), most_bytes_(most_bytes) {}

  allocator::Buffer malloc(std::size_t size) override {
    if (size > most_bytes_) refuse(size);
    auto buffer = real_.malloc(size);
    if (size > 0 && buffer.ptr() == nullptr) refuse(size);
    return buffer;
  }
  void free(allocator::Buffer buffer) override { real_.free(buffer); }
  [[nodiscard]] std::size_t size(allocator::Buffer buffer) const override {
    return real_.size(buffer);
  }
  allocator::Buffer make_buffer(void* pointer, std::size_t size) override {
    return real_.make_buffer(pointer, size);
  }
  void release(allocator::Buffer buffer) override { real_.release(buffer); }

 private:
  [[noreturn]] static void refuse(std::size_t size) {
    throw kit::OutOfMemory("[guard] MLX asked for a buffer of " +
                           format_bytes(static_cast<double>(size)) +
                           ", more than this machine has");
  }

  allocator::Allocator& real_;
  std::size_t most_bytes_;
};

allocator::Allocator& real_allocator() {
  using Function = allocator::Allocator& (*)();
  void* const symbol = dlsym(RTLD_NEXT, "_ZN3mlx4core9allocator9allocatorEv");
  return reinterpret_cast<Function>(symbol)();
}

/// Never destroyed: arrays that outlive main() are still freed through it.
allocator::Allocator& guarded_allocator() {
  static auto* const guard =
      new Guard(real_allocator(), static_cast<std::size_t>(kit::total_memory_bytes().value_or(
                                      std::numeric_limits<std::int64_t>::max())));
  return *guard;
}

}  // namespace
}  // namespace mlbench::mlx_worker

namespace mlx::core::allocator {

Allocator& allocator() {
  return mlbench::mlx_worker::guarded_allocator();
}

}  // namespace mlx::core::allocator
