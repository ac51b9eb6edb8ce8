#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the worker has to know of the machine to size itself. The report's view of the machine is
/// the orchestrator's, not this.
namespace mlbench::native {

/// Physical cores that this process may use: allowed by its CPU affinity, at most the CPU quota of
/// its container rounded down, performance cores only where there are two kinds (a static split of
/// the work waits for its slowest part). At least 1.
[[nodiscard]] int usable_cores();

/// Size of the largest cache that CPU 0 uses.
[[nodiscard]] std::optional<std::int64_t> last_level_cache_bytes();

/// "AMD EPYC 9654 96-Core Processor", "Apple M5".
[[nodiscard]] std::optional<std::string> cpu_name();

/// Whether an Arm processor computes in float16 (FEAT_FP16); false on any other.
[[nodiscard]] bool cpu_has_float16_arithmetic();

/// Asks for fast cores for the calling thread, where the system sorts threads by such wishes
/// (macOS).
void prefer_fast_cores();

// Parsers of system files, in every build so that every build tests them.

/// Cores of a cgroup v2 cpu.max ("150000 100000" is 1.5); nullopt for "max" and for anything else.
[[nodiscard]] std::optional<double> parse_cpu_max(std::string_view text);
/// Bytes of "32768K", "1M" or "512", as sysfs states cache sizes.
[[nodiscard]] std::optional<std::int64_t> parse_cache_size(std::string_view text);
/// The value of the first line "name : value" of /proc/cpuinfo.
[[nodiscard]] std::optional<std::string> parse_cpuinfo(std::string_view text,
                                                       std::string_view field);

}  // namespace mlbench::native
