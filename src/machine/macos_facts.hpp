#pragma once

#include "machine/machine.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A Mac from the values of its `sysctl` keys. It is compiled everywhere, so it is tested on dumps
/// of other machines; what asks a real Mac is in machine_macos.cpp.
namespace mlbench::machine {

/// Key to value, as `sysctl` prints them.
using SysctlValues = std::map<std::string, std::string, std::less<>>;

/// "key: value" lines. Lines of another form are ignored; the first of several equal keys counts.
[[nodiscard]] SysctlValues parse_sysctl(std::string_view text);

struct SysctlKey {
  enum class Kind { text, integer };
  std::string name;
  Kind kind;
};

/// Every key that macos_machine() looks at, on a Mac with `levels` kinds of core
/// (hw.nperflevels). At most 16 kinds are asked for.
[[nodiscard]] std::vector<SysctlKey> sysctl_keys(std::int64_t levels);

/// Everything that sysctl tells; GPUs, heat and power come from elsewhere.
[[nodiscard]] Machine macos_machine(const SysctlValues& values);

/// State of the notification "com.apple.system.thermalpressurelevel": 0 is "nominal". Source:
/// OSThermalNotification.h.
[[nodiscard]] std::optional<std::string> thermal_level_name(std::uint64_t level);

/// kern.memorystatus_vm_pressure_level: 1 "normal", 2 "warn", 4 "critical". Source:
/// dispatch/source.h, DISPATCH_MEMORYPRESSURE_*.
[[nodiscard]] std::optional<std::string> memory_pressure_name(std::int64_t level);

/// IOKit's "AC Power" is "ac"; "Battery Power" and "UPS Power" are "battery".
[[nodiscard]] std::optional<std::string> power_source_name(std::string_view iokit_name);

}  // namespace mlbench::machine
