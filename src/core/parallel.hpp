#pragma once

#include <algorithm>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace mlbench {

/// How many parts in_parts() makes of `total` items: as many as there are threads, at most 16, and
/// no part of fewer than `least` items.
[[nodiscard]] inline std::size_t parts_of(std::size_t total, std::size_t least) {
  const std::size_t threads = std::clamp(std::thread::hardware_concurrency(), 1U, 16U);
  return std::clamp<std::size_t>(total / std::max<std::size_t>(least, 1), 1, threads);
}

/// Calls work(part, first, end) for consecutive ranges of [0, total), each on a thread of its own,
/// and returns when all are done. Inputs and references are made this way: never what is timed.
template <class Work>
void in_parts(std::size_t total, std::size_t least, Work&& work) {
  const std::size_t parts = parts_of(total, least);
  std::vector<std::future<void>> others;
  for (std::size_t part = 1; part < parts; ++part) {
    others.push_back(std::async(std::launch::async, [&work, total, parts, part] {
      work(part, total * part / parts, total * (part + 1) / parts);
    }));
  }
  work(std::size_t{0}, std::size_t{0}, total / parts);
  for (auto& other : others) other.get();
}

}  // namespace mlbench
