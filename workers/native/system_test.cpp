#include "native/system.hpp"

#include <doctest/doctest.h>

using namespace mlbench::native;

TEST_CASE("a CPU quota is quota over period, and none is unknown") {
  CHECK(parse_cpu_max("150000 100000\n") == 1.5);
  CHECK(parse_cpu_max("max 100000\n") == std::nullopt);
  CHECK(parse_cpu_max("") == std::nullopt);
  CHECK(parse_cpu_max("1 0") == std::nullopt);
}

TEST_CASE("meminfo is read in bytes by the whole name of a field") {
  const char* text = "MemTotal:       24683584 kB\nMemAvailable:   24266752 kB\n";
  CHECK(parse_meminfo(text, "MemAvailable") == 24266752LL * 1024);
  CHECK(parse_meminfo(text, "Mem") == std::nullopt);
  CHECK(parse_meminfo("MemAvailable: many kB\n", "MemAvailable") == std::nullopt);
}

TEST_CASE("cache sizes carry their prefix") {
  CHECK(parse_cache_size("32768K\n") == 32768LL << 10);
  CHECK(parse_cache_size("1M") == 1LL << 20);
  CHECK(parse_cache_size("512") == 512);
  CHECK(parse_cache_size("K") == std::nullopt);
  CHECK(parse_cache_size("") == std::nullopt);
}

TEST_CASE("cpuinfo gives the first CPU's value") {
  const char* text =
      "processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: other\n";
  CHECK(parse_cpuinfo(text, "model name") == "AMD EPYC");
  CHECK(parse_cpuinfo("model name\t:\n", "model name") == std::nullopt);
}

TEST_CASE("a cgroup is searched from the process's own folder up to the root") {
  const char* text = "4:cpu,cpuacct:/a/b\n0::/user.slice/x:y\n";
  CHECK(parse_cgroup(text, "") == std::vector<std::string>{"/user.slice/x:y", "/user.slice", ""});
  CHECK(parse_cgroup(text, "cpu") == std::vector<std::string>{"/a/b", "/a", ""});
  CHECK(parse_cgroup(text, "memory").empty());
  CHECK(parse_cgroup("0::/\n", "") == std::vector<std::string>{""});
}

TEST_CASE("this machine has cores and memory") {
  CHECK(usable_cores() >= 1);
  CHECK(available_memory_bytes().value_or(1) > 0);
}
