#include "kit/autorelease.hpp"

namespace mlbench::kit {

AutoreleasePool::AutoreleasePool() = default;
AutoreleasePool::~AutoreleasePool() = default;

}  // namespace mlbench::kit
