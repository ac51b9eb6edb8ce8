#pragma once

#include "workload/family.hpp"
#include "workload/workload.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The operations of neural networks. Each is one row of a table: its shapes, its work, and its
/// value in float64 with how far an output may be from it. Nothing here knows any framework.
namespace mlbench::workload {

/// Values of an operation's parameters, in the order in which it names them.
using Sizes = std::vector<std::int64_t>;

struct OperationSpec {
  std::vector<TensorSpec> inputs;
  TensorSpec output;
  Work work;
  double workspace_bytes = 0;  ///< What a framework that keeps intermediate results holds besides.
};

/// What an output element should be, and how far it may be from that.
struct Expected {
  double value = 0, tolerance = 0;
};

/// One case while its output is checked. Inputs are exact: every dtype of a case fits into float32
/// values, as float64 inputs are drawn as such.
struct Reference {
  const Sizes& size;
  const OperationSpec& spec;
  const std::vector<std::vector<float>>& inputs;
  double u;    ///< Unit round-off of the case's dtype.
  double acc;  ///< Of what sums are accumulated in: float32 or wider.
};

struct Operation {
  std::string_view name;                 ///< "softmax"; the workload's name.
  std::string_view title;                ///< "Softmax".
  std::vector<std::string_view> params;  ///< Their order is that of ids.
  std::vector<Sizes> sizes;              ///< The cases, where the catalogue states none.
  OperationSpec (*describe)(const Sizes& size, DType dtype);

  /// An output is checked in parts, each a run of `part(size)` elements that belong together (a
  /// row).
  std::int64_t (*part)(const Sizes& size);
  /// Expected elements of part `index`. `actual` is the output's part, for operations with more
  /// than one right answer.
  void (*expect)(const Reference& r, std::int64_t index, std::span<const double> actual,
                 std::span<Expected> out);
  double (*part_cost)(const Sizes& size);  ///< Floating-point operations of expect().

  Share share;  ///< Of the float32 family; the others are for --full.
  /// Why sizes are not valid; empty when they are.
  std::string (*refuse)(const Sizes& size) = nullptr;
  /// Families from the configuration, by suffix of their name; nullptr: one of `sizes`.
  std::vector<std::pair<std::string, std::vector<Sizes>>> (*groups)(const Catalogue&) = nullptr;
};

/// All operations, in the order in which they are shown.
[[nodiscard]] const std::vector<Operation>& operations();
/// nullptr when there is none of that name.
[[nodiscard]] const Operation* find_operation(std::string_view name) noexcept;
[[nodiscard]] Sizes sizes_of(const Operation& operation, const Case& c);

/// Every element of the output of an operation's case, in float64; for workers that test the
/// program.
[[nodiscard]] std::vector<double> right_answer(const Case& c, std::uint64_t seed);

/// An operation as a workload.
class OperationWorkload final : public Workload {
 public:
  explicit OperationWorkload(const Operation& operation) : operation_(operation) {}

  [[nodiscard]] std::string_view name() const override { return operation_.name; }
  [[nodiscard]] Status validate(const Case& c) const override;
  [[nodiscard]] std::string shape_id(const Case& c) const override;
  [[nodiscard]] std::string label(const Case& c) const override;
  [[nodiscard]] Work work(const Case& c) const override;
  [[nodiscard]] std::vector<TensorSpec> inputs(const Case& c) const override;
  [[nodiscard]] TensorSpec output(const Case& c) const override;
  [[nodiscard]] std::int64_t workspace_bytes(const Case& c) const override;
  [[nodiscard]] std::unique_ptr<Checker> make_checker(const Case& c,
                                                      std::uint64_t seed) const override;
  [[nodiscard]] std::vector<Family> families(const Catalogue& catalogue) const override;

 private:
  const Operation& operation_;
};

// Rows of the table, one file a family of operations.
[[nodiscard]] std::vector<Operation> elementwise_operations();
[[nodiscard]] std::vector<Operation> row_operations();
[[nodiscard]] std::vector<Operation> index_operations();
[[nodiscard]] std::vector<Operation> product_operations();
[[nodiscard]] std::vector<Operation> attention_operations();
[[nodiscard]] std::vector<Operation> overhead_operations();

// What the tables share with the workers.

/// c0 .. c3 of the elementwise chain: y = x, then four times y = y·x + c.
inline constexpr std::array<double, 4> kChainConstants = {0.5, -0.25, 0.125, -0.75};
inline constexpr double kNormEpsilon = 1e-5;  ///< Of layer_norm and rms_norm.
inline constexpr double kRopeBase = 10000;

[[nodiscard]] TensorSpec tensor(std::string name, std::vector<std::int64_t> shape, DType dtype,
                                std::uint32_t stream = 0, double low = -1, double high = 1);
/// Rated by compulsory traffic: every input read once, the output written once.
[[nodiscard]] OperationSpec by_bytes(std::vector<TensorSpec> inputs, TensorSpec output,
                                     double flop);
/// Rated by floating-point operations.
[[nodiscard]] OperationSpec by_flop(std::vector<TensorSpec> inputs, TensorSpec output, double flop);
/// How far a sum of k products of numbers up to `scale` together may be off; see gemm.cpp.
[[nodiscard]] double product_tolerance(const Reference& r, double value, std::int64_t k,
                                       double scale = 1);

}  // namespace mlbench::workload
