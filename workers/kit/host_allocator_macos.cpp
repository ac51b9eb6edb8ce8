#include "kit/host_allocator.hpp"

namespace mlbench::kit {

// Apple's allocator has no such setting; large blocks stay in its own cache for a while.
Json keep_freed_memory() {
  return nullptr;
}

void return_freed_memory() {}

}  // namespace mlbench::kit
