#pragma once

#include "machine/machine.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// A Linux machine from its files. What reads the files is handed in, so the whole of it is tested
/// on dumps of other machines.
namespace mlbench::machine {

/// A view of the file system of one Linux machine, with absolute paths.
struct LinuxFiles {
  /// Text of a file, at most a few MiB; nullopt when it cannot be read.
  std::function<std::optional<std::string>(const std::string& path)> read;
  /// Names in a folder, sorted, without "." and ".."; empty when it cannot be read.
  std::function<std::vector<std::string>(const std::string& path)> list;
};

/// What comes from system calls and not from files.
struct LinuxCalls {
  std::optional<std::string> architecture;           ///< uname().machine.
  std::optional<std::string> hypervisor_signature;   ///< CPUID leaf 0x40000000; x86.
  std::optional<std::int64_t> usable_logical_cores;  ///< sched_getaffinity().
  std::int64_t page_bytes = 4096;
  double ticks_per_s = 100;  ///< sysconf(_SC_CLK_TCK).
};

/// Everything but GPUs. Unreadable facts are nullopt.
[[nodiscard]] Machine linux_machine(const LinuxFiles& files, const LinuxCalls& calls);

/// Everything but the clock and GPUs. `files` is asked for a few dozen small files.
[[nodiscard]] MachineState linux_state(const LinuxFiles& files, const LinuxCalls& calls);

}  // namespace mlbench::machine
