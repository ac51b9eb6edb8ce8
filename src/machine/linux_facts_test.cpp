#include "machine/linux_facts.hpp"

#include "machine/recorded_files_for_tests.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::machine;
using Strings = std::vector<std::string>;

namespace {

constexpr std::int64_t kKi = 1024, kMi = kKi * kKi, kGi = kMi * kKi;

LinuxCalls x86_in_kvm() {
  LinuxCalls calls;
  calls.architecture = "x86_64";
  calls.hypervisor_signature = std::string("KVMKVMKVM\0\0\0", 12);
  return calls;
}

LinuxCalls arm() {
  LinuxCalls calls;
  calls.architecture = "aarch64";
  return calls;
}

}  // namespace

TEST_CASE("a recorded EPYC virtual machine is described in full") {
  const Machine m = linux_machine(recorded("epyc-kvm-2cpu.txt"), x86_in_kvm());
  CHECK(headline(m) == "AMD EPYC · 2 cores · 23.5 GiB · Debian GNU/Linux 12 · virtualised (KVM)");
  CHECK(m.cpu.vendor == "AMD");
  CHECK(m.cpu.physical_cores == 2);
  CHECK(m.cpu.logical_cores == 2);
  CHECK(m.cpu.l1d_bytes == 32 * kKi);
  CHECK(m.cpu.l2_bytes == kMi);
  CHECK(m.cpu.l2_sharing_cores == 1);
  CHECK(m.cpu.l3_bytes == 32 * kMi);
  CHECK(m.cpu.l3_sharing_cores == 2);
  CHECK(m.cpu.has("avx512_bf16"));
  CHECK_FALSE(m.cpu.has("amx_tile"));
  CHECK_FALSE(m.cpu.has("avx512_fp16"));
  CHECK(m.cpu.groups.empty());
  CHECK(m.memory.total_bytes == 25276502016);
  CHECK_FALSE(m.memory.cgroup_limit_bytes.has_value());
  CHECK(m.container == "docker");
  CHECK_FALSE(m.cpu_governor.has_value());
  CHECK_FALSE(m.state.power_source.has_value());
  CHECK(m.state.oom_kills == 0);
  CHECK(m.state.cpu_pressure.has_value());
}

TEST_CASE("a recorded Xeon tells its matrix extensions") {
  const Machine m = linux_machine(recorded("xeon-kvm-h100.txt"), x86_in_kvm());
  CHECK(m.cpu.physical_cores == 16);
  CHECK(m.cpu.features == Strings{"sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f",
                                  "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16",
                                  "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16"});
  CHECK(m.cpu.l1d_bytes == 48 * kKi);
  CHECK(headline(m).starts_with("Intel Xeon Processor · 16 cores · 126 GiB · Ubuntu 24.04"));
}

TEST_CASE("an Arm server in a Kubernetes pod shows the pod's limits") {
  const Machine m = linux_machine(recorded("graviton3-kubernetes.txt"), arm());
  CHECK(m.cpu.name == "Neoverse-V1");
  CHECK(m.cpu.vendor == "ARM");
  CHECK(m.cpu.physical_cores == 4);
  CHECK(m.cpu.features ==
        Strings{"neon", "fp16", "dotprod", "bf16", "i8mm", "sve", "svebf16", "svei8mm"});
  CHECK(m.cpu.quota_cores == doctest::Approx(2));
  CHECK(m.memory.cgroup_limit_bytes == 4 * kGi);
  CHECK(m.memory.usable_bytes() == 4 * kGi);
  // 1.5 GiB are used, of which 0.5 GiB is cache that can be dropped.
  CHECK(m.memory.available_bytes == 3 * kGi);
  CHECK(m.container == "kubernetes");
  CHECK(m.hypervisor == "Amazon EC2");
  CHECK(m.state.oom_kills == 3);
  CHECK(headline(m) ==
        "Neoverse-V1 · 4 cores · 4 GiB of 7.61 GiB · Amazon Linux 2023 · virtualised (Amazon EC2)");
}

TEST_CASE("a small board tells its model, clock and temperature") {
  LinuxCalls calls = arm();
  calls.page_bytes = 16384;
  const Machine m = linux_machine(recorded("raspberry-pi-5.txt"), calls);
  CHECK(m.model == "Raspberry Pi 5 Model B Rev 1.0");
  CHECK(m.cpu.name == "Cortex-A76");
  CHECK(m.cpu.groups.empty());  // four equal capacities are one kind of core
  CHECK_FALSE(m.cpu.efficiency_cores.has_value());
  CHECK(m.cpu.max_clock_hz == doctest::Approx(2.4e9));
  CHECK(m.cpu_governor == "ondemand");
  CHECK_FALSE(m.hypervisor.has_value());
  CHECK(m.container == "none");
  CHECK(m.state.cpu_clock_hz == doctest::Approx(1.5e9));
  CHECK(m.state.cpu_temperature_c == doctest::Approx(52.3));
  CHECK(m.state.swap_used_bytes == (524272 - 419430) * kKi);
  CHECK(m.state.swapped_out_bytes == 26210 * 16384);
}

TEST_CASE("a hybrid laptop on battery tells its kinds of core and its power state") {
  LinuxCalls calls;
  calls.architecture = "x86_64";
  const Machine m = linux_machine(recorded("i7-12700h-laptop.txt"), calls);
  CHECK(m.cpu.physical_cores == 14);
  CHECK(m.cpu.logical_cores == 20);
  CHECK(m.cpu.performance_cores == 6);
  CHECK(m.cpu.efficiency_cores == 8);
  REQUIRE(m.cpu.groups.size() == 2);
  CHECK(m.cpu.groups[0].name == "Performance");
  CHECK(m.cpu.groups[0].logical_cores == 12);
  CHECK(m.cpu.groups[0].l2_bytes == 1280 * kKi);
  CHECK(m.cpu.groups[1].l2_sharing_cores == 4);
  CHECK(m.cpu.l1d_bytes == 48 * kKi);
  CHECK(m.cpu.max_clock_hz == doctest::Approx(4.7e9));
  CHECK(m.hypervisor == "none");
  CHECK_FALSE(m.memory.cgroup_limit_bytes.has_value());
  CHECK_FALSE(m.cpu.quota_cores.has_value());
  CHECK(m.state.power_source == "battery");
  CHECK(m.state.battery_fraction == doctest::Approx(0.57));  // not the mouse's
  CHECK(m.state.low_power_mode == true);
  CHECK(m.state.cpu_temperature_c == doctest::Approx(67));  // not the disc's
  CHECK(m.state.cpu_clock_hz == doctest::Approx(2.1e9));
  CHECK(m.state.cpu_throttle_count == 41);
  CHECK(headline(m) ==
        "12th Gen Intel Core i7-12700H · 14 cores · 31.1 GiB · Fedora Linux 42 · low-power mode");
}

TEST_CASE("the tightest limit of all groups above this process binds, in both cgroup versions") {
  FileTexts v1{{"/proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 60000000 kB\n"},
               {"/proc/self/cgroup", "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n"},
               {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n"},
               {"/sys/fs/cgroup/memory/memory.usage_in_bytes", "1073741824\n"},
               {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "350000\n"},
               {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}};
  const Machine old = linux_machine(in_memory(v1), {});
  CHECK(old.memory.cgroup_limit_bytes == 2 * kGi);
  CHECK(old.memory.available_bytes == kGi);
  CHECK(old.cpu.quota_cores == doctest::Approx(3.5));
  CHECK(old.container == std::nullopt);

  FileTexts v2{{"/proc/meminfo", "MemTotal: 67108864 kB\n"},
               {"/proc/self/cgroup", "0::/outer/inner\n"},
               {"/sys/fs/cgroup/outer/inner/memory.max", "max\n"},
               {"/sys/fs/cgroup/outer/memory.max", "8589934592\n"},
               {"/sys/fs/cgroup/outer/cpu.max", "400000 100000\n"},
               {"/sys/fs/cgroup/outer/inner/cpu.max", "100000 100000\n"}};
  const Machine nested = linux_machine(in_memory(v2), {});
  CHECK(nested.memory.cgroup_limit_bytes == 8 * kGi);
  CHECK(nested.cpu.quota_cores == doctest::Approx(1));

  v2["/sys/fs/cgroup/outer/memory.max"] = "137438953472\n";  // above the machine's own memory
  CHECK_FALSE(linux_machine(in_memory(v2), {}).memory.cgroup_limit_bytes.has_value());
}

TEST_CASE("a machine on mains power with its battery charging runs on mains") {
  const FileTexts files{{"/sys/class/power_supply/ADP1/type", "Mains\n"},
                        {"/sys/class/power_supply/ADP1/online", "1\n"},
                        {"/sys/class/power_supply/BAT0/type", "Battery\n"},
                        {"/sys/class/power_supply/BAT0/status", "Charging\n"},
                        {"/sys/class/power_supply/BAT0/capacity", "80\n"}};
  CHECK(linux_state(in_memory(files), {}).power_source == "ac");
}

TEST_CASE("a machine with nothing readable still yields a valid machine and JSON") {
  LinuxCalls calls;
  calls.architecture = "riscv64";
  const Machine m = linux_machine(in_memory({}), calls);
  CHECK_FALSE(m.cpu.name.has_value());
  CHECK_FALSE(m.cpu.logical_cores.has_value());
  CHECK_FALSE(m.memory.total_bytes.has_value());
  CHECK_FALSE(m.container.has_value());
  CHECK_FALSE(m.state.load_1m.has_value());
  CHECK(headline(m) == "riscv64");
  const Json json = to_json(m);
  CHECK(json.at("cpu").at("name").is_null());
  CHECK(json.at("cpu").at("features").empty());
  CHECK(parse_json(dump_json(json)).has_value());
}
