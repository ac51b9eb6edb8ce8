#pragma once

#include "stats/paired.hpp"
#include "stats/summary.hpp"
#include "stats/verdict.hpp"
#include "store/run_data.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// From a run's blocks to what may be said about them. Everything here is computed from RunData
/// alone, so the same journal always gives the same verdicts.
namespace mlbench::compare {

/// The comparison of two subjects on one case. Ratios are time of b / time of a: above 1, a is
/// faster.
struct CaseVerdict {
  std::string case_id, a, b;
  bool control = false;
  std::vector<double> pair_log_ratios;  ///< One a process pair, in order of rounds.
  std::optional<stats::RatioInterval> interval;
  stats::Judgement judgement;
  std::vector<std::string> flags;  ///< "drift", "unstable"; docs/warnings.md.
  std::string reason;              ///< Why the verdict is `invalid`.
};

/// All declared pairs over all cases in which both sides have a result or one side failed; pairs
/// whose case was skipped on a side are left out. Order: cases, then pairs, as declared.
[[nodiscard]] std::vector<CaseVerdict> verdicts_of(const store::RunData& run);

/// One pair on one case; used by the stop rule too.
[[nodiscard]] CaseVerdict verdict_of(const store::RunData& run, const store::CaseRecord& c,
                                     const store::PairRecord& pair);

/// Seconds per call of each process of one subject on one case, in order of rounds.
[[nodiscard]] std::vector<double> process_times_s(const store::Cell& cell);

/// Time per call of one subject on one case over the run's processes. nullopt when it has no
/// blocks.
[[nodiscard]] std::optional<stats::TimeSummary> time_of(const store::Cell& cell);

/// "PyTorch is 1.06x faster (95 % range 1.03 to 1.09)"; names are how `name_a` and `name_b` are
/// shown.
[[nodiscard]] std::string sentence(const CaseVerdict& verdict, const std::string& name_a,
                                   const std::string& name_b);

/// What a case reached of the machine's ceiling: for each dtype the best FLOP rate that any subject
/// of the run reached in a gemm, and for memory the best bandwidth of any subject. A case is judged
/// by the roof that binds it, by its arithmetic intensity (S. Williams et al., "Roofline", CACM
/// 2009).
class Ceilings {
 public:
  explicit Ceilings(const store::RunData& run);

  /// Share of the roof that `seconds` a call is, 1 at the roof. nullopt where nothing sets a roof:
  /// no ceiling case was measured on that kind of device, or the case fits into a cache, whose own
  /// bandwidth was not measured.
  [[nodiscard]] std::optional<double> fraction(const store::CaseRecord& c,
                                               const std::string& device, double seconds) const;

  struct Ceiling {
    std::string device_kind;  ///< "cpu" or "gpu": ceilings of one do not bind the other.
    std::string resource;     ///< "bytes_per_s", or a dtype for FLOP/s.
    double rate = 0;
    std::string case_id, subject;  ///< What set it.
  };
  [[nodiscard]] const std::vector<Ceiling>& all() const { return ceilings_; }

 private:
  [[nodiscard]] const Ceiling* find(const std::string& kind, const std::string& resource) const;
  void raise(Ceiling candidate);

  std::vector<Ceiling> ceilings_;
  std::map<std::string, double> last_level_cache_bytes_;  ///< By kind of device.
};

/// "cpu" for the device cpu, "gpu" for mps, cuda:N and gpu.
[[nodiscard]] std::string device_kind(const std::string& device);

}  // namespace mlbench::compare
