#include "kit/measure.hpp"

#include "kit/counters.hpp"
#include "kit/memory.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace mlbench::kit {
namespace {

double time_s(Kernel& kernel, int calls) {
  const std::int64_t start = steady_ns();
  kernel.run(calls);
  return static_cast<double>(steady_ns() - start) * 1e-9;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// How many of the last samples before `end` make a window of at least 5 samples and 20 ms.
std::size_t window(const std::vector<double>& samples_s, std::size_t end) {
  std::size_t count = 0;
  double total_s = 0;
  while (count < end && (count < 5 || total_s < 0.020)) total_s += samples_s[end - ++count];
  return count >= 5 && total_s >= 0.020 ? count : 0;
}

/// Of calls of a microsecond there are tens of thousands, which nobody looks at one by one: the
/// first show how the process warmed up, the last what it came to.
void keep_ends(std::vector<double>& samples_s) {
  constexpr std::ptrdiff_t kEach = 500;
  if (std::ssize(samples_s) > 2 * kEach)
    samples_s.erase(samples_s.begin() + kEach, samples_s.end() - kEach);
}

}  // namespace

bool has_settled(const std::vector<double>& samples_s) {
  const std::size_t last = window(samples_s, samples_s.size());
  if (last == 0) return false;
  const std::size_t before = window(samples_s, samples_s.size() - last);
  if (before == 0) return false;
  const auto end = samples_s.end();
  const auto middle = end - static_cast<std::ptrdiff_t>(last);
  const double a = median({middle - static_cast<std::ptrdiff_t>(before), middle});
  const double b = median({middle, end});
  return std::abs(a / b - 1) < 0.03;
}

protocol::Warmed warm(Kernel& kernel, const WarmRule& rule) {
  protocol::Warmed warmed;
  const std::int64_t start = steady_ns();
  const auto spent_s = [&] { return static_cast<double>(steady_ns() - start) * 1e-9; };
  warmed.first_call_s = time_s(kernel, 1);
  for (;;) {
    const bool enough =
        std::ssize(warmed.samples_s) + 1 >= rule.min_calls && spent_s() >= rule.min_s;
    warmed.settled = has_settled(warmed.samples_s);
    if (enough && (warmed.settled || spent_s() >= rule.max_s)) {
      keep_ends(warmed.samples_s);
      return warmed;
    }
    warmed.samples_s.push_back(time_s(kernel, 1));
  }
}

namespace {

/// Whether the last three of `samples_s` are as fast as the three before.
bool has_led_in(const std::vector<double>& samples_s) {
  if (samples_s.size() < 6) return false;
  const auto end = samples_s.end();
  return std::abs(median({end - 3, end}) / median({end - 6, end - 3}) - 1) < 0.03;
}

std::vector<double> lead_in(Kernel& kernel, int calls, double longest_s) {
  std::vector<double> samples_s;
  double spent_s = 0;
  while (spent_s < longest_s && !has_led_in(samples_s)) {
    const double sample_s = time_s(kernel, calls);
    spent_s += sample_s;
    samples_s.push_back(sample_s / calls);
  }
  return samples_s;
}

}  // namespace

protocol::Block measure_block(Kernel& kernel, int calls, int samples, int extra_calls,
                              double lead_in_s) {
  protocol::Block block;
  block.samples_s.reserve(static_cast<std::size_t>(samples) + 1);
  if (!kernel.has_invented_times()) block.state.spin_s = spin_s();
  block.state.cpu = current_cpu();
  // Peaks matter for models, whose weights and caches are told apart by them.
  const bool is_model = kernel.facts().weight_bytes.has_value();
  if (is_model) {
    kernel.reset_peak();
    reset_process_peak();
  }
  block.lead_in_samples_s = lead_in(kernel, calls, lead_in_s);
  const Counters before = read_counters();
  block.state.start_ns = steady_ns();
  for (int i = 0; i <= samples; ++i) {
    block.samples_s.push_back(time_s(kernel, calls + extra_calls) / calls);
    const auto tokens = kernel.token_times_s();
    if (i > 0) block.token_times_s.insert(block.token_times_s.end(), tokens.begin(), tokens.end());
  }
  const Counters after = read_counters();
  block.state.process_cpu_s = after.process_cpu_s - before.process_cpu_s;
  block.state.thread_cpu_s = after.thread_cpu_s - before.thread_cpu_s;
  block.state.involuntary_switches = after.involuntary_switches - before.involuntary_switches;
  block.state.minor_faults = after.minor_faults - before.minor_faults;
  if (is_model) {
    block.framework_peak_bytes = kernel.peak_bytes();
    block.process_peak_bytes = process_peak_bytes();
  }
  return block;
}

double sync_overhead_s(Backend& backend, const std::string& device) {
  std::vector<double> times_s;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t start = steady_ns();
    backend.synchronize(device);
    times_s.push_back(static_cast<double>(steady_ns() - start) * 1e-9);
  }
  return median(std::move(times_s));
}

}  // namespace mlbench::kit
