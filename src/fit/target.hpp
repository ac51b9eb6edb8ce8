#pragma once

#include "core/error.hpp"
#include "machine/machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::fit {

/// A limit in bytes, and where it comes from.
struct Limit {
  std::optional<std::int64_t> bytes;  ///< nullopt: there is no such limit, or it is not known.
  std::string source;                 ///< "read", or "derived: ..." with the rule.
};

/// What reading goes at where it goes over so many bytes again and again: caches are faster than
/// the memory behind them.
struct BandwidthOver {
  double working_set_bytes = 0, bytes_per_s = 0;
};

/// The machine that a model is to run on.
struct Target {
  enum class Kind { apple, cuda, cpu } kind = Kind::cpu;
  std::string name;                          ///< "M4 Max, 40 GPU cores, 64 GiB".
  std::optional<std::int64_t> memory_bytes;  ///< Installed (or a GPU's own).
  std::optional<double> bandwidth_bytes_per_s;
  std::string bandwidth_source;
  /// Of a machine that was measured and whose bandwidth nobody published; ascending.
  std::vector<BandwidthOver> bandwidths;
  std::optional<double> flop_per_s;  ///< Apple: float32 peak; CUDA: dense float16 matrix peak.
  std::optional<double> clock_hz;    ///< Of an Apple GPU.
  bool two_dies = false;             ///< Apple's Ultra chips.
  bool neural_accelerators = false;  ///< Matrix units in the GPU cores: M5 and later.
  Limit largest_buffer, working_set, memory;
  /// Beside a card: the machine's own memory less what the system needs, where it is known.
  std::optional<std::int64_t> host_memory_bytes;
  std::vector<std::string> notes;  ///< What was assumed, in sentences.
};

/// What was measured on this machine, if anything.
struct Measured {
  std::optional<double> bandwidth_bytes_per_s, flop_per_s;
  std::vector<BandwidthOver> bandwidths = {};  ///< Ascending by working set.
  std::string source;                          ///< The run.
};

/// What `target` reads at, going over `working_set_bytes` again and again: between two sizes that
/// were measured, straight in the logarithms of both; outside of them that of the nearest. The
/// machine's one bandwidth where no others are known; 0 where not even that is.
[[nodiscard]] double bandwidth_over(const Target& target, double working_set_bytes);

/// Metal's recommendedMaxWorkingSetSize for a Mac with this much memory, as macOS sets it when
/// nobody changed iogpu.wired_limit_mb. Derived from data/memory_limits.csv, within 0.1 % of each
/// row there; the query at run time is the authority.
[[nodiscard]] std::int64_t default_working_set_bytes(std::int64_t memory_bytes,
                                                     std::int64_t macos_major);
/// Metal's maxBufferLength: 3/4 of the default working set, down to a multiple of 16 KiB. Raising
/// the wired limit does not move it.
[[nodiscard]] std::int64_t default_largest_buffer_bytes(std::int64_t memory_bytes,
                                                        std::int64_t macos_major);
/// What is left for the system and other programs: 1/16 of memory, at least 2 GiB. An assumption.
[[nodiscard]] std::int64_t system_reserve_bytes(std::int64_t memory_bytes);

/// A machine of the catalogue: an Apple chip with GPU cores and memory in any order and spelling
/// ("M4 Max 40c 64GB", "Apple M1 Max 32-core"), optionally "macOS 15"; or an NVIDIA card ("RTX
/// 4090"). What is not said and matters is taken at its smallest, which a note says. Errors:
/// `usage`, naming the word that is not understood, and what there is.
[[nodiscard]] Result<Target> find_target(const std::string& text);

/// The machine at hand; limits that a framework read win over derived ones.
[[nodiscard]] Target target_of(const machine::Machine& machine, const Measured& measured);

}  // namespace mlbench::fit
