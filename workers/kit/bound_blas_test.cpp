#include "kit/bound_blas.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("a BLAS is named by the file that holds it") {
  CHECK(kit::blas_name("/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so") ==
        "OpenBLAS");
  CHECK(kit::blas_name("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3") == "OpenBLAS");
  CHECK(kit::blas_name("/opt/site/mlx_cpu.libs/libblas-bd8a282c.so.3.10.0") == "reference BLAS");
  CHECK(kit::blas_name("/System/Library/Frameworks/Accelerate.framework/Versions/A/Frameworks/"
                       "vecLib.framework/Versions/A/libBLAS.dylib") == "Accelerate");
  CHECK(kit::blas_name("/opt/lib/libfast.so.2") == "libfast.so.2");
}

TEST_CASE("a symbol is traced to the library that provides it, an unknown one to none") {
  const auto found = kit::find_symbol("sysconf");
  REQUIRE(found);
  CHECK(found->path.find("lib") != std::string::npos);
  CHECK_FALSE(kit::find_symbol("mlbench_no_such_symbol"));
}

TEST_CASE("a process without any BLAS says so with nulls") {
  const Json facts = kit::bound_blas();
  CHECK(facts.at("library").is_null());
  CHECK(facts.at("path").is_null());
  CHECK(facts.at("threads").is_null());
}
