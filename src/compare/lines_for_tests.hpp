#pragma once

#include "store/run_data.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace mlbench::compare {

inline constexpr const char* kCase = "gemm/float32/128";
inline constexpr double kFlop = 2.0 * 128 * 128 * 128;
inline constexpr double kBytes = 3.0 * 128 * 128 * 4;

/// A journal in the making: each function writes the lines that a run would write.
class Lines {
 public:
  Lines() { add({{"type", "run"}, {"schema", "mlbench.journal/1"}}); }
  explicit Lines(const Json& machine) {
    add({{"type", "run"}, {"schema", "mlbench.journal/1"}, {"machine", machine}});
  }
  void add(const Json& line) {
    const auto added = data_.add(line);
    REQUIRE_MESSAGE(added, (added ? "" : added.error().message));
    text_.push_back(dump_json(line));
  }
  void subject(const char* name, const char* device = "cpu") {
    add({{"type", "subject"}, {"subject", name}, {"framework", name}, {"device", device}});
  }
  void pair(const char* a, const char* b, bool control = false) {
    add({{"type", "pair"}, {"a", a}, {"b", b}, {"control", control}});
  }
  void gemm(const char* id = kCase, const char* dtype = "float32", double flop = kFlop,
            double bytes = kBytes) {
    add({{"type", "case"},
         {"case", id},
         {"workload", "gemm"},
         {"dtype", dtype},
         {"flop", flop},
         {"bytes", bytes},
         {"unit", "flop_per_s"}});
  }
  void memory(const char* id, double bytes) {
    add({{"type", "case"},
         {"case", id},
         {"workload", "memory"},
         {"dtype", "float32"},
         {"flop", 0},
         {"bytes", bytes},
         {"unit", "bytes_per_s"}});
  }
  void block(int round, int row, const char* subject, std::vector<double> kept_s,
             const char* id = kCase) {
    kept_s.insert(kept_s.begin(), 99);  // the lead-in
    add({{"type", "block"},
         {"round", round},
         {"case", id},
         {"subject", subject},
         {"row", row},
         {"samples_s", kept_s}});
  }
  void slot(int round, std::vector<std::string> subjects, const char* id = kCase) {
    add({{"type", "slot"}, {"round", round}, {"case", id}, {"subjects", std::move(subjects)}});
  }
  /// One round of three rows in which each subject takes its seconds a call.
  void round(int round, double a_s, double b_s) {
    for (int row = 0; row < 3; ++row) {
      block(round, row, "a", {a_s, a_s, a_s});
      block(round, row, "b", {b_s, b_s, b_s});
    }
    slot(round, {"a", "b"});
  }
  /// One round of one subject alone.
  void alone(const char* subject, double seconds, const char* id) {
    block(0, 0, subject, {seconds}, id);
    slot(0, {subject}, id);
  }
  void outcome(const char* subject, const char* status, const char* reason,
               const char* id = kCase) {
    add({{"type", "outcome"},
         {"case", id},
         {"subject", subject},
         {"status", status},
         {"reason", reason}});
  }
  [[nodiscard]] const store::RunData& data() const { return data_; }
  [[nodiscard]] const std::vector<std::string>& text() const { return text_; }

 private:
  store::RunData data_;
  std::vector<std::string> text_;
};

}  // namespace mlbench::compare
