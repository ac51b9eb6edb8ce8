#include "machine/machine.hpp"

#include "machine/macos_facts.hpp"
#include "machine/recorded_files_for_tests.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace mlbench;
using namespace mlbench::machine;

namespace {

/// The number of values that are null, in nested objects and lists too.
int count_nulls(const Json& json) {
  if (json.is_null()) return 1;
  int nulls = 0;
  if (json.is_structured()) {
    for (const Json& item : json) nulls += count_nulls(item);
  }
  return nulls;
}

/// Every field holds something that it does not hold by default.
Machine full_machine() {
  Machine m;
  m.architecture = "x86_64";
  m.model = "model";
  m.cpu = {.name = "cpu",
           .vendor = "vendor",
           .physical_cores = 1,
           .logical_cores = 2,
           .performance_cores = 3,
           .efficiency_cores = 4,
           .usable_logical_cores = 5,
           .quota_cores = 1.5,
           .max_clock_hz = 3e9,
           .l1d_bytes = 6,
           .l2_bytes = 7,
           .l3_bytes = 8,
           .l1d_sharing_cores = 9,
           .l2_sharing_cores = 10,
           .l3_sharing_cores = 11,
           .groups = {{"Performance", 1, 2, 3, 4, 5, 6, 7}},
           .features = {"neon", "sme"}};
  m.gpus = {{"gpu", "driver", "architecture", "9.0", 1, 2, 50, 3, 4, 1e9, 2e9, 300.0}};
  m.memory = {.total_bytes = 100,
              .available_bytes = 50,
              .cgroup_limit_bytes = 80,
              .swap_total_bytes = 10,
              .page_bytes = 4096,
              .gpu_working_set_bytes = 70,
              .largest_buffer_bytes = 60,
              .gpu_limits_source = "mlx:gpu",
              .wired_limit_bytes = 90};
  m.os = {"name", "version", "build", "kernel"};
  m.cpu_governor = "performance";
  m.hypervisor = "none";
  m.container = "none";
  m.translated = false;
  MachineState& s = m.state;
  s.time_s = 1, s.cpu_clock_hz = 2, s.cpu_temperature_c = 3, s.cpu_throttle_count = 4;
  s.load_1m = 5, s.load_5m = 6, s.load_15m = 7, s.runnable_tasks = 8;
  s.cpu_pressure = s.memory_pressure = s.io_pressure = Pressure{0.1, 2};
  s.cpu_total_s = 9, s.cpu_busy_s = 10, s.cpu_steal_s = 11;
  s.memory_available_bytes = 12, s.swap_used_bytes = 13;
  s.swapped_in_bytes = 14, s.swapped_out_bytes = 15, s.oom_kills = 16;
  s.memory_pressure_level = "warn", s.thermal_state = "heavy", s.power_source = "battery";
  s.battery_fraction = 0.5, s.low_power_mode = true;
  s.gpus = {{"gpu", 1e9, 2e9, 60.0, 300.0, 17, std::vector<std::string>{"sw_power_cap"}}};
  return m;
}

Gpu named_gpu(const char* name) {
  Gpu gpu;
  gpu.name = name;
  return gpu;
}

Gpu apple_gpu(const char* name, std::int64_t cores) {
  Gpu gpu = named_gpu(name);
  gpu.cores = cores;
  return gpu;
}

Memory memory_of(std::optional<std::int64_t> total, std::optional<std::int64_t> limit) {
  Memory memory;
  memory.total_bytes = total;
  memory.cgroup_limit_bytes = limit;
  return memory;
}

Json json_of(const char* text) {
  const auto json = parse_json(text);
  REQUIRE(json.has_value());
  return *json;
}

}  // namespace

TEST_CASE("every field survives the way to JSON and back") {
  const Json written = to_json(full_machine());
  CHECK(count_nulls(written) == 0);
  CHECK(to_json(machine_from_json(written)) == written);
  const Machine back = machine_from_json(written);
  CHECK(back.cpu.groups.at(0).l3_sharing_cores == 7);
  CHECK(back.gpus.at(0).power_limit_w == 300.0);
  CHECK(back.state.gpus.at(0).clock_reasons == std::vector<std::string>{"sw_power_cap"});
  CHECK(back.state.low_power_mode == true);
}

TEST_CASE("an empty machine is written with null for everything and read back") {
  const Json written = to_json(Machine{});
  CHECK(written.at("architecture").is_null());
  CHECK(written.at("gpus") == Json::array());
  CHECK(to_json(machine_from_json(written)) == written);
}

TEST_CASE("an idle GPU without a reason to slow down differs from one that does not tell") {
  MachineState state;
  state.gpus.resize(2);
  state.gpus[0].clock_reasons.emplace();
  const MachineState back = state_from_json(to_json(state));
  REQUIRE(back.gpus.size() == 2);
  CHECK(back.gpus[0].clock_reasons.has_value());
  CHECK_FALSE(back.gpus[1].clock_reasons.has_value());
}

TEST_CASE("JSON of another shape gives a machine without facts, never a failure") {
  for (const char* text :
       {"null", "[]", "3", "\"x\"", "{}", R"({"cpu":[],"gpus":{},"memory":7,"os":"x","state":[1]})",
        R"({"cpu":{"name":5,"physical_cores":"8","features":[1,null]},"gpus":[1,"x",null]})",
        R"({"cpu":{"physical_cores":1e99,"logical_cores":1.5}})"}) {
    const Machine m = machine_from_json(json_of(text));
    CHECK_FALSE(m.cpu.name.has_value());
    CHECK_FALSE(m.cpu.physical_cores.has_value());
    CHECK_FALSE(m.cpu.logical_cores.has_value());
    CHECK(m.cpu.features.empty());
    CHECK(m.gpus.empty());
  }
  const Machine newer = machine_from_json(json_of(R"({"later":1,"cpu":{"name":"x","new":{}}})"));
  CHECK(newer.cpu.name == "x");
}

TEST_CASE("a worker's device query completes a Mac and does not overwrite what the system told") {
  Machine m = macos_machine(parse_sysctl(test_data("macos/m4-pro-48gb.txt")));
  m.gpus = {apple_gpu("Apple M4 Pro", 20)};
  const Json reply = json_of(R"({"device":"gpu","framework":"mlx","device_name":"Apple M4 Pro",
      "architecture":"applegpu_g16s","gpu_cores":99,
      "limits":{"working_set_bytes":40200896512,"largest_buffer_bytes":30150672384,
                "memory_bytes":51539607552}})");
  merge_device_facts(m, reply);
  REQUIRE(m.gpus.size() == 1);
  CHECK(m.gpus[0].cores == 20);
  CHECK(m.gpus[0].architecture == "applegpu_g16s");
  CHECK_FALSE(m.gpus[0].memory_bytes.has_value());  // memory is unified
  CHECK(m.memory.gpu_working_set_bytes == 40200896512);
  CHECK(m.memory.largest_buffer_bytes == 30150672384);
  CHECK(m.memory.gpu_limits_source == "mlx:gpu");
}

TEST_CASE("a GPU that only the worker knows is added once") {
  Machine m = macos_machine(parse_sysctl(test_data("macos/m5-24gb.txt")));
  const Json reply = json_of(R"({"device":"mps","framework":"torch","device_name":"Apple M5",
      "gpu_cores":10,"limits":{"working_set_bytes":19069670000}})");
  merge_device_facts(m, reply);
  merge_device_facts(m, reply);
  REQUIRE(m.gpus.size() == 1);
  CHECK(m.gpus[0].cores == 10);
  CHECK(m.memory.gpu_limits_source == "torch:mps");
}

TEST_CASE("NVIDIA GPUs get their SMs by name, and a reply about a CPU adds no GPU") {
  Machine m;
  m.gpus = {named_gpu("NVIDIA A"), named_gpu("NVIDIA B")};
  merge_device_facts(m, json_of(R"({"device":"cuda:0","device_name":"NVIDIA B",
      "multiprocessors":132,"limits":{"memory_bytes":85520809984}})"));
  REQUIRE(m.gpus.size() == 2);
  CHECK_FALSE(m.gpus[0].multiprocessors.has_value());
  CHECK(m.gpus[1].multiprocessors == 132);
  CHECK(m.gpus[1].memory_bytes == 85520809984);
  merge_device_facts(m, json_of(R"({"device":"cpu","device_name":"AMD EPYC",
      "limits":{"memory_bytes":1}})"));
  merge_device_facts(m, json_of("[]"));
  CHECK(m.gpus.size() == 2);
  CHECK_FALSE(m.memory.gpu_working_set_bytes.has_value());
}

TEST_CASE("the headline says what matters for each kind of machine") {
  Machine mac = macos_machine(parse_sysctl(test_data("macos/m5-24gb.txt")));
  mac.gpus = {apple_gpu("Apple M5", 10)};
  mac.state.power_source = "ac";
  mac.state.thermal_state = "nominal";
  CHECK(headline(mac) == "Apple M5 · 10 GPU cores · 24 GiB · macOS 26.2 · plugged in · cool");
  mac.gpus.clear();
  mac.state.power_source = "battery";
  mac.state.thermal_state = "heavy";
  CHECK(headline(mac) == "Apple M5 · 10 cores · 24 GiB · macOS 26.2 · on battery · hot");

  Machine server;
  server.cpu.name = "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz";
  server.cpu.physical_cores = 1;
  Gpu h100 = named_gpu("NVIDIA H100 80GB HBM3");
  h100.multiprocessors = 132;
  h100.memory_bytes = 85520809984;
  server.gpus = {h100, h100};
  CHECK(headline(server) ==
        "Intel Xeon Platinum 8481C · 1 core · 2x NVIDIA H100 80GB HBM3 (132 SMs, 79.6 GiB)");
  CHECK(headline(Machine{}) == "unknown processor");
}

TEST_CASE("stored machines of this version are read in full") {
  const Machine m5 = machine_from_json(json_of(test_data("json/m5-24gb.json").c_str()));
  CHECK(headline(m5) == "Apple M5 · 10 GPU cores · 24 GiB · macOS 26.2 · plugged in · cool");
  CHECK(m5.memory.gpu_working_set_bytes == 19069670000);
  CHECK_FALSE(m5.memory.largest_buffer_bytes.has_value());
  const Machine m4 = machine_from_json(json_of(test_data("json/m4-pro-48gb.json").c_str()));
  CHECK(m4.memory.largest_buffer_bytes == 30150672384);
  CHECK(m4.cpu.groups.at(1).name == "Efficiency");
  CHECK(m4.state.memory_pressure_level == "normal");
}

TEST_CASE("a container's limit is what can be used") {
  CHECK(memory_of(10, 4).usable_bytes() == 4);
  CHECK(memory_of(10, std::nullopt).usable_bytes() == 10);
  CHECK(memory_of(std::nullopt, 4).usable_bytes() == 4);
  CHECK_FALSE(Memory{}.usable_bytes().has_value());
}

TEST_CASE("this very machine can be discovered and sampled") {
  const auto m = discover();
  REQUIRE(m.has_value());
  CHECK(m->cpu.logical_cores.value_or(0) >= 1);
  CHECK(m->memory.total_bytes.value_or(0) > 0);
  CHECK(m->os.kernel.has_value());
  CHECK(m->state.time_s.has_value());
  const MachineState later = sample_state();
  CHECK(later.time_s >= m->state.time_s);
  CHECK(to_json(machine_from_json(to_json(*m))) == to_json(*m));
}
