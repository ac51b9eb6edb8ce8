#include "plan/plan.hpp"

#include "core/text.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <set>

namespace mlbench::plan {
namespace {

using workload::Case;

constexpr int kAll = 1 << 20;
constexpr int kRounds = 6;  ///< That a case takes at least.
constexpr std::string_view kNotHeadline =
    "not among the headline cases of this preset; --full measures it";

/// How many cases of a family a preset takes. One that is named but has no share in quick gets that
/// of the default, and one that has none there either is taken whole.
int take_of(const workload::Share& share, Preset preset, bool named) {
  if (preset == Preset::full) return kAll;
  const int take = preset == Preset::quick ? share.quick : share.standard;
  if (take > 0 || !named) return take;
  return share.standard > 0 ? share.standard : kAll;
}

double work_amount(const Case& c) {
  return workload::work_of(c).amount();
}

std::int64_t power_of_two_at_least(std::int64_t value) {
  std::int64_t power = 1;
  while (power < value) power *= 2;
  return power;
}

/// Four times the largest last-level cache, at least 64 MiB, where the CPU's is unknown 256 MiB.
std::int64_t default_array_bytes(const machine::Machine& m) {
  constexpr std::int64_t kMiB = 1 << 20;
  const auto cpu_cache = m.cpu.l3_bytes ? m.cpu.l3_bytes : m.cpu.l2_bytes;
  std::int64_t cache = cpu_cache.value_or(64 * kMiB);
  for (const auto& gpu : m.gpus) cache = std::max(cache, gpu.l2_bytes.value_or(0));
  return std::max(64 * kMiB, power_of_two_at_least(4 * cache));
}

/// What is free in the machine's memory, and no more than any of its GPUs can hold.
std::optional<std::int64_t> available_bytes(const machine::Machine& m) {
  auto least = m.memory.available_bytes ? m.memory.available_bytes : m.memory.total_bytes;
  const auto bound = [&](std::optional<std::int64_t> limit) {
    if (limit && (!least || *limit < *least)) least = limit;
  };
  bound(m.memory.gpu_working_set_bytes);
  for (const auto& gpu : m.gpus) bound(gpu.memory_bytes);
  return least;
}

std::int64_t largest_array_bytes(const Case& c) {
  std::int64_t largest = workload::output_of(c).bytes();
  for (const auto& spec : workload::inputs_of(c)) largest = std::max(largest, spec.bytes());
  return largest;
}

/// The quick preset has two minutes, and arrays are made and checked anew in every process: where a
/// server's cache would ask for gigabytes it takes less, which docs/method.md owns up to.
constexpr std::int64_t kMostQuickArrayBytes = std::int64_t{256} << 20;

/// Halves `bytes` until the three arrays of triad fit into a quarter of what is available, in all
/// processes: a smaller array than wished for is better than no bandwidth at all.
std::int64_t fitting_array_bytes(std::int64_t bytes, std::optional<std::int64_t> available,
                                 int live_processes) {
  constexpr std::int64_t kLeast = std::int64_t{64} << 20;
  while (available && bytes > kLeast && 3 * bytes * live_processes > *available / 4) bytes /= 2;
  return bytes;
}

class Builder {
 public:
  Builder(const machine::Machine& m, int live_processes, const std::vector<std::string>& only)
      : live_processes_(live_processes),
        only_(only),
        available_bytes_(available_bytes(m)),
        largest_buffer_bytes_(m.memory.largest_buffer_bytes) {}

  void add(Family family) {
    std::vector<Case> fitting;
    for (Case& c : family.candidates) {
      if (!wanted(c)) continue;
      if (const auto largest = largest_array_bytes(c);
          largest_buffer_bytes_ && largest > *largest_buffer_bytes_) {
        result_.left_out.push_back(
            {c, "has an array of " + format_bytes(static_cast<double>(largest)) +
                    ", and this GPU takes buffers up to " +
                    format_bytes(static_cast<double>(*largest_buffer_bytes_))});
        continue;
      }
      const auto alone = static_cast<double>(workload::memory_bytes_of(c));
      if (!fits(alone, family.memory_share)) {
        result_.left_out.push_back(
            {c, "needs " + format_bytes(alone) + ", over " +
                    (family.memory_share == 0.25 ? "a quarter" : "half") + " of the " +
                    format_bytes(static_cast<double>(*available_bytes_)) + " available"});
        continue;
      }
      if (!fits(alone * live_processes_, family.memory_share)) result_.alternating.insert(c.id);
      fitting.push_back(std::move(c));
    }
    family.candidates = std::move(fitting);
    std::stable_sort(family.candidates.begin(), family.candidates.end(),
                     [](const Case& a, const Case& b) { return work_amount(a) < work_amount(b); });
    if (family.take == 0) {
      for (const Case& c : family.candidates)
        result_.left_out.push_back({c, std::string(kNotHeadline)});
      return;
    }
    if (!family.candidates.empty()) result_.families.push_back(std::move(family));
  }

  Candidates result() && { return std::move(result_); }

 private:
  [[nodiscard]] bool fits(double bytes, double share) const {
    return !available_bytes_ || bytes <= share * static_cast<double>(*available_bytes_);
  }
  [[nodiscard]] bool wanted(const Case& c) const {
    if (only_.empty()) return true;
    return std::any_of(only_.begin(), only_.end(),
                       [&](const auto& glob) { return glob_match(glob, c.id); });
  }

  int live_processes_;
  const std::vector<std::string>& only_;
  std::optional<std::int64_t> available_bytes_, largest_buffer_bytes_;
  Candidates result_;
};

/// "cpu" or "gpu", of a subject called framework:device.
std::string kind_of(const std::string& subject) {
  return subject.ends_with(":cpu") ? "cpu" : "gpu";
}

/// The kinds of device of the subjects that tried a family, GPUs first.
std::vector<std::string> kinds_of(const Estimates& estimates, const Family& family) {
  std::set<std::string, std::greater<>> kinds;
  for (const Case& c : family.candidates) {
    const auto it = estimates.find(c.id);
    if (it == estimates.end()) continue;
    for (const auto& [subject, e] : it->second) kinds.insert(kind_of(subject));
  }
  if (kinds.empty()) kinds.insert("cpu");
  return {kinds.begin(), kinds.end()};
}

/// The call of the slowest subject of one kind; empty where none can run the case.
struct Slowest {
  std::optional<double> call_s;
  std::string reason;
};

Slowest slowest(const Estimates& estimates, const Case& c, const std::string& kind) {
  Slowest result;
  const auto it = estimates.find(c.id);
  if (it == estimates.end()) return result;
  for (const auto& [subject, e] : it->second) {
    if (kind_of(subject) != kind) continue;
    if (e.call_s) {
      result.call_s = std::max(result.call_s.value_or(0), *e.call_s);
    } else if (result.reason.empty()) {
      result.reason = subject + ": " + e.reason;
    }
  }
  return result;
}

/// By id, why the subjects of `kind` do not measure a case of `family`; those that are not in it
/// are measured.
std::map<std::string, std::string> reasons_against(const Family& family, const Estimates& estimates,
                                                   const std::string& kind, Preset preset) {
  const PresetLimits limits = limits_of(preset);
  const std::string more = preset == Preset::full ? "" : "; --full measures it";
  std::map<std::string, std::string> reasons;
  std::vector<const Case*> quick_enough;
  for (const Case& c : family.candidates) {
    const Slowest s = slowest(estimates, c, kind);
    const bool too_slow = family.limited_by_time && s.call_s && *s.call_s > limits.call_s;
    if (!s.call_s) {
      reasons[c.id] = s.reason.empty() ? "no subject of this run can compute it" : s.reason;
    } else if (too_slow && (preset == Preset::full || !quick_enough.empty() ||
                            &c != &family.candidates.front())) {
      const bool full_would = *s.call_s <= limits_of(Preset::full).call_s;
      reasons[c.id] = "a call takes about " + format_time(*s.call_s) +
                      " on the slowest subject, this preset allows " + format_time(limits.call_s) +
                      (full_would ? more : "");
    } else {
      quick_enough.push_back(&c);  // the smallest whatever it costs: a family is never silent
    }
  }
  const auto take = std::min(static_cast<std::size_t>(family.take), quick_enough.size());
  const auto first = family.largest ? quick_enough.size() - take : 0;
  for (std::size_t i = 0; i < quick_enough.size(); ++i) {
    if (i < first || i >= first + take)
      reasons[quick_enough[i]->id] = "not among the headline cases of this preset" + more;
  }
  return reasons;
}

}  // namespace

Catalogue catalogue_of(const Config& config) {
  Catalogue catalogue;
  const auto take = [](auto& list, const auto& configured) {
    if (configured) list = *configured;
  };
  take(catalogue.dtypes, config.compute.dtypes);
  take(catalogue.gemm_sizes, config.compute.gemm_sizes);
  take(catalogue.gemm_shapes, config.compute.gemm_shapes);
  take(catalogue.attention.lengths, config.attention.seq_lengths);
  take(catalogue.attention.batches, config.attention.batch_sizes);
  take(catalogue.attention.heads, config.attention.num_heads);
  take(catalogue.attention.dim, config.attention.head_dim);
  if (config.operations) catalogue.operations = *config.operations;
  take(catalogue.memory_ops, config.memory.ops);
  take(catalogue.memory_sizes_bytes, config.memory.sizes_bytes);
  return catalogue;
}

std::string_view name_of(Preset preset) noexcept {
  switch (preset) {
    case Preset::quick: return "quick";
    case Preset::standard: return "default";
    case Preset::full: return "full";
  }
  return "default";
}

PresetLimits limits_of(Preset preset) noexcept {
  switch (preset) {
    case Preset::quick: return {.most_cases = 8, .call_s = 0.005, .budget_s = 110, .target = 0.03};
    case Preset::standard:
      return {.most_cases = 20, .call_s = 0.025, .budget_s = 360, .target = 0.01};
    case Preset::full: break;
  }
  return {.most_cases = 1 << 20, .call_s = 2, .budget_s = 6 * 3600.0, .target = 0.01};
}

Candidates candidates(const Catalogue& catalogue, Preset preset, const machine::Machine& machine,
                      int live_processes, const std::vector<std::string>& only) {
  Catalogue filled = catalogue;
  std::int64_t array_bytes = default_array_bytes(machine);
  if (preset == Preset::quick) array_bytes = std::min(array_bytes, kMostQuickArrayBytes);
  filled.default_array_bytes =
      fitting_array_bytes(array_bytes, available_bytes(machine), live_processes);
  Builder builder(machine, live_processes, only);
  for (const auto* workload : workload::workloads()) {
    for (auto& family : workload->families(filled)) {
      const int take = take_of(family.share, preset, !only.empty());
      builder.add({{std::move(family)}, take});
    }
  }
  auto result = std::move(builder).result();
  result.named = !only.empty();
  return result;
}

Selection select(const Candidates& candidates, const Estimates& estimates, Preset preset) {
  const int most = candidates.named ? kAll : limits_of(preset).most_cases;
  Selection selection{.chosen = {},
                      .left_out = candidates.left_out,
                      .excluded = {},
                      .alternating = candidates.alternating};
  std::map<std::string, int> taken;  // by kind
  for (const Family& family : candidates.families) {
    const auto kinds = kinds_of(estimates, family);
    std::map<std::string, std::map<std::string, std::string>> against;  // by kind, then id
    for (const auto& kind : kinds) against[kind] = reasons_against(family, estimates, kind, preset);
    for (const Case& c : family.candidates) {
      bool chosen = false;
      for (const auto& kind : kinds) {
        if (against[kind].contains(c.id)) continue;
        if (taken[kind] >= most) {
          against[kind][c.id] = kNotHeadline;
          continue;
        }
        ++taken[kind];
        chosen = true;
      }
      if (!chosen) {
        selection.left_out.push_back({c, against[kinds.front()][c.id]});
        continue;
      }
      selection.chosen.push_back(c);
      for (const auto& [subject, e] : estimates.at(c.id)) {
        const auto& reasons = against[kind_of(subject)];
        if (const auto it = reasons.find(c.id); it != reasons.end())
          selection.excluded.push_back({c.id, subject, it->second});
      }
    }
  }
  return selection;
}

std::string_view name_of(Alone which) noexcept {
  return which == Alone::all ? "all" : which == Alone::headline ? "headline" : "none";
}

Alone parse_alone(std::string_view name) noexcept {
  for (const Alone which : {Alone::headline, Alone::all}) {
    if (name_of(which) == name) return which;
  }
  return Alone::none;
}

void add_alone(Selection& selection, const Candidates& candidates, const Estimates& estimates,
               Alone which, const AloneTime& time) {
  if (which == Alone::none) return;
  double left_s = 0.25 * time.budget_s;
  std::set<std::string> headline;
  if (which == Alone::headline) {
    Candidates usual = candidates;
    for (Family& family : usual.families)
      family.take = take_of(family.share, Preset::standard, candidates.named);
    for (const Case& c : select(usual, estimates, Preset::standard).chosen) headline.insert(c.id);
  }
  const auto chosen = selection.chosen;
  const auto excluded = selection.excluded;
  for (const Case& c : chosen) {
    if (which == Alone::headline && !headline.contains(c.id)) continue;
    auto variant = c.variant;
    variant.alone = true;
    const auto twin = workload::make_case(c.workload, c.dtype, c.params, variant);
    if (!twin) continue;  // a valid case is valid alone
    const double needed_s = expected_alone_s(estimates.at(c.id), time.sustain_s);
    if (which == Alone::headline && needed_s > left_s) {
      selection.left_out.push_back(
          {*twin, "alone, it takes about " + format_duration(needed_s) +
                      ", and such cases get a quarter of the budget; --alone measures it, or a "
                      "longer --budget"});
      continue;
    }
    left_s -= needed_s;
    selection.chosen.push_back(*twin);
    selection.alternating.insert(twin->id);
    for (const auto& e : excluded) {
      if (e.case_id == c.id) selection.excluded.push_back({twin->id, e.subject, e.reason});
    }
  }
}

bool must_alternate(const Case& c, const machine::Machine& machine, int live_processes) {
  constexpr double kShare = 0.9;
  const auto available = available_bytes(machine);
  const auto needed = static_cast<double>(workload::memory_bytes_of(c)) * live_processes;
  return live_processes > 1 && available && needed > kShare * static_cast<double>(*available);
}

double expected_alone_s(const std::map<std::string, Estimate>& by_subject, double sustain_s) {
  const auto subjects = std::count_if(by_subject.begin(), by_subject.end(),
                                      [](const auto& each) { return each.second.call_s; });
  return expected_case_s(by_subject) + kRounds * static_cast<double>(subjects) * 1.5 * sustain_s;
}

double expected_case_s(const std::map<std::string, Estimate>& by_subject) {
  constexpr int kRows = 6;
  constexpr double kBlock_s = 0.03, kWarmUp_s = 0.1;
  double round_s = 0;
  for (const auto& [subject, e] : by_subject) {
    if (!e.call_s) continue;
    // At least three calls to warm up; a lead-in and a sample in each block.
    round_s += std::max(kWarmUp_s, 3 * *e.call_s) + kRows * std::max(kBlock_s, 2 * *e.call_s);
  }
  return kRounds * round_s;
}

double extrapolate_s(const Case& previous, double previous_s, const Case& next) {
  return previous_s * work_amount(next) / std::max(1.0, work_amount(previous));
}

}  // namespace mlbench::plan
