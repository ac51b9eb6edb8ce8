#include "report/setup_doubts.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::report;

namespace {

Json mlx_on(const char* architecture, const Json& kernels) {
  return {{"architecture", architecture},
          {"build", {{"package", {{"neural_accelerator_kernels", kernels}}}}},
          {"environment", Json::object()}};
}

}  // namespace

TEST_CASE("an M5 without kernels for its neural accelerators is a doubt, and only there") {
  CHECK(setup_doubts(mlx_on("applegpu_g17g", true)).empty());
  CHECK(setup_doubts(mlx_on("applegpu_g16s", false)).empty());
  CHECK(setup_doubts(mlx_on("applegpu_g17g", nullptr)).empty());
  CHECK(setup_doubts(mlx_on("applegpu_", false)).empty());
  CHECK(setup_doubts(mlx_on("sm_90", false)).empty());
  const auto doubts = setup_doubts(mlx_on("applegpu_g17s", false));
  REQUIRE(doubts.size() == 1);
  CHECK(doubts[0].find("understated") != std::string::npos);
  CHECK_FALSE(has_neural_accelerator_kernels(mlx_on("applegpu_g16s", true)).has_value());
  CHECK(has_neural_accelerator_kernels(mlx_on("applegpu_g18p", true)) == true);
}

TEST_CASE("variables that change numbers are doubts with their value; harmless values are none") {
  const Json facts = {{"environment",
                       {{"PYTORCH_MPS_FAST_MATH", "1"},
                        {"MLX_ENABLE_TF32", "0"},
                        {"MTL_DEBUG_LAYER", "1"},
                        {"OMP_NUM_THREADS", "4"}}}};
  const auto doubts = setup_doubts(facts);
  REQUIRE(doubts.size() == 2);
  CHECK(doubts[0] == "PYTORCH_MPS_FAST_MATH=1 was set, which computes less exactly");
  CHECK(doubts[1].starts_with("MTL_DEBUG_LAYER=1"));
}

TEST_CASE("facts of another form are no doubt") {
  for (const Json& facts : {Json(), Json::array(), Json{{"environment", 3}}, Json{{"build", "x"}}})
    CHECK(setup_doubts(facts).empty());
}

TEST_CASE("an OpenBLAS that does not know the CPU is a doubt, with its cure") {
  const Json old = {{"blas", {{"library", "OpenBLAS"}, {"core", "Prescott"}}}};
  const Json right = {{"blas", {{"library", "OpenBLAS"}, {"core", "SkylakeX"}}}};
  CHECK(old_kernels_doubt(old, {"avx2", "avx512f"})->find("OPENBLAS_CORETYPE=SkylakeX") !=
        std::string::npos);
  CHECK(old_kernels_doubt(old, {"avx2"})->find("OPENBLAS_CORETYPE=Haswell") != std::string::npos);
  const Json replaced = {
      {"blas", {{"library", "OpenBLAS"}, {"core", "SkylakeX"}, {"replaced_core", "Prescott"}}}};
  CHECK(old_kernels_doubt(replaced, {"avx2", "avx512f"})
            ->find("measured with OPENBLAS_CORETYPE=SkylakeX") != std::string::npos);
  CHECK_FALSE(old_kernels_doubt(old, {}));  // a CPU for which they are the right ones
  CHECK_FALSE(old_kernels_doubt(right, {"avx2", "avx512f"}));
  CHECK_FALSE(old_kernels_doubt(Json::object(), {"avx2"}));
}
