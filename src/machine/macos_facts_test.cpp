#include "machine/macos_facts.hpp"

#include "machine/recorded_files_for_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mlbench;
using namespace mlbench::machine;
using Strings = std::vector<std::string>;

namespace {

constexpr std::int64_t kKi = 1024, kMi = kKi * kKi, kGi = kMi * kKi;

SysctlValues values_of(const std::string& name) {
  return parse_sysctl(test_data("macos/" + name));
}

}  // namespace

TEST_CASE("Macs from M1 to M6 tell their cores, caches and memory") {
  struct Expected {
    const char* file;
    const char* name;
    std::int64_t cores, performance, efficiency, l2_mib, memory_gib;
  };
  for (const Expected& e : {Expected{"m1-16gb.txt", "Apple M1", 8, 4, 4, 12, 16},
                            Expected{"m2-pro-32gb.txt", "Apple M2 Pro", 12, 8, 4, 16, 32},
                            Expected{"m3-ultra-96gb.txt", "Apple M3 Ultra", 28, 20, 8, 16, 96},
                            Expected{"m4-pro-48gb.txt", "Apple M4 Pro", 14, 10, 4, 16, 48},
                            Expected{"m5-24gb.txt", "Apple M5", 10, 4, 6, 16, 24},
                            Expected{"m5-max-128gb.txt", "Apple M5 Max", 18, 18, 0, 16, 128},
                            Expected{"m6-32gb.txt", "Apple M6", 12, 6, 6, 16, 32}}) {
    CAPTURE(e.file);
    const Machine m = macos_machine(values_of(e.file));
    CHECK(m.cpu.name == e.name);
    CHECK(m.cpu.vendor == "Apple");
    CHECK(m.cpu.physical_cores == e.cores);
    CHECK(m.cpu.performance_cores == e.performance);
    CHECK(m.cpu.efficiency_cores == e.efficiency);
    CHECK(m.cpu.l1d_bytes == 128 * kKi);
    CHECK(m.cpu.l2_bytes == e.l2_mib * kMi);
    CHECK_FALSE(m.cpu.l3_bytes.has_value());
    CHECK(m.memory.total_bytes == e.memory_gib * kGi);
    CHECK(m.hypervisor == "none");
    CHECK(m.translated == false);
  }
}

TEST_CASE("kinds of core keep the names that the system gives them") {
  const Machine m = macos_machine(values_of("m6-32gb.txt"));
  REQUIRE(m.cpu.groups.size() == 3);
  CHECK(m.cpu.groups[0].name == "Super");
  CHECK(m.cpu.groups[1].name == "Performance");
  CHECK(m.cpu.groups[1].l2_sharing_cores == 4);
  CHECK(m.cpu.groups[2].physical_cores == 6);
}

TEST_CASE("bfloat16 came with M2 and matrix instructions with M4") {
  CHECK(macos_machine(values_of("m1-16gb.txt")).cpu.features == Strings{"neon", "fp16", "dotprod"});
  CHECK(macos_machine(values_of("m2-pro-32gb.txt")).cpu.features ==
        Strings{"neon", "fp16", "dotprod", "bf16", "i8mm"});
  CHECK(macos_machine(values_of("m4-pro-48gb.txt")).cpu.features ==
        Strings{"neon", "fp16", "dotprod", "bf16", "i8mm", "sme", "sme2"});
}

TEST_CASE("the wired limit is unknown until the user sets one") {
  CHECK_FALSE(macos_machine(values_of("m5-24gb.txt")).memory.wired_limit_bytes.has_value());
  CHECK(macos_machine(values_of("m3-ultra-96gb.txt")).memory.wired_limit_bytes == 88 * kGi);
}

TEST_CASE("the system's names and builds are kept apart") {
  const Machine m = macos_machine(values_of("m5-24gb.txt"));
  CHECK(m.model == "Mac17,2");
  CHECK(m.os.name == "macOS");
  CHECK(m.os.version == "26.2");
  CHECK(m.os.build == "25C56");
  CHECK(m.os.kernel == "Darwin 25.2.0");
}

TEST_CASE("a virtual Mac with one kind of core is recognised") {
  const Machine m = macos_machine(values_of("m1-virtual-ci.txt"));
  CHECK(m.hypervisor == "unknown hypervisor");
  CHECK(m.cpu.groups.empty());
  CHECK_FALSE(m.cpu.efficiency_cores.has_value());
  CHECK(m.cpu.l2_bytes == 12 * kMi);
}

TEST_CASE("a Mac that tells nothing or nonsense yields a machine without facts") {
  for (const SysctlValues& values :
       {SysctlValues{}, SysctlValues{{"hw.nperflevels", "99999999999"},
                                     {"hw.memsize", "-1"},
                                     {"hw.physicalcpu", "many"},
                                     {"iogpu.wired_limit_mb", "9223372036854775807"}}}) {
    const Machine m = macos_machine(values);
    CHECK_FALSE(m.cpu.physical_cores.has_value());
    CHECK_FALSE(m.cpu.performance_cores.has_value());
    CHECK_FALSE(m.memory.total_bytes.has_value());
    CHECK_FALSE(m.memory.wired_limit_bytes.has_value());
    CHECK_FALSE(m.hypervisor.has_value());
    CHECK(parse_json(dump_json(to_json(m))).has_value());
  }
}

TEST_CASE("sysctl lines are split at their first colon") {
  const SysctlValues values = parse_sysctl("a: b: c\n no colon\n: x\nkey:\na: later\n");
  CHECK(values.at("a") == "b: c");
  CHECK(values.at("key").empty());
  CHECK(values.size() == 2);
}

TEST_CASE("every key of a dump that matters is among the keys that are asked for") {
  const SysctlValues values = values_of("m6-32gb.txt");
  const auto keys = sysctl_keys(3);
  SysctlValues asked;
  for (const SysctlKey& key : keys) {
    if (const auto it = values.find(key.name); it != values.end()) asked.insert(*it);
  }
  CHECK(to_json(macos_machine(asked)) == to_json(macos_machine(values)));
  CHECK(sysctl_keys(1'000'000'000).size() == sysctl_keys(16).size());
}

TEST_CASE("codes of the system become words, and unknown codes stay unknown") {
  CHECK(thermal_level_name(0) == "nominal");
  CHECK(thermal_level_name(2) == "heavy");
  CHECK_FALSE(thermal_level_name(17).has_value());
  CHECK(memory_pressure_name(1) == "normal");
  CHECK(memory_pressure_name(4) == "critical");
  CHECK_FALSE(memory_pressure_name(3).has_value());
  CHECK(power_source_name("AC Power") == "ac");
  CHECK(power_source_name("UPS Power") == "battery");
  CHECK_FALSE(power_source_name("").has_value());
}
