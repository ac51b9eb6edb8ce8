#pragma once

#include "store/run_data.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// What this machine can do at most, and how much of it a case reached: a roofline (S. Williams et
/// al., "Roofline", CACM 2009) whose roofs were measured here.
namespace mlbench::compare {

/// The best that anything reached of one resource of one kind of device.
struct Ceiling {
  std::string device_kind;  ///< "cpu" or "gpu": ceilings of one do not bind the other.
  std::string resource;     ///< "bytes_per_s", or a dtype for FLOP/s.
  double rate = 0;
  /// Of bandwidth: what a call touched. A cache is faster than the memory behind it.
  std::optional<double> working_set_bytes;
  std::string name;     ///< What set it: a case's id, or the name of a ceiling kernel.
  std::string subject;  ///< Who ran it.
  std::optional<int> threads;
};

/// Which roof binds a case, and how near to it the case came.
struct Share {
  double fraction = 0;        ///< 1 at the roof.
  bool memory_bound = false;  ///< Moving the bytes would take longer than computing.
  Ceiling roof;
};

class Ceilings {
 public:
  /// From the ceiling kernels that ran at the start, and from the products and memory cases that
  /// were measured, where these did better.
  explicit Ceilings(const store::RunData& run);

  /// nullopt where nothing measured sets the roof.
  [[nodiscard]] std::optional<Share> share(const store::CaseRecord& c, const std::string& device,
                                           double seconds) const;

  /// The roof of a dtype's arithmetic.
  [[nodiscard]] const Ceiling* compute(const std::string& kind, const std::string& dtype) const;

  /// The roof of bandwidth over `working_set_bytes`: the best rate over any working set that is at
  /// least about as large (a smaller one can be served as fast as a larger one). nullptr where none
  /// of about that size was measured, so that the roof of the memory is not taken for that of a
  /// cache; what exceeds four last-level caches is memory, whatever its size.
  [[nodiscard]] const Ceiling* bandwidth(const std::string& kind, double working_set_bytes) const;

  /// Best of each kind, resource and working set; ascending by working set.
  [[nodiscard]] const std::vector<Ceiling>& all() const { return ceilings_; }

 private:
  [[nodiscard]] const Ceiling* slowest(const std::string& kind) const;
  void raise(Ceiling candidate);

  std::vector<Ceiling> ceilings_;
  std::map<std::string, double> last_level_cache_bytes_;  ///< By kind of device.
};

/// FLOP a byte of compulsory traffic; nullopt where nothing is moved.
[[nodiscard]] std::optional<double> arithmetic_intensity(const workload::Work& work);

/// "cpu" for the device cpu, "gpu" for mps, cuda:N and gpu.
[[nodiscard]] std::string device_kind(const std::string& device);

}  // namespace mlbench::compare
