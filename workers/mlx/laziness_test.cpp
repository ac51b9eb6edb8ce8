// The traps of lazy evaluation that would make MLX look fast, each shown to be one, and then the
// worker's own kernels, which must not fall into it.
#include "mlx/backend.hpp"
#include "mlx/chain.hpp"
#include "mlx/counting_for_tests.hpp"
#include "mlx/fused.hpp"

#include <doctest/doctest.h>
#include <mlx/allocator.h>
#include <mlx/compile.h>
#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/primitives.h>
#include <mlx/transforms.h>

#include <stdexcept>

using namespace mlbench;
namespace mx = mlx::core;

namespace {

mlx_worker::Call counting(int& evaluations) {
  return [&evaluations](const std::vector<mx::array>& in) {
    const auto stream = mx::default_stream(mx::Device::cpu);
    return mx::array(in[0].shape(), in[0].dtype(),
                     std::make_shared<mlx_worker::Counting>(stream, evaluations), {in[0]});
  };
}

/// On the host at once: Counting reads it without waiting for a stream.
mx::array twos() {
  mx::array x = mx::full({1024}, 2.0F, mx::Device::cpu);
  mx::eval(x);
  return x;
}

workload::Case copy(workload::Variant variant = {}) {
  const auto c = workload::make_case("memory", workload::DType::float32,
                                     {{"op", "copy"}, {"bytes", 1 << 20}}, variant);
  REQUIRE(c);
  return *c;
}

/// What the worker's kernel of `c` keeps alive at most while it makes `calls` calls, in outputs.
double outputs_alive(const workload::Case& c, int calls) {
  const auto backend = mlx_worker::make_backend();
  auto kernel = backend->prepare(c, "cpu", 7);
  REQUIRE(kernel);
  (*kernel)->run(1);
  const auto before = mx::get_active_memory();
  mx::reset_peak_memory();
  (*kernel)->run(calls);
  return static_cast<double>(mx::get_peak_memory() - before) /
         static_cast<double>(workload::output_of(c).bytes());
}

}  // namespace

TEST_CASE("dead code: a call that nothing reads is left out by MLX, and run by the worker") {
  const auto x = twos();
  int evaluations = 0;
  const auto call = counting(evaluations);
  mx::array last = call({x});
  for (int i = 0; i < 6; ++i) last = call({x});
  mx::eval(last);
  CHECK(evaluations == 1);  // the trap
  evaluations = 0;
  static_cast<void>(mlx_worker::run_chain(call, {x}, 7, 100));
  CHECK(evaluations == 7);
  evaluations = 0;
  static_cast<void>(mlx_worker::run_independent(call, {x}, 7));
  CHECK(evaluations == 7);
}

TEST_CASE("merged nodes: equal calls are merged under mx::compile, but not those of a chain") {
  using Function = std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;
  if (!mlx_worker::can_fuse(mx::Device::cpu)) return;
  const auto x = twos();
  int evaluations = 0;
  const auto call = counting(evaluations);
  const Function twice = [&](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::add(call(in), call(in))};
  };
  mx::eval(mx::compile(twice)({x}));
  CHECK(evaluations == 1);  // the trap
  evaluations = 0;
  const Function chained = [&](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{call(mx::depends(in, {call(in)}))};
  };
  mx::eval(mx::compile(chained)({x}));
  CHECK(evaluations == 2);
}

TEST_CASE("views: what MLX calls a copy moves no data, so the worker's copy negates") {
  const auto x = twos();
  mx::array view = mx::copy(x, mx::Device::cpu);
  mx::eval(view);
  CHECK(view.data<float>() == x.data<float>());  // the trap
  const auto backend = mlx_worker::make_backend();
  auto kernel = backend->prepare(copy(), "cpu", 7);
  REQUIRE(kernel);
  const auto before = mx::get_active_memory();
  (*kernel)->run(1);  // its output is new memory
  CHECK(mx::get_active_memory() - before >= std::size_t{1} << 20);
}

TEST_CASE("run-ahead memory: forty calls keep a few outputs alive, dependent or not, hot or cold") {
  CHECK(outputs_alive(copy(), 40) <= 3.1);
  CHECK(outputs_alive(copy({.independent = true, .cold_bytes = 0}), 100) <=
        2.1 * workload::kIndependentCalls + 1);
  const auto cold = copy({.independent = false, .cold_bytes = 8 << 20});
  CHECK(outputs_alive(cold, 40) <= static_cast<double>(workload::copies_of(cold)) + 2.1);
}

TEST_CASE("submitting ends before the work: the time of both is told apart, and all of it waited") {
  const auto c =
      workload::make_case("gemm", workload::DType::float32, {{"m", 512}, {"n", 512}, {"k", 512}});
  REQUIRE(c);
  const auto backend = mlx_worker::make_backend();
  auto kernel = backend->prepare(*c, "cpu", 7);
  REQUIRE(kernel);
  const auto submit_s = (*kernel)->submit_s(4);
  REQUIRE(submit_s);
  CHECK(*submit_s > 0);
  CHECK(workload::find_workload("gemm")->make_checker(*c, 7)->check((*kernel)->output()).ok);
}
