#include "kit/backend_for_tests.hpp"
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

TEST_CASE("gemm agrees with the reference in every dtype, in the dtype asked for") {
  kit::check_products(*mlx_worker::make_backend());
}

TEST_CASE("every memory operation agrees with the reference, cold and independent too") {
  kit::check_memory_operations(*mlx_worker::make_backend());
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

TEST_CASE("every operation agrees with the reference in float32") {
  kit::check_operations(*mlx_worker::make_backend());
}

TEST_CASE("a device that this build or machine lacks is unsupported") {
  const auto backend = mlx_worker::make_backend();
  const auto described = backend->describe("mps");
  REQUIRE_FALSE(described);
  CHECK(described.error().kind == ErrorKind::unsupported);
  CHECK_FALSE(backend->prepare(
      kit::make("memory", workload::DType::float32, {{"op", "copy"}, {"bytes", 1 << 20}}), "cuda:0",
      1));
}

TEST_CASE("a case larger than the memory is refused before anything is allocated") {
  kit::check_refuses_what_no_memory_holds(*mlx_worker::make_backend());
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
  CHECK(kit::checked(*backend,
                     kit::make("gemm", workload::DType::float32, {{"m", 8}, {"n", 8}, {"k", 8}}))
            .ok);
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
