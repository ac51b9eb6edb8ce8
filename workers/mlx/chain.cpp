#include "mlx/chain.hpp"

#include "workload/workload.hpp"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace mlbench::mlx_worker {

int calls_per_group(std::size_t output_bytes, mx::Device device) {
  constexpr std::size_t kMostCalls = 1 << 20;
  const std::size_t in_flight_bytes = std::size_t{device == mx::Device::cpu ? 1U : 64U} << 20;
  const std::size_t group = in_flight_bytes / 2 / std::max<std::size_t>(output_bytes, 1);
  return static_cast<int>(std::clamp<std::size_t>(group, 1, kMostCalls));
}

mx::array build_chain(const Call& call, const std::vector<mx::array>& inputs, int calls,
                      int group) {
  mx::array last = call(inputs);
  std::optional<mx::array> submitted;  // the end of the group before
  for (int done = 1; done < calls; ++done) {
    if (done % group == 0) {
      mx::async_eval(last);
      if (submitted) submitted->wait();
      submitted = last;
    }
    last = call(mx::depends(inputs, {last}));
  }
  return last;
}

mx::array run_chain(const Call& call, const std::vector<mx::array>& inputs, int calls, int group) {
  mx::array last = build_chain(call, inputs, calls, group);
  mx::eval(last);
  return last;
}

mx::array run_cold_chain(const Call& call, const std::vector<std::vector<mx::array>>& inputs,
                         std::vector<mx::array>& outputs, int calls, int group, std::size_t& next) {
  const auto advance = [&] { return next++ % inputs.size(); };
  const auto keep = [&](std::size_t at, const mx::array& output) {
    if (outputs.size() < inputs.size()) {
      outputs.push_back(output);
    } else {
      outputs[at] = output;
    }
  };
  std::size_t at = advance();
  mx::array last = call(inputs[at]);
  keep(at, last);
  std::optional<mx::array> submitted;
  for (int done = 1; done < calls; ++done) {
    if (done % group == 0) {
      mx::async_eval(last);
      if (submitted) submitted->wait();
      submitted = last;
    }
    at = advance();
    last = call(mx::depends(inputs[at], {last}));
    keep(at, last);
  }
  mx::eval(last);
  return last;
}

mx::array run_independent(const Call& call, const std::vector<mx::array>& inputs, int calls) {
  std::vector<mx::array> before, group;
  const auto submit = [&] {
    mx::async_eval(group);
    for (auto& output : before) output.wait();
    before = std::exchange(group, {});
  };
  for (int done = 0; done < calls; ++done) {
    group.push_back(call(inputs));
    if (group.size() == static_cast<std::size_t>(workload::kIndependentCalls)) submit();
  }
  if (!group.empty()) submit();
  mx::eval(before);
  return before.back();
}

mx::array run_fed_back(const Call& call, const std::vector<mx::array>& inputs, int calls,
                       int group) {
  std::vector<mx::array> in = inputs;
  std::optional<mx::array> submitted;
  for (int done = 1; done <= calls; ++done) {
    in[0] = call(in);
    if (group == 1) {
      mx::eval(in[0]);
    } else if (done % group == 0) {
      mx::async_eval(in[0]);
      if (submitted) submitted->wait();
      submitted = in[0];
    }
  }
  mx::eval(in[0]);
  return in[0];
}

}  // namespace mlbench::mlx_worker
