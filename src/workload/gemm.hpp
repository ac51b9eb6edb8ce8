#pragma once

#include "workload/workload.hpp"

namespace mlbench::workload {

/// y = x·Wᵀ with x [m, k], W [n, k] as models store it, y [m, n]; all in the case's dtype.
///
/// 2·m·n·k FLOP; traffic (m·k + n·k + m·n) elements. Params "m", "n", "k"; the id of a square case
/// is its size, of any other "m8_n4096_k14336".
class Gemm final : public Workload {
 public:
  struct Shape {
    std::int64_t m, n, k;
  };
  [[nodiscard]] static Shape shape(const Case& c);

  [[nodiscard]] std::string_view name() const override { return "gemm"; }
  [[nodiscard]] Status validate(const Case& c) const override;
  [[nodiscard]] std::string shape_id(const Case& c) const override;
  [[nodiscard]] std::string label(const Case& c) const override;
  [[nodiscard]] Work work(const Case& c) const override;
  [[nodiscard]] std::vector<TensorSpec> inputs(const Case& c) const override;
  [[nodiscard]] TensorSpec output(const Case& c) const override;
  /// Up to 1024 cubed every element is compared with a float64 product; beyond that Freivalds'
  /// check over all outputs (R. Freivalds, "Probabilistic machines can use less running time", IFIP
  /// 1977) and 256 dot products at random places.
  [[nodiscard]] std::unique_ptr<Checker> make_checker(const Case& c,
                                                      std::uint64_t seed) const override;
  [[nodiscard]] std::vector<Family> families(const Catalogue& catalogue) const override;
};

}  // namespace mlbench::workload
