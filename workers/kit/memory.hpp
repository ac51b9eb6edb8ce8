#pragma once

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>

namespace mlbench::kit {

/// Memory that this process may use in all: the machine's, or its control group's limit where that
/// is lower.
[[nodiscard]] std::optional<std::int64_t> total_memory_bytes();

/// Memory that can be had now without swapping anything out.
[[nodiscard]] std::optional<std::int64_t> available_memory_bytes();

/// Most memory that this process had in RAM (macOS: its footprint) since reset_process_peak(), or
/// since it started where the system cannot reset it (macOS). Mapped files that were read count.
[[nodiscard]] std::optional<std::int64_t> process_peak_bytes();
void reset_process_peak();

/// Lets this process take at most `bytes` more, and asks the system to end it before any other when
/// memory runs out. Best effort: where the system has no such limits, nothing happens.
void bound_memory(std::int64_t bytes);

/// Whether the system has a way to keep what a GPU uses from being paged out (Metal's residency
/// sets: macOS 15 and later).
[[nodiscard]] bool can_keep_gpu_memory_resident();

/// An allocation that is refused before it is tried, because trying could end the process.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string message) : message_(std::move(message)) {}
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Throws OutOfMemory when `needed_bytes` exceed `available_bytes`; unknown availability passes.
void require_memory(std::int64_t needed_bytes, std::optional<std::int64_t> available_bytes);

/// The field `name` of /proc/meminfo text, in bytes.
[[nodiscard]] std::optional<std::int64_t> meminfo_bytes(std::string_view text,
                                                        std::string_view name);

}  // namespace mlbench::kit
