#pragma once

#include "store/run_data.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace mlbench::compare {

/// A made-up run: each function folds in the lines that a run would write.
class MadeUpRun {
 public:
  /// `started` makes a run itself. `more` replaces fields of the header.
  explicit MadeUpRun(const std::string& started, const Json& more = Json::object()) {
    Json header = {{"type", "run"},
                   {"schema", "mlbench.journal/1"},
                   {"started", started},
                   {"mlbench_version", "0.1.0"},
                   {"method_version", 1},
                   {"build", {{"type", "Release"}, {"compiler", "GNU 12.2.0"}, {"flags", "-O3"}}},
                   {"settings", {{"seed", 1}, {"rows", 6}, {"block_s", 0.03}}},
                   {"machine",
                    {{"architecture", "x86_64"},
                     {"cpu", {{"name", "EPYC"}, {"logical_cores", 2}}},
                     {"memory", {{"total_bytes", 25276502016}}},
                     {"os", {{"name", "Debian"}, {"version", "12"}, {"kernel", "Linux 6.18"}}},
                     {"state", {{"load_1m", 0.4}}}}}};
    header.update(more, true);
    add(header);
  }
  void add(const Json& line) {
    const auto added = data_.add(line);
    REQUIRE_MESSAGE(added, (added ? "" : added.error().message));
  }
  MadeUpRun& subject(const std::string& name, const std::string& version) {
    const auto framework = name.substr(0, name.find_first_of("@:"));
    add({{"type", "subject"},
         {"subject", name},
         {"framework", framework},
         {"device", name.substr(name.find(':') + 1)},
         {"facts", {{"framework_version", version}, {"threads", 2}}}});
    return *this;
  }
  MadeUpRun& gemm(int n) {
    const double size = n;
    add({{"type", "case"},
         {"case", id(n)},
         {"workload", "gemm"},
         {"dtype", "float32"},
         {"params", {{"m", n}, {"n", n}, {"k", n}}},
         {"flop", 2 * size * size * size},
         {"bytes", 12 * size * size},
         {"unit", "flop_per_s"}});
    return *this;
  }
  /// `rounds` processes of each subject; in round r a call takes its seconds · (1 + spread · w(r)),
  /// where w runs through -1, -0.5, 0, 0.5, 1, shifted for each subject.
  MadeUpRun& measure(int n, const std::vector<std::pair<std::string, double>>& seconds, int rounds,
                     double spread = 0.002) {
    std::vector<std::string> names;
    for (const auto& [name, time_s] : seconds) names.push_back(name);
    for (int round = 0; round < rounds; ++round) {
      int shift = 0;
      for (const auto& [name, time_s] : seconds) {
        const double t = time_s * (1 + spread * ((round + 2 * shift++) % 5 - 2) / 2.0);
        for (int row = 0; row < 2; ++row)
          add({{"type", "block"},
               {"round", round},
               {"case", id(n)},
               {"subject", name},
               {"row", row},
               {"samples_s", {9.0, t, t, t}}});
      }
      add({{"type", "slot"}, {"round", round}, {"case", id(n)}, {"subjects", names}});
    }
    return *this;
  }
  /// A control of `subject` on a product of n, with its pair if it is the first; measure() then
  /// takes its two sides.
  MadeUpRun& control(int n, const std::string& subject, const std::string& twin,
                     double extra_work = 0) {
    const double size = n;
    if (data_.pairs.empty())
      add({{"type", "pair"}, {"a", subject}, {"b", twin}, {"control", true}});
    add({{"type", "case"},
         {"case", id(n)},
         {"workload", "gemm"},
         {"dtype", "float32"},
         {"params", {{"m", n}, {"n", n}, {"k", n}}},
         {"flop", 2 * size * size * size},
         {"bytes", 12 * size * size},
         {"unit", "flop_per_s"},
         {"control", {{"subject", subject}, {"extra_work", extra_work}}}});
    return *this;
  }
  MadeUpRun& outcome(int n, const std::string& subject, const char* status, const char* reason) {
    add({{"type", "outcome"},
         {"case", id(n)},
         {"subject", subject},
         {"status", status},
         {"reason", reason}});
    return *this;
  }
  static std::string id(int n) { return "gemm/float32/" + std::to_string(n); }
  [[nodiscard]] const store::RunData& data() const { return data_; }

 private:
  store::RunData data_;
};

}  // namespace mlbench::compare
