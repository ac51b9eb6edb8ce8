#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "workload/dtype.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What is computed, stated once and for every framework: shapes, work, inputs and the reference
/// that outputs are checked against. Workers map a case to their framework's best kernel; nothing
/// here knows any framework.
namespace mlbench::workload {

/// Independent calls that are submitted together.
inline constexpr int kIndependentCalls = 8;

/// How the calls of a case relate to each other and to the caches. The usual case is a chain of
/// dependent calls on the same inputs ("hot").
struct Variant {
  /// Calls need not wait for each other, and a framework may overlap them. They are submitted in
  /// groups of kIndependentCalls, two groups in flight, so that all subjects keep as many outputs
  /// alive.
  bool independent = false;
  /// Above 0 the calls rotate over copies of the inputs and outputs that take at least so many
  /// bytes together, so that no call finds its data in a cache ("cold").
  std::int64_t cold_bytes = 0;
  /// Each subject is measured without the others: in every round its process rests first, works
  /// without a pause until it is as warm as use makes it, and only then is timed ("alone"). Workers
  /// need not know of it.
  bool alone = false;
};

/// One workload with its shapes and dtype. Make it with make_case(), which validates.
struct Case {
  std::string id;        ///< Stable and readable, e.g. "gemm/float16/4096".
  std::string workload;  ///< "gemm", "memory".
  DType dtype = DType::float32;
  Json params = Json::object();  ///< The workload's own: gemm {"m","n","k"}, memory {"op","bytes"}.
  Variant variant = {};
};

enum class RateUnit { flop_per_s, bytes_per_s, tokens_per_s, op_per_s };
[[nodiscard]] std::string_view name_of(RateUnit unit) noexcept;

/// What one call of a case does.
struct Work {
  double flop =
      0;  ///< Useful floating-point operations; a multiply-add counts 2. 0 for pure copies.
  double bytes = 0;  ///< Compulsory memory traffic: each input read once, each output written once.
  RateUnit unit = RateUnit::flop_per_s;  ///< What the case is rated by.
  /// Tokens or operations, where the case is rated by these.
  double tokens = 0, ops = 0;

  /// The numerator of the case's rate, by `unit`.
  [[nodiscard]] double amount() const;
};

/// A tensor in row-major order.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;  ///< {} is a scalar.
  DType dtype = DType::float32;
  std::uint32_t stream = 0;  ///< For inputs: the generator's stream (see input.hpp).
  /// For inputs: values are uniform in [low, high), for int32 the whole numbers in it.
  double low = -1, high = 1;
  /// For int32 inputs: a permutation of 0 .. elements()-1 instead, so that no index comes twice.
  bool distinct = false;

  [[nodiscard]] std::int64_t elements() const;
  [[nodiscard]] std::int64_t bytes() const { return elements() * size_bytes(dtype); }
};

/// A tensor as a worker wrote it to a file: what it says it is, and its bytes.
struct TensorData {
  std::vector<std::int64_t> shape;
  DType dtype = DType::float32;
  std::vector<std::byte> bytes;
};

/// Outcome of comparing an output with the reference.
struct CheckResult {
  bool ok = false;
  std::string method;  ///< "every element against float64", "Freivalds + 256 dot products".
  double max_error =
      0;  ///< Largest |output - reference| seen; infinity when a value is not finite.
  double tolerance = 0;  ///< The bound that applied to that element.
  std::string detail;    ///< For people, when not ok: which element, what was expected.
  /// What quantising the weights does to the output, whoever computes it: rms(q - d) / rms(d) of
  /// the outputs q with quantised and d with dense weights, both computed in double precision.
  std::optional<double> output_error = {};
  std::string output_error_of = {};  ///< The case that it was computed for; a large one's is small.
};

/// Compares outputs of one case with its reference, which is computed once, at construction or
/// first use.
class Checker {
 public:
  virtual ~Checker() = default;
  /// Shape and dtype are compared first; a tensor of another dtype is wrong whatever its values.
  [[nodiscard]] virtual CheckResult check(const TensorData& output) = 0;
};

struct Catalogue;  // family.hpp
struct Family;

class Workload {
 public:
  virtual ~Workload() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Errors: `usage`, naming the parameter, when params are missing, unknown, not positive or
  /// overflow.
  [[nodiscard]] virtual Status validate(const Case& c) const = 0;
  /// The last part of the id: "4096", "m8_n4096_k14336", "copy_256MiB".
  [[nodiscard]] virtual std::string shape_id(const Case& c) const = 0;
  /// What people call the case: "GEMM float16 4096", "copy 256MiB".
  [[nodiscard]] virtual std::string label(const Case& c) const = 0;
  [[nodiscard]] virtual Work work(const Case& c) const = 0;
  [[nodiscard]] virtual std::vector<TensorSpec> inputs(const Case& c) const = 0;
  [[nodiscard]] virtual TensorSpec output(const Case& c) const = 0;
  /// What a framework may hold besides inputs and output while it computes, where that is a lot.
  [[nodiscard]] virtual std::int64_t workspace_bytes(const Case& c) const {
    static_cast<void>(c);
    return 0;
  }
  [[nodiscard]] virtual std::unique_ptr<Checker> make_checker(const Case& c,
                                                              std::uint64_t seed) const = 0;
  /// The cases of this workload that a run may choose from, in families; see family.hpp.
  [[nodiscard]] virtual std::vector<Family> families(const Catalogue& catalogue) const = 0;
};

/// nullptr when there is none of that name.
[[nodiscard]] const Workload* find_workload(std::string_view name) noexcept;
/// All of them, in the order in which a run shows them.
[[nodiscard]] std::span<const Workload* const> workloads();
[[nodiscard]] std::vector<std::string> workload_names();

/// A validated case with its id. Errors: `usage` for an unknown workload, bad params or a dtype
/// that is not a floating-point one. The id of a variant ends in "/cold", "/independent" or
/// "/alone".
[[nodiscard]] Result<Case> make_case(std::string_view workload, DType dtype, Json params,
                                     Variant variant = {});

/// The id of the same case as it is usually measured: of one that is measured alone, without that.
[[nodiscard]] std::string id_together(const Case& c);

/// {"workload","dtype","params"} and "variant" where it is not the usual one, as the protocol and
/// the journal hold a case; the id is derived again.
[[nodiscard]] Json to_json(const Case& c);
[[nodiscard]] Result<Case> case_from_json(const Json& json);
/// The field "variant" of such an object; the usual one where it is missing.
[[nodiscard]] Variant variant_from_json(const Json& json);

// Shorthands for `find_workload(c.workload)->...`.
/// Its id where this version has no such workload or the params are another version's.
[[nodiscard]] std::string label_of(const Case& c);
[[nodiscard]] Work work_of(const Case& c);
[[nodiscard]] std::vector<TensorSpec> inputs_of(const Case& c);
[[nodiscard]] TensorSpec output_of(const Case& c);
[[nodiscard]] std::int64_t workspace_bytes_of(const Case& c);
/// Copies of inputs and output that the calls of `c` rotate over: 1, or at least 2 when it is cold.
[[nodiscard]] std::int64_t copies_of(const Case& c);
/// All copies of inputs and output: the memory one live process needs for the case, with
/// the workspace that it states.
[[nodiscard]] std::int64_t memory_bytes_of(const Case& c);

}  // namespace mlbench::workload
