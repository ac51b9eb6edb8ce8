#pragma once

#include "workload/workload.hpp"

namespace mlbench::workload {

/// Memory bandwidth over float32 arrays of "bytes" bytes each. Param "op":
///   copy   y = -x       2 passes  (negated, so that no framework can hand back the same buffer)
///   read   s = sum(x)   1 pass
///   write  y = 0.75     1 pass
///   triad  y = a + 3·b  3 passes
///   scale  y = 3·a      2 passes
///   add    y = a + b    3 passes
/// Bytes are counted as in STREAM (J. McCalpin): each array read or written counts once, a write's
/// hidden read (write-allocate) does not.
class Memory final : public Workload {
 public:
  enum class Op { copy, read, write, triad, scale, add };
  static constexpr float kWriteValue = 0.75F;
  static constexpr float kTriadScale = 3.0F;

  [[nodiscard]] static Op op(const Case& c);
  /// Elements of one array.
  [[nodiscard]] static std::int64_t elements(const Case& c);

  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] Status validate(const Case& c) const override;
  [[nodiscard]] std::string shape_id(const Case& c) const override;
  [[nodiscard]] std::string label(const Case& c) const override;
  [[nodiscard]] Work work(const Case& c) const override;
  [[nodiscard]] std::vector<TensorSpec> inputs(const Case& c) const override;
  [[nodiscard]] TensorSpec output(const Case& c) const override;
  /// copy and write must be exact, scale and add within one rounding, triad within one rounding of
  /// either order of multiply and add, read within what summation in float32 can lose.
  [[nodiscard]] std::unique_ptr<Checker> make_checker(const Case& c,
                                                      std::uint64_t seed) const override;
  [[nodiscard]] std::vector<Family> families(const Catalogue& catalogue) const override;
};

}  // namespace mlbench::workload
