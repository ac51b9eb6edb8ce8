#include "kit/autorelease.hpp"

#include <dlfcn.h>

namespace mlbench::kit {
namespace {

/// The Objective-C runtime, which is loaded wherever Metal is; a worker that does not load it makes
/// no such objects.
template <class Function>
Function* runtime_function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

AutoreleasePool::AutoreleasePool() {
  static auto* const push = runtime_function<void*()>("objc_autoreleasePoolPush");
  if (push != nullptr) pool_ = push();
}

AutoreleasePool::~AutoreleasePool() {
  static auto* const pop = runtime_function<void(void*)>("objc_autoreleasePoolPop");
  if (pop != nullptr && pool_ != nullptr) pop(pool_);
}

}  // namespace mlbench::kit
