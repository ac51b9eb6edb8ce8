#include "kit/cgroup.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("a cgroup is searched from the process's own folder up to the root") {
  const char* text = "4:cpu,cpuacct:/a/b\n0::/user.slice/x:y\n";
  CHECK(kit::cgroup_folders(text, "") ==
        std::vector<std::string>{"/user.slice/x:y", "/user.slice", ""});
  CHECK(kit::cgroup_folders(text, "cpu") == std::vector<std::string>{"/a/b", "/a", ""});
  CHECK(kit::cgroup_folders(text, "memory").empty());
  CHECK(kit::cgroup_folders("0::/\n", "") == std::vector<std::string>{""});
}
