// Readers of what systems tell take any text at all.
#include "core/json.hpp"
#include "fuzz.hpp"
#include "machine/linux_parsers.hpp"
#include "machine/machine.hpp"
#include "machine/macos_facts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  using namespace mlbench::machine;
  const auto text = fuzz::text_of(data, size);
  (void)parse_cpuinfo(text);
  (void)parse_meminfo(text);
  (void)parse_os_release(text);
  (void)parse_loadavg(text);
  (void)parse_pressure(text);
  (void)parse_stat(text, 100);
  (void)parse_vmstat(text);
  (void)parse_cgroup(text);
  (void)parse_memory_limit(text);
  (void)parse_inactive_file(text);
  (void)parse_cpu_max(text);
  (void)parse_cpu_list(text);
  (void)parse_cache_size(text);
  (void)parse_count(text);
  (void)container_of_paths(text);
  (void)hypervisor_of_signature(text);
  (void)hypervisor_of_dmi(text, text);
  (void)headline(macos_machine(parse_sysctl(text)));
  if (const auto json = parse_json(text)) {
    Machine machine = machine_from_json(*json);
    (void)headline(machine);
    merge_device_facts(machine, *json);
    fuzz::require(parse_json(dump_json(to_json(machine))).has_value());
  }
  return 0;
}
