#include "workload/operation.hpp"

#include "kit/bound_blas.hpp"
#include "mlx/array.hpp"
#include "mlx/backend.hpp"
#include "mlx/chain.hpp"
#include "mlx/counting_for_tests.hpp"
#include "mlx/fused.hpp"
#include "mlx/package.hpp"

#include <doctest/doctest.h>
#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/primitives.h>
#include <mlx/transforms.h>

#include <filesystem>
#include <fstream>

using namespace mlbench;
namespace mx = mlx::core;

namespace {

workload::Case gemm(workload::DType dtype, int m, int n, int k) {
  auto c = workload::make_case("gemm", dtype, {{"m", m}, {"n", n}, {"k", k}});
  REQUIRE(c);
  return *c;
}

workload::Case memory(const char* op) {
  auto c =
      workload::make_case("memory", workload::DType::float32, {{"op", op}, {"bytes", 1 << 20}});
  REQUIRE(c);
  return *c;
}

/// The check of `c` on the output of the last of three calls.
workload::CheckResult checked(const workload::Case& c) {
  const auto backend = mlx_worker::make_backend();
  auto kernel = backend->prepare(c, "cpu", 7);
  REQUIRE(kernel);
  (*kernel)->run(3);
  return workload::find_workload(c.workload)->make_checker(c, 7)->check((*kernel)->output());
}

}  // namespace

TEST_CASE("gemm agrees with the reference in every dtype, in the dtype asked for") {
  using workload::DType;
  for (const auto dtype : {DType::float32, DType::float16, DType::bfloat16, DType::float64}) {
    const auto result = checked(gemm(dtype, 33, 65, 129));
    CHECK_MESSAGE(result.ok, result.detail);
  }
}

TEST_CASE("every memory operation agrees with the reference") {
  for (const char* op : {"copy", "read", "write", "triad", "scale", "add"}) {
    const auto result = checked(memory(op));
    CHECK_MESSAGE(result.ok, op << ": " << result.detail);
  }
}

TEST_CASE("every call of a chain is evaluated, whatever its grouping") {
  mx::array x = mx::full({1024}, 2.0F, mx::Device::cpu);
  mx::eval(x);  // Counting reads at once, not on the stream that makes x
  for (const int group : {1, 3, 100}) {
    int evaluations = 0;
    const mlx_worker::Call call = [&](const std::vector<mx::array>& in) {
      const auto stream = mx::default_stream(mx::Device::cpu);
      return mx::array(in[0].shape(), in[0].dtype(),
                       std::make_shared<mlx_worker::Counting>(stream, evaluations), {in[0]});
    };
    const auto last = mlx_worker::run_chain(call, {x}, 7, group);
    CHECK(evaluations == 7);
    CHECK(last.data<float>()[0] == -2.0F);
  }
}

TEST_CASE("every call of a cold chain and of independent calls is evaluated, and stays apart") {
  mx::array x = mx::full({1024}, 2.0F, mx::Device::cpu), z = mx::full({1024}, 3.0F);
  mx::eval(x, z);
  int evaluations = 0;
  const mlx_worker::Call call = [&](const std::vector<mx::array>& in) {
    const auto stream = mx::default_stream(mx::Device::cpu);
    return mx::array(in[0].shape(), in[0].dtype(),
                     std::make_shared<mlx_worker::Counting>(stream, evaluations), {in[0]});
  };
  std::vector<mx::array> outputs;
  std::size_t next = 0;
  const auto cold = mlx_worker::run_cold_chain(call, {{x}, {z}}, outputs, 4, 2, next);
  CHECK(evaluations == 4);
  CHECK(cold.data<float>()[0] == -3.0F);  // the fourth call takes the second copy
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0].data<float>()[0] == -2.0F);
  CHECK(outputs[0].data<float>() != outputs[1].data<float>());
  CHECK(next == 4);

  evaluations = 0;
  const auto last = mlx_worker::run_independent(call, {x}, 21);
  CHECK(evaluations == 21);
  CHECK(last.data<float>()[0] == -2.0F);
}

TEST_CASE("a long chain of large outputs keeps three of them alive, not all") {
  constexpr int kElements = 1 << 20;
  mx::array x = mx::full({kElements}, 2.0F, mx::Device::cpu);
  mx::eval(x);
  const int group = mlx_worker::calls_per_group(x.nbytes(), mx::Device::cpu);
  CHECK(group == 1);
  const mlx_worker::Call call = [](const std::vector<mx::array>& in) {
    return mx::negative(in[0], mx::Device::cpu);
  };
  const auto before = mx::get_active_memory();
  mx::reset_peak_memory();
  static_cast<void>(mlx_worker::run_chain(call, {x}, 40, group));
  CHECK(mx::get_peak_memory() - before <= 3 * x.nbytes() + (1 << 16));
}

TEST_CASE("groups hold at most half of what may be in flight, and at least one call") {
  CHECK(mlx_worker::calls_per_group(64 << 10, mx::Device::cpu) == 8);
  CHECK(mlx_worker::calls_per_group(1 << 30, mx::Device::cpu) == 1);
  CHECK(mlx_worker::calls_per_group(1 << 20, mx::Device::gpu) == 32);
  CHECK(mlx_worker::calls_per_group(0, mx::Device::cpu) > 1000);
}

/// A small case of each operation that has kernels for it in float32.
TEST_CASE("every operation agrees with the reference in float32") {
  const auto backend = mlx_worker::make_backend();
  for (const auto& o : workload::operations()) {
    auto size = o.groups == nullptr ? o.sizes.front() : workload::Sizes{1, 8, 2, 96, 64};
    Json params = Json::object();
    for (std::size_t i = 0; i < size.size(); ++i) params[std::string(o.params[i])] = size[i];
    const auto c = workload::make_case(o.name, workload::DType::float32, params);
    REQUIRE(c);
    if (o.name == "chain_compiled") continue;  // needs a compiler at run time
    auto kernel = backend->prepare(*c, "cpu", 7);
    REQUIRE_MESSAGE(kernel, c->id);
    (*kernel)->run(3);
    const auto result =
        workload::find_workload(c->workload)->make_checker(*c, 7)->check((*kernel)->output());
    CHECK_MESSAGE(result.ok, c->id << ": " << result.detail);
  }
}

TEST_CASE("a device that this build or machine lacks is unsupported") {
  const auto backend = mlx_worker::make_backend();
  const auto described = backend->describe("mps");
  REQUIRE_FALSE(described);
  CHECK(described.error().kind == ErrorKind::unsupported);
  CHECK_FALSE(backend->prepare(memory("copy"), "cuda:0", 1));
}

TEST_CASE("cold and independent variants agree with the reference") {
  for (const workload::Variant variant :
       {workload::Variant{.cold_bytes = 8 << 20}, workload::Variant{.independent = true}}) {
    const auto c = workload::make_case("memory", workload::DType::float32,
                                       {{"op", "triad"}, {"bytes", 1 << 20}}, variant);
    REQUIRE(c);
    const auto result = checked(*c);
    CHECK_MESSAGE(result.ok, c->id << ": " << result.detail);
  }
}

TEST_CASE("a case larger than the memory is refused before anything is allocated") {
  const auto backend = mlx_worker::make_backend();
  const auto c = workload::make_case("memory", workload::DType::float32,
                                     {{"op", "copy"}, {"bytes", std::int64_t{1} << 40}});
  REQUIRE(c);
  try {
    static_cast<void>(backend->prepare(*c, "cpu", 1));
    FAIL("1 TiB was accepted");
  } catch (const std::exception& e) {
    CHECK(backend->is_out_of_memory(e));
  }
}

TEST_CASE("an impossible buffer inside MLX is an error that can be caught, and MLX goes on") {
  const auto backend = mlx_worker::make_backend();
  bool refused = false;
  try {
    mx::array huge = mx::zeros({1 << 20, 1 << 20, 16}, mx::float32, mx::Device::cpu);
    mx::array out = mx::negative(huge, mx::Device::cpu);
    out = mx::add(out, mx::array(1.0F), mx::Device::cpu);
    mx::eval(out);
  } catch (const std::exception& e) {
    refused = backend->is_out_of_memory(e);
  }
  CHECK(refused);
  CHECK(checked(gemm(workload::DType::float32, 8, 8, 8)).ok);
}

TEST_CASE("the description proves the BLAS and the limits in force") {
  const auto facts = mlx_worker::make_backend()->describe("cpu");
  REQUIRE(facts);
  CHECK(facts->at("blas").at("path").is_string());
  CHECK(facts->at("memory_settings").at("cache_limit_bytes").get<std::size_t>() >= 2UL << 30);
#ifdef MLBENCH_HAS_OPENBLAS
  CHECK(facts->at("blas").at("library") == "OpenBLAS");
  CHECK(facts->at("blas").at("threads").get<int>() >= 1);
#endif
}

TEST_CASE("package metadata and file contents are read as text") {
  constexpr std::string_view kMetadata =
      "Metadata-Version: 2.4\nName: mlx-metal\nVersion: 0.32.4\n";
  CHECK(mlx_worker::metadata_field(kMetadata, "Version") == "0.32.4");
  CHECK(mlx_worker::metadata_field(kMetadata, "Name") == "mlx-metal");
  CHECK_FALSE(mlx_worker::metadata_field(kMetadata, "Tag"));

  const auto file = std::filesystem::temp_directory_path() / "mlbench_package_test.bin";
  std::string bytes((std::size_t{1} << 20) - 3, 'x');
  std::ofstream(file, std::ios::binary) << bytes << "steel_gemm_fused_nax_nt" << bytes;
  CHECK(mlx_worker::file_contains(file, "_nax_") == true);
  CHECK(mlx_worker::file_contains(file, "_tensor_") == false);
  std::filesystem::remove(file);
  CHECK_FALSE(mlx_worker::file_contains(file, "_nax_"));
}

TEST_CASE("a compiler counts only when it is on PATH") {
  CHECK(mlx_worker::is_on_path("sh", "/nowhere:/bin"));
  CHECK_FALSE(mlx_worker::is_on_path("sh", "/nowhere"));
  CHECK_FALSE(mlx_worker::is_on_path("sh", ""));
}
