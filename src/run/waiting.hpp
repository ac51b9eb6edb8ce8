#pragma once

#include "run/worker.hpp"
#include "workload/workload.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Proof that a subject's times include the work: before anything is measured, each shows on a
/// small product and a small sum that it waits for its device.
namespace mlbench::run {

/// What a machine can do at most, in the unit by which a case is rated, and who found that.
struct Roof {
  double rate = 0;
  std::string name;
};

/// One look at a case: samples of m and of 4m calls, and the result read after the first of them.
struct WaitingEvidence {
  workload::Case definition;
  int calls = 0;          ///< m.
  double once_s = 0;      ///< The shortest sample of m calls in all looks so far.
  double fourfold_s = 0;  ///< The same of 4m calls.
  /// Of m calls, until the last was submitted, where the worker tells; the rest of once_s is
  /// waiting.
  std::optional<double> submit_s;
  /// From the end of a sample of m calls until its result was read, and reading it again. What the
  /// first takes longer is work that was not waited for.
  double read_s = 0, read_again_s = 0;
  std::optional<Roof> roof;    ///< Empty where nobody measured it.
  int passed = 0, failed = 0;  ///< Looks at this case so far, this one included.
};

/// Why one look does not show that the device was waited for; empty when it does.
///
/// 1. Four times the calls take clearly longer: else calls overlap or are left out.
/// 2. The result can be read as soon as a sample ends: else the sample ended before the work.
/// 3. The rate does not exceed what the machine can do.
[[nodiscard]] std::string why_not_waited(const WaitingEvidence& evidence);

/// Whether so many looks decide: true, it waits; false, it does not; nullopt, look again.
///
/// A busy machine makes single looks fail, and now and then lets one pass that should not, so one
/// look decides nothing. Two more passes than failures are enough, ten more failures than passes
/// are needed: an honest worker of which three looks in ten fail is refused once in 6000 tests
/// (gambler's ruin), one that does not wait and of which one look in ten passes is believed once in
/// 80.
[[nodiscard]] std::optional<bool> decided(int passed, int failed);

/// A subject's self-test.
struct SelfTest {
  /// nullopt: not known, as the worker knows neither of the cases or broke down, or the machine is
  /// too busy to tell.
  std::optional<bool> waited;
  std::string reason;                     ///< Why not, or why it was not tested.
  std::vector<WaitingEvidence> evidence;  ///< The last look at each case.
  std::optional<CallFailure> failure;     ///< The worker broke down.
};

/// One request to the worker under test.
using Ask = std::function<Answer(const std::string& verb, Json body, double timeout_s)>;
/// What is known of the roof of a case.
using FindRoof = std::function<std::optional<Roof>(const workload::Case&)>;

/// Runs the self-test of a subject on `device`, in about a second. `scratch` is a file for
/// outputs.
[[nodiscard]] SelfTest test_waiting(const Ask& ask, const std::string& device,
                                    const std::filesystem::path& scratch, const FindRoof& roof,
                                    double timeout_s);

/// The journal's line "self_test" without type and subject.
[[nodiscard]] Json to_json(const SelfTest& test);

}  // namespace mlbench::run
