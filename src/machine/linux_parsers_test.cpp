#include "machine/linux_parsers.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mlbench::machine;
using Strings = std::vector<std::string>;

TEST_CASE("cores of two sockets with two threads each are counted once a core") {
  std::string text;
  for (int cpu = 0; cpu < 8; ++cpu) {
    text += "processor\t: " + std::to_string(cpu) + "\nvendor_id\t: GenuineIntel\n";
    text += "physical id\t: " + std::to_string(cpu / 2 % 2) + "\n";
    text += "core id\t\t: " + std::to_string(cpu / 4) + "\n\n";
  }
  const CpuInfo info = parse_cpuinfo(text);
  CHECK(info.logical_cores == 8);
  CHECK(info.physical_cores == 4);
  CHECK(info.vendor == "Intel");
}

TEST_CASE("features are listed in a fixed order and spelling, whatever the kernel's") {
  CHECK(parse_cpuinfo("flags\t: amx_bf16 sse avx2 amx_tile fma hypervisor").features ==
        Strings{"fma", "avx2", "amx_tile", "amx_bf16"});
  CHECK(parse_cpuinfo("Features\t: sme2 bf16 asimddp asimdhp asimd sve i8mm sme").features ==
        Strings{"neon", "fp16", "dotprod", "bf16", "i8mm", "sve", "sme", "sme2"});
  // Part of another flag's name is not the flag.
  CHECK(parse_cpuinfo("flags\t: avx512_vnni_like xfma").features.empty());
}

TEST_CASE("an Arm CPU is named by its part, and a mix of cores by all parts") {
  const std::string head = "Features : asimd\nCPU implementer : 0x41\n";
  CHECK(parse_cpuinfo(head + "CPU part : 0xd4f\n").name == "Neoverse-V2");
  CHECK(parse_cpuinfo(head + "CPU part : 0xd0b\nCPU part : 0xd05\nCPU part : 0xd05\n").name ==
        "Cortex-A76 + Cortex-A55");
  CHECK_FALSE(parse_cpuinfo(head + "CPU part : 0xfff\n").name.has_value());
}

TEST_CASE("the hypervisor flag is unknown where there are no flags") {
  CHECK(parse_cpuinfo("flags : fpu hypervisor").hypervisor == true);
  CHECK(parse_cpuinfo("flags : fpu").hypervisor == false);
  CHECK_FALSE(parse_cpuinfo("Features : asimd").hypervisor.has_value());
}

TEST_CASE("memory is read in bytes and a missing line stays unknown") {
  const MemInfo info = parse_meminfo("MemTotal:  1024 kB\nMemAvailable:   512 kB\n");
  CHECK(info.total_bytes == 1048576);
  CHECK(info.available_bytes == 524288);
  CHECK_FALSE(info.swap_total_bytes.has_value());
  CHECK_FALSE(parse_meminfo("MemTotal: 9223372036854775807 kB").total_bytes.has_value());
  CHECK_FALSE(parse_meminfo("MemTotal: -4 kB").total_bytes.has_value());
}

TEST_CASE("os-release values lose their quotes and escapes") {
  const OsRelease os = parse_os_release("NAME=\"A \\\"B\\\"\"\nVERSION_ID=42\nBUILD_ID=rolling\n");
  CHECK(os.name == "A \"B\"");
  CHECK(os.version == "42");
  CHECK(os.build == "rolling");
  CHECK_FALSE(parse_os_release("NAME=\n").name.has_value());
}

TEST_CASE("load, pressure and counters are read with their units") {
  const LoadAverage load = parse_loadavg("0.89 0.26 0.10 3/99 5437\n");
  CHECK(load.load_1m == doctest::Approx(0.89));
  CHECK(load.load_15m == doctest::Approx(0.10));
  CHECK(load.runnable_tasks == 3);
  const PressureLine pressure =
      parse_pressure("some avg10=2.50 avg60=1.0 avg300=0.2 total=5613412\nfull avg10=9 total=9\n");
  CHECK(pressure.some_fraction_10s == doctest::Approx(0.025));
  CHECK(pressure.some_total_s == doctest::Approx(5.613412));
  const VmStat stat = parse_vmstat("nr_free_pages 1\npswpin 12\npswpout 34\noom_kill 2\n");
  CHECK(stat.swapped_in_pages == 12);
  CHECK(stat.swapped_out_pages == 34);
  CHECK(stat.oom_kills == 2);
}

TEST_CASE("CPU time leaves idle and I/O wait out of busy and does not count guests twice") {
  // user nice system idle iowait irq softirq steal guest guest_nice
  const CpuTimes times = parse_stat("cpu  100 20 30 400 50 6 7 80 90 10\ncpu0 1 1 1 1 1\n", 100);
  CHECK(times.total_s == doctest::Approx(6.93));
  CHECK(times.busy_s == doctest::Approx(2.43));
  CHECK(times.steal_s == doctest::Approx(0.80));
  CHECK_FALSE(parse_stat("cpu  100 20 30 400\n", 100).steal_s.has_value());
  CHECK_FALSE(parse_stat("cpu  1 2 x 4 5\n", 100).total_s.has_value());
  CHECK_FALSE(parse_stat("cpu  1 2 3 4 5\n", 0).total_s.has_value());
}

TEST_CASE("cgroup paths of both versions are told apart") {
  const CgroupPaths v1 = parse_cgroup("4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/d\n");
  CHECK(v1.memory == "/a/b");
  CHECK(v1.cpu == "/c");
  CHECK(v1.unified == "/d");
  const CgroupPaths v2 = parse_cgroup("0::/user.slice/x:y\n");
  CHECK(v2.unified == "/user.slice/x:y");
  CHECK_FALSE(v2.memory.has_value());
  CHECK_FALSE(parse_cgroup("0::../../..\n").unified.has_value());
}

TEST_CASE("no limit is said in three ways and is never a number") {
  CHECK_FALSE(parse_memory_limit("max\n").has_value());
  CHECK_FALSE(parse_memory_limit("9223372036854771712\n").has_value());
  CHECK_FALSE(parse_memory_limit("").has_value());
  CHECK(parse_memory_limit("4294967296\n") == 4294967296);
  CHECK(parse_cpu_max("150000 100000\n") == doctest::Approx(1.5));
  CHECK_FALSE(parse_cpu_max("max 100000\n").has_value());
  CHECK_FALSE(parse_cpu_max("-1 100000").has_value());
  CHECK_FALSE(parse_cpu_max("5 0").has_value());
}

TEST_CASE("CPU lists are expanded, and absurd ones are refused") {
  CHECK(parse_cpu_list("0-3,8\n") == std::vector<int>{0, 1, 2, 3, 8});
  CHECK(parse_cpu_list("").empty());
  CHECK(parse_cpu_list("3-1").empty());
  CHECK(parse_cpu_list("0-99999999999").empty());
  CHECK(parse_cpu_list("0-1-2").empty());
  CHECK(parse_cpu_list("a").empty());
  std::string repeated = "0-65535";
  for (int i = 0; i < 100; ++i) repeated += ",0-65535";
  CHECK(parse_cpu_list(repeated).empty());
}

TEST_CASE("cache sizes carry the kernel's suffix") {
  CHECK(parse_cache_size("32K\n") == 32768);
  CHECK(parse_cache_size("32M") == 33554432);
  CHECK(parse_cache_size("1024") == 1024);
  CHECK_FALSE(parse_cache_size("0K").has_value());
  CHECK_FALSE(parse_cache_size("K").has_value());
  CHECK_FALSE(parse_cache_size("9223372036854775807G").has_value());
}

TEST_CASE("hypervisors are named from CPUID and DMI, and real machines are not") {
  CHECK(hypervisor_of_signature(std::string_view("KVMKVMKVM\0\0\0", 12)) == "KVM");
  CHECK(hypervisor_of_signature("Microsoft Hv") == "Hyper-V");
  CHECK(hypervisor_of_signature("SomethingNew") == "SomethingNew");
  CHECK_FALSE(hypervisor_of_signature(std::string_view("\0\0\0\0", 4)).has_value());
  CHECK(hypervisor_of_dmi("QEMU\n", "Standard PC\n") == "QEMU");
  CHECK(hypervisor_of_dmi("Amazon EC2", "c7g.xlarge") == "Amazon EC2");
  CHECK_FALSE(hypervisor_of_dmi("Amazon EC2", "c7g.metal").has_value());
  CHECK(hypervisor_of_dmi("Microsoft Corporation", "Virtual Machine") == "Hyper-V");
  CHECK_FALSE(hypervisor_of_dmi("Microsoft Corporation", "Surface Laptop").has_value());
  CHECK_FALSE(hypervisor_of_dmi("Apple Inc.", "MacBookPro18,3").has_value());
  CHECK_FALSE(hypervisor_of_dmi("LENOVO", "21CB").has_value());
}

TEST_CASE("containers are recognised by the paths they leave") {
  CHECK(container_of_paths("12:memory:/docker/0123abcd\n") == "docker");
  CHECK(container_of_paths("1:name=systemd:/kubepods/besteffort/pod1\n") == "kubernetes");
  CHECK(container_of_paths("0::/libpod-77.scope\n") == "podman");
  CHECK_FALSE(container_of_paths("0::/init.scope\n").has_value());
}

TEST_CASE("every parser takes any text") {
  const std::string binary("\0:\xff=\n\n-,-\x80 cpu  \t:::==\n0::\n some avg10= total=", 44);
  for (const std::string& text : {std::string(), std::string("\n"), binary, std::string(5000, ':'),
                                  std::string(5000, '-'), std::string(5000, '"')}) {
    CHECK_FALSE(parse_cpuinfo(text).physical_cores.has_value());
    CHECK_FALSE(parse_meminfo(text).total_bytes.has_value());
    CHECK_FALSE(parse_os_release(text).name.has_value());
    CHECK_FALSE(parse_loadavg(text).load_1m.has_value());
    CHECK_FALSE(parse_pressure(text).some_total_s.has_value());
    CHECK_FALSE(parse_stat(text, 100).total_s.has_value());
    CHECK_FALSE(parse_vmstat(text).oom_kills.has_value());
    CHECK_FALSE(parse_cgroup(text).memory.has_value());
    CHECK_FALSE(parse_inactive_file(text).has_value());
  }
}
