#include "mlx/chain.hpp"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <algorithm>
#include <optional>

namespace mlbench::mlx_worker {

int calls_per_group(std::size_t output_bytes, mx::Device device) {
  constexpr std::size_t kMostCalls = 1 << 20;
  const std::size_t in_flight_bytes = std::size_t{device == mx::Device::cpu ? 1U : 64U} << 20;
  const std::size_t group = in_flight_bytes / 2 / std::max<std::size_t>(output_bytes, 1);
  return static_cast<int>(std::clamp<std::size_t>(group, 1, kMostCalls));
}

mx::array run_chain(const Call& call, const std::vector<mx::array>& inputs, int calls, int group) {
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
  mx::eval(last);
  return last;
}

}  // namespace mlbench::mlx_worker
