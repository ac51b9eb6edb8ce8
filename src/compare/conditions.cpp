#include "compare/conditions.hpp"

#include "compare/ceilings.hpp"
#include "compare/verdicts.hpp"
#include "core/add_once.hpp"
#include "stats/quantile.hpp"
#include "stats/unpaired.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>

namespace mlbench::compare {
namespace {

using store::BlockRecord;
using store::SlotState;

/// Half of a core of ten: what a person would want to know of.
constexpr double kOtherLoad = 0.05;
constexpr double kSteal = 0.02;
/// One of twenty moments: a thread that spins all the time makes 1, a message read makes 0.001.
constexpr double kBusyWaiters = 0.05;
constexpr double kClockChange = 0.03;
constexpr double kMemoryPressure = 0.10;
constexpr std::int64_t kSwappedBytes = 1 << 20;
constexpr int kMinPairs = 6;
constexpr double kClockDiffers = 0.01;

/// The power source that no number should be quoted from.
constexpr std::string_view kBattery = "battery";

/// macOS's thermal states from cool to hot.
constexpr std::array<std::string_view, 5> kThermalStates = {"nominal", "moderate", "heavy",
                                                            "trapping", "sleeping"};

std::size_t heat(std::string_view state) {
  const auto it = std::find(kThermalStates.begin(), kThermalStates.end(), state);
  return static_cast<std::size_t>(it - kThermalStates.begin());
}

/// States of finished rounds.
std::vector<const SlotState*> states_of(const store::RunData& run, const store::CaseRecord& c) {
  std::vector<const SlotState*> states;
  const auto& rounds = run.rounds_of(c.definition.id);
  for (const SlotState& s : c.states) {
    if (rounds.contains(s.round)) states.push_back(&s);
  }
  return states;
}

template <class State, class T>
std::vector<T> known(const std::vector<const State*>& states, std::optional<T> State::*field) {
  std::vector<T> values;
  for (const State* s : states) {
    if (const auto& value = s->*field) values.push_back(*value);
  }
  return values;
}

std::optional<double> median(const std::vector<const SlotState*>& states,
                             std::optional<double> SlotState::*field) {
  return stats::median(known(states, field));
}

std::optional<double> largest(const std::vector<const SlotState*>& states,
                              std::optional<double> SlotState::*field) {
  const auto values = known(states, field);
  if (values.empty()) return std::nullopt;
  return *std::max_element(values.begin(), values.end());
}

std::optional<std::int64_t> sum(const std::vector<const SlotState*>& states,
                                std::optional<std::int64_t> SlotState::*field) {
  const auto values = known(states, field);
  if (values.empty()) return std::nullopt;
  std::int64_t total = 0;
  for (const auto value : values) total += value;
  return total;
}

/// How long a cycle was beside a block, in any unit: both sides of a pair are read the same way.
using Slowness = std::optional<double> (*)(const BlockRecord&);

std::optional<double> by_spin(const BlockRecord& b) {
  return b.spin_s;
}
std::optional<double> by_device_spin(const BlockRecord& b) {
  return b.device_spin_s;
}
std::optional<double> by_gpu_clock(const BlockRecord& b) {
  if (!b.gpu_clock_hz || !(*b.gpu_clock_hz > 0)) return std::nullopt;
  return 1 / *b.gpu_clock_hz;
}

/// The best way that all blocks of both sides can be read; null where there is none.
Slowness way_to_read(const store::Cell& a, const store::Cell& b, bool gpu) {
  const auto all = [&](Slowness read) {
    const auto has = [&](const BlockRecord& block) { return read(block).has_value(); };
    return std::all_of(a.blocks.begin(), a.blocks.end(), has) &&
           std::all_of(b.blocks.begin(), b.blocks.end(), has);
  };
  if (!gpu) return by_spin;
  return all(by_device_spin) ? by_device_spin : all(by_gpu_clock) ? by_gpu_clock : nullptr;
}

/// Of each block of `round`, in order of rows; empty where a block lacks it.
std::vector<double> cycles_in(const store::Cell& cell, int round, Slowness read) {
  std::vector<std::pair<int, double>> rows;
  for (const BlockRecord& b : cell.blocks) {
    if (b.round != round) continue;
    const auto slowness = read(b);
    if (!slowness) return {};
    rows.emplace_back(b.row, *slowness);
  }
  std::sort(rows.begin(), rows.end());
  std::vector<double> cycles;
  for (const auto& [row, slowness] : rows) cycles.push_back(slowness);
  return cycles;
}

/// The last third of a run against its first; nullopt where there is too little of it.
std::optional<double> change_over(std::span<const double> in_time_order) {
  constexpr std::size_t kFewest = 18;  // six blocks a third
  if (in_time_order.size() < kFewest) return std::nullopt;
  const std::size_t third = in_time_order.size() / 3;
  const auto first = stats::median(in_time_order.first(third));
  const auto last = stats::median(in_time_order.last(third));
  if (!first || !last || !(*first > 0)) return std::nullopt;
  return *last / *first - 1;
}

std::string as_it_is(const std::string& text) {
  return text;
}
std::string yes_or_no(const bool& is_on) {
  return is_on ? "yes" : "no";
}

/// The worst of `values`, and whether they were it all the time. Empty for none.
template <class T, class Better>
std::string worst_of(const std::vector<T>& values, Better better, std::string (*word)(const T&)) {
  if (values.empty()) return {};
  const T worst = *std::max_element(values.begin(), values.end(), better);
  const bool always =
      std::all_of(values.begin(), values.end(), [&](const T& value) { return value == worst; });
  return word(worst) + (always ? "" : " part of the time");
}

std::optional<double> mean(const std::vector<double>& values) {
  return values.empty() ? std::nullopt : std::optional(stats::mean(values));
}

/// From states of rounds, or of cases in rounds: whatever has these fields.
template <class State>
void gather(RunConditions& into, const std::vector<const State*>& states) {
  const auto on_mains = [](const std::string& x, const std::string& y) {
    return x != kBattery && y == kBattery;
  };
  const auto cooler = [](const std::string& x, const std::string& y) { return heat(x) < heat(y); };
  into.power_source =
      worst_of<std::string>(known(states, &State::power_source), on_mains, as_it_is);
  into.thermal_state =
      worst_of<std::string>(known(states, &State::thermal_state), cooler, as_it_is);
  into.low_power_mode =
      worst_of<bool>(known(states, &State::low_power_mode), std::less<>(), yes_or_no);
}

/// Reasons of NVML that mean heat or a limit from outside, not the load's own power or idling.
bool is_throttle(std::string_view reason) {
  constexpr std::array<std::string_view, 4> kReasons = {
      "hw_slowdown", "hw_thermal_slowdown", "sw_thermal_slowdown", "hw_power_brake_slowdown"};
  return std::find(kReasons.begin(), kReasons.end(), reason) != kReasons.end();
}

/// What the driver told beside each block says more than what it told once a round, after all of
/// them; older runs have the latter only.
void take_gpu_of_blocks(CaseConditions& found, const store::CaseRecord& c) {
  std::vector<double> clocks_hz, powers_w, temperatures_c;
  for (const auto& [subject, cell] : c.cells) {
    for (const BlockRecord& b : cell.blocks) {
      if (b.gpu_clock_hz) clocks_hz.push_back(*b.gpu_clock_hz);
      if (b.gpu_power_w) powers_w.push_back(*b.gpu_power_w);
      if (b.gpu_temperature_c) temperatures_c.push_back(*b.gpu_temperature_c);
      add_once(found.gpu_clock_reasons, b.gpu_clock_reasons);
    }
  }
  if (!clocks_hz.empty()) found.gpu_clock_hz = stats::median(clocks_hz);
  if (!powers_w.empty()) found.gpu_power_w = stats::median(powers_w);
  if (!temperatures_c.empty())
    found.gpu_temperature_c = *std::max_element(temperatures_c.begin(), temperatures_c.end());
}

}  // namespace

CaseConditions conditions_of(const store::RunData& run, const store::CaseRecord& c) {
  const auto states = states_of(run, c);
  CaseConditions found{
      .other_fraction = median(states, &SlotState::other_fraction),
      .steal_fraction = median(states, &SlotState::steal_fraction),
      .cpu_pressure_fraction = median(states, &SlotState::cpu_pressure_fraction),
      .memory_pressure_fraction = largest(states, &SlotState::memory_pressure_fraction),
      .swapped_in_bytes = sum(states, &SlotState::swapped_in_bytes),
      .cpu_throttle_count = sum(states, &SlotState::cpu_throttle_count),
      .load_1m = median(states, &SlotState::load_1m),
      .cpu_clock_hz = median(states, &SlotState::cpu_clock_hz),
      .gpu_clock_hz = median(states, &SlotState::gpu_clock_hz),
      .gpu_power_w = median(states, &SlotState::gpu_power_w),
      .cpu_temperature_c = largest(states, &SlotState::cpu_temperature_c),
      .gpu_temperature_c = largest(states, &SlotState::gpu_temperature_c),
      .thermal_state = {},
      .power_source = {},
      .low_power_mode = {},
      .gpu_clock_reasons = {}};
  for (const auto& state : known(states, &SlotState::thermal_state)) {
    if (!found.thermal_state || heat(state) > heat(*found.thermal_state))
      found.thermal_state = state;
  }
  for (const auto& source : known(states, &SlotState::power_source)) {
    if (!found.power_source || source == kBattery) found.power_source = source;
  }
  for (const bool low : known(states, &SlotState::low_power_mode))
    found.low_power_mode = found.low_power_mode.value_or(false) || low;
  for (const SlotState* s : states) add_once(found.gpu_clock_reasons, s->gpu_clock_reasons);
  take_gpu_of_blocks(found, c);
  return found;
}

RunConditions conditions_of(const store::RunData& run) {
  RunConditions found;
  std::vector<const SlotState*> slots;
  std::vector<const store::RoundState*> rounds;
  for (const auto& c : run.cases) {
    const auto states = states_of(run, c);
    slots.insert(slots.end(), states.begin(), states.end());
  }
  for (const auto& state : run.round_states) rounds.push_back(&state);
  found.load_began_1m = run.begun.load_1m;
  if (!slots.empty()) {
    gather(found, slots);
    found.other_fraction = mean(known(slots, &SlotState::other_fraction));
    found.load_1m = mean(known(slots, &SlotState::load_1m));
  } else if (!rounds.empty()) {
    gather(found, rounds);
    found.load_1m = mean(known(rounds, &store::RoundState::load_1m));
  } else {
    gather(found, std::vector{&run.begun});
  }
  return found;
}

CellConditions conditions_of(const store::Cell& cell) {
  CellConditions found;
  double switches = 0, switches_s = 0, waiters_s = 0, waited_s = 0;
  // in order of time
  std::vector<double> spins_s, device_spins_s, clocks_hz, powers_w;
  const auto keep = [](std::vector<double>& list, std::optional<double> value) {
    if (value) list.push_back(*value);
  };
  for (const BlockRecord& b : cell.blocks) {
    if (b.involuntary_switches) {
      switches += static_cast<double>(*b.involuntary_switches);
      switches_s += b.duration_s;
    }
    if (b.waiters_cpu_s) {
      waiters_s += *b.waiters_cpu_s;
      waited_s += b.lead_in_s + b.duration_s;  // it is read around the whole request
    }
    keep(spins_s, b.spin_s);
    keep(device_spins_s, b.device_spin_s);
    keep(clocks_hz, b.gpu_clock_hz);
    keep(powers_w, b.gpu_power_w);
  }
  if (switches_s > 0) found.switches_per_s = switches / switches_s;
  if (waited_s > 0) found.waiters_fraction = waiters_s / waited_s;
  found.spin_s = stats::median(spins_s);
  found.spin_change = change_over(spins_s);
  found.device_spin_s = stats::median(device_spins_s);
  found.device_spin_change = change_over(device_spins_s);
  found.gpu_clock_hz = stats::median(clocks_hz);
  found.gpu_power_w = stats::median(powers_w);
  return found;
}

std::optional<stats::RatioInterval> clock_ratio_of(const store::RunData& run,
                                                   const store::CaseRecord& c,
                                                   const store::PairRecord& pair) {
  const auto* subject_a = run.find_subject(pair.a);
  if (subject_a == nullptr) return std::nullopt;
  const auto* a = run.find_cell(c.definition.id, pair.a);
  const auto* b = run.find_cell(c.definition.id, pair.b);
  if (a == nullptr || b == nullptr) return std::nullopt;
  const auto read = way_to_read(*a, *b, device_kind(subject_a->device) == "gpu");
  if (read == nullptr) return std::nullopt;
  std::vector<double> logs;
  for (const int round : run.rounds_of(c.definition.id)) {
    const auto cycles_a = cycles_in(*a, round, read), cycles_b = cycles_in(*b, round, read);
    const auto rows = stats::block_log_ratios(cycles_a, cycles_b);
    const auto middle = rows ? stats::median(*rows) : std::nullopt;
    if (middle) logs.push_back(*middle);
  }
  if (std::ssize(logs) < kMinPairs) return std::nullopt;
  return stats::ratio_interval(logs);
}

bool clock_differs(const std::optional<stats::RatioInterval>& clock_ratio) {
  return clock_ratio && (clock_ratio->low > 1 || clock_ratio->high < 1) &&
         std::abs(clock_ratio->mean_log) > std::log1p(kClockDiffers);
}

std::vector<std::string> flags_of(const CaseConditions& c) {
  std::vector<std::string> flags;
  if (c.other_fraction.value_or(0) > kOtherLoad || c.steal_fraction.value_or(0) > kSteal)
    flags.emplace_back("other_load");
  const bool hot = c.thermal_state && *c.thermal_state != kThermalStates[0];
  if (hot || c.cpu_throttle_count.value_or(0) > 0 ||
      std::any_of(c.gpu_clock_reasons.begin(), c.gpu_clock_reasons.end(), is_throttle))
    flags.emplace_back("throttled");
  if (c.swapped_in_bytes.value_or(0) > kSwappedBytes ||
      c.memory_pressure_fraction.value_or(0) > kMemoryPressure)
    flags.emplace_back("swapping");
  if (c.power_source == kBattery) flags.emplace_back("battery");
  if (c.low_power_mode.value_or(false)) flags.emplace_back("low_power_mode");
  return flags;
}

std::vector<std::string> flags_of(const CellConditions& c) {
  std::vector<std::string> flags;
  if (c.waiters_fraction.value_or(0) > kBusyWaiters) flags.emplace_back("busy_waiters");
  if (std::abs(c.spin_change.value_or(0)) > kClockChange ||
      std::abs(c.device_spin_change.value_or(0)) > kClockChange)
    flags.emplace_back("clock_changed");
  return flags;
}

}  // namespace mlbench::compare
