#include "import/doubts.hpp"

#include "import/rules.hpp"

#include <algorithm>
#include <array>

namespace mlbench::importing {

std::vector<Doubt> find_doubts(const Batch& batch) {
  constexpr std::array kRules = {find_not_finite,
                                 find_failed_as_zero,
                                 find_unmeasured_as_zero,
                                 find_text_for_number,
                                 find_above_ceiling,
                                 find_above_measured,
                                 find_above_bandwidth,
                                 find_phase_unclear,
                                 find_flop_count,
                                 find_flop_scaling,
                                 find_flop_disagreement,
                                 find_time_falls,
                                 find_sums,
                                 find_gib_as_gb,
                                 find_memory_formula,
                                 find_unknown_machine,
                                 find_published_mismatch,
                                 find_unstated_peak,
                                 find_unequal_setups,
                                 find_no_gain,
                                 find_rate_disagrees,
                                 find_noisy};
  std::vector<Doubt> doubts;
  for (const auto rule : kRules) rule(batch, doubts);
  const auto place = [&](const Doubt& d) {
    return std::find_if(batch.files.begin(), batch.files.end(),
                        [&](const File& f) { return f.path == d.file; }) -
           batch.files.begin();
  };
  std::stable_sort(doubts.begin(), doubts.end(),
                   [&](const Doubt& a, const Doubt& b) { return place(a) < place(b); });
  return doubts;
}

}  // namespace mlbench::importing
