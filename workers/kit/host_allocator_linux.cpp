#include "kit/host_allocator.hpp"

#include <malloc.h>

#include <limits>

namespace mlbench::kit {

#ifdef __GLIBC__

// Without mmap every block comes from the heap, which is not trimmed: what is freed is found again.
Json keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 1 << 20);
  return {{"library", "glibc"}, {"keeps_freed_memory", true}};
}

void return_freed_memory() {
  malloc_trim(0);
}

#else

Json keep_freed_memory() {
  return nullptr;
}

void return_freed_memory() {}

#endif

}  // namespace mlbench::kit
