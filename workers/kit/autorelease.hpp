#pragma once

namespace mlbench::kit {

/// Objects that Apple's frameworks hand out (command buffers, encoders, pipeline lookups) live
/// until the thread's autorelease pool is drained. A program without a run loop drains none, so a
/// worker would grow for as long as it measures: one pool lives for each request, outside what is
/// timed. Does nothing on other systems.
class AutoreleasePool {
 public:
  AutoreleasePool();
  ~AutoreleasePool();
  AutoreleasePool(const AutoreleasePool&) = delete;
  AutoreleasePool& operator=(const AutoreleasePool&) = delete;

 private:
  void* pool_ = nullptr;
};

}  // namespace mlbench::kit
