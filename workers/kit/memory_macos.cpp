#include "kit/memory.hpp"

#include <mach/mach.h>
#include <sys/sysctl.h>

#include <cstdlib>

namespace mlbench::kit {

std::optional<std::int64_t> total_memory_bytes() {
  std::uint64_t bytes = 0;
  std::size_t size = sizeof bytes;
  if (sysctlbyname("hw.memsize", &bytes, &size, nullptr, 0) != 0) return std::nullopt;
  return static_cast<std::int64_t>(bytes);
}

void bound_memory(std::int64_t) {
}  // macOS keeps no such limit; the program bounds what it asks for

std::optional<std::int64_t> available_memory_bytes() {
  vm_statistics64_data_t statistics{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(mach_host_self(), HOST_VM_INFO64,
                        reinterpret_cast<host_info64_t>(&statistics), &count) != KERN_SUCCESS) {
    return std::nullopt;
  }
  // Free pages, and those the system can take back without writing them to swap. free_count holds
  // the speculative ones already.
  const std::uint64_t pages = std::uint64_t{statistics.free_count} + statistics.purgeable_count +
                              statistics.external_page_count;
  return static_cast<std::int64_t>(pages * vm_kernel_page_size);
}

std::optional<std::int64_t> process_peak_bytes() {
  task_vm_info_data_t info{};
  mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
  if (task_info(mach_task_self(), TASK_VM_INFO, reinterpret_cast<task_info_t>(&info), &count) !=
      KERN_SUCCESS) {
    return std::nullopt;
  }
  return info.ledger_phys_footprint_peak;
}

void reset_process_peak() {}

bool can_keep_gpu_memory_resident() {
  char version[32] = {};
  std::size_t size = sizeof version - 1;
  if (sysctlbyname("kern.osproductversion", version, &size, nullptr, 0) != 0) return false;
  return std::atoi(version) >= 15;
}

}  // namespace mlbench::kit
