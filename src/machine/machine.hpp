#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "machine/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The machine in front of the user, as its own system describes it. Nothing is looked up in a
/// table by a model's name, and what the system does not tell is nullopt, never a guess.
namespace mlbench::machine {

/// Cores of one kind.
struct CoreGroup {
  std::optional<std::string> name;  ///< As the system calls it: "Performance", "Efficiency", ...
  std::optional<std::int64_t> physical_cores, logical_cores;
  std::optional<std::int64_t> l1d_bytes;                   ///< Of one core.
  std::optional<std::int64_t> l2_bytes, l2_sharing_cores;  ///< One cache; cores that share it.
  std::optional<std::int64_t> l3_bytes, l3_sharing_cores;  ///< One cache; cores that share it.
};

struct Cpu {
  std::optional<std::string> name;    ///< "Apple M5", "AMD EPYC 9654 96-Core Processor".
  std::optional<std::string> vendor;  ///< "Apple", "AMD", "Intel", "ARM", ...
  std::optional<std::int64_t> physical_cores, logical_cores;
  /// Where the system tells kinds of core apart: those it calls efficiency cores, and all others.
  std::optional<std::int64_t> performance_cores, efficiency_cores;
  /// Logical cores that this process may use (affinity), and the container's CPU quota in cores.
  std::optional<std::int64_t> usable_logical_cores;
  std::optional<double> quota_cores;
  std::optional<double> max_clock_hz;
  /// Caches of the first (fastest) kind of core: sizes of one cache, and how many logical cores
  /// share one.
  std::optional<std::int64_t> l1d_bytes, l2_bytes, l3_bytes;
  std::optional<std::int64_t> l1d_sharing_cores, l2_sharing_cores, l3_sharing_cores;
  std::vector<CoreGroup> groups;  ///< Fastest first; empty where all cores are alike.
  /// Instructions that matter for machine learning, in fixed spelling and order: "avx2", "fma",
  /// "f16c", "avx512f", "avx512_bf16", "amx_bf16", "neon", "fp16", "bf16", "i8mm", "sme", ...
  std::vector<std::string> features;

  [[nodiscard]] bool has(std::string_view feature) const;
};

struct Gpu {
  std::optional<std::string> name;
  std::optional<std::string> driver;              ///< Driver version: "580.95.05".
  std::optional<std::string> architecture;        ///< As a framework names it: "applegpu_g17g".
  std::optional<std::string> compute_capability;  ///< CUDA: "9.0".
  std::optional<std::int64_t> cores;              ///< Apple: GPU cores. NVIDIA: CUDA cores.
  std::optional<std::int64_t> multiprocessors;    ///< NVIDIA: SMs.
  std::optional<std::int64_t> l2_bytes;           ///< Its last-level cache, where it is told.
  std::optional<std::int64_t> memory_bytes;       ///< Of its own; nullopt where memory is unified.
  std::optional<std::int64_t> memory_bus_bits;
  std::optional<double> max_sm_clock_hz, max_memory_clock_hz;
  std::optional<double> power_limit_w;
};

struct Memory {
  std::optional<std::int64_t> total_bytes;
  std::optional<std::int64_t> available_bytes;     ///< Without swapping, when discovered.
  std::optional<std::int64_t> cgroup_limit_bytes;  ///< Only where it is lower than the total.
  std::optional<std::int64_t> swap_total_bytes;
  std::optional<std::int64_t> page_bytes;
  /// What the GPU may use together and in one piece, as a framework's device query told, and which
  /// one ("mlx:gpu"). See merge_device_facts().
  std::optional<std::int64_t> gpu_working_set_bytes, largest_buffer_bytes;
  std::optional<std::string> gpu_limits_source;
  /// macOS iogpu.wired_limit_mb where the user has raised it; nullopt means the default.
  std::optional<std::int64_t> wired_limit_bytes;

  /// Bytes that this process may use: the total, or the container's limit where that is lower.
  [[nodiscard]] std::optional<std::int64_t> usable_bytes() const;
};

struct Os {
  std::optional<std::string> name;     ///< "macOS", "Debian GNU/Linux".
  std::optional<std::string> version;  ///< "26.2", "12".
  std::optional<std::string> build;    ///< "25C56".
  std::optional<std::string> kernel;   ///< "Linux 6.1.0", "Darwin 25.2.0".
};

struct Machine {
  std::optional<std::string> architecture;  ///< "arm64", "aarch64", "x86_64".
  std::optional<std::string> model;         ///< "Mac17,2", "PowerEdge R760".
  Cpu cpu;
  std::vector<Gpu> gpus;
  Memory memory;
  Os os;
  std::optional<std::string> cpu_governor;  ///< "performance", "schedutil", ...; Linux.
  std::optional<std::string> hypervisor;    ///< "KVM", "VMware", ...; "none" on bare metal.
  std::optional<std::string> container;     ///< "docker", "podman", ...; "none" outside one.
  std::optional<bool> translated;           ///< macOS: whether Rosetta translates this process.
  MachineState state;                       ///< Load, heat and power when discovered.
};

/// Asks this system. A fact that cannot be read is nullopt and no error; the Result leaves room for
/// a system on which nothing at all can be asked.
[[nodiscard]] Result<Machine> discover();

/// The object under "machine" in the project's documents: every field, null where unknown.
[[nodiscard]] Json to_json(const Machine& machine);

/// Reads what to_json() wrote, also by other versions: unknown fields are ignored, missing or
/// mistyped ones are nullopt.
[[nodiscard]] Machine machine_from_json(const Json& json);

/// Adds what a framework's worker told of a GPU in its reply to `describe`: "device",
/// "device_name", "architecture", "gpu_cores", "multiprocessors", "l2_bytes", "compute_capability",
/// "driver", and "limits": {"working_set_bytes", "largest_buffer_bytes", "memory_bytes"}. What the
/// system itself has told stays. A reply about a CPU changes nothing.
void merge_device_facts(Machine& machine, const Json& describe_reply);

/// One line for people: "Apple M5 · 10 GPU cores · 24 GiB · macOS 26.2 · plugged in · cool".
[[nodiscard]] std::string headline(const Machine& machine);

}  // namespace mlbench::machine
