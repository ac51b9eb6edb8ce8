#include "native/system.hpp"

#include <doctest/doctest.h>

using namespace mlbench::native;

TEST_CASE("a CPU quota is quota over period, and none is unknown") {
  CHECK(parse_cpu_max("150000 100000\n") == 1.5);
  CHECK(parse_cpu_max("max 100000\n") == std::nullopt);
  CHECK(parse_cpu_max("") == std::nullopt);
  CHECK(parse_cpu_max("1 0") == std::nullopt);
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

TEST_CASE("this machine has cores") {
  CHECK(usable_cores() >= 1);
}
