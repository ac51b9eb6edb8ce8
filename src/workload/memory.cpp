#include "workload/memory.hpp"

#include "core/parallel.hpp"
#include "workload/check.hpp"
#include "workload/family.hpp"
#include "workload/input.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

namespace mlbench::workload {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;
constexpr std::int64_t kElementBytes = 4;

struct OpFacts {
  std::string_view name;
  int inputs;
  int passes;  ///< Arrays read or written.
};
/// In the order of Memory::Op.
constexpr std::array kOps = {OpFacts{"copy", 1, 2},  OpFacts{"read", 1, 1},  OpFacts{"write", 0, 1},
                             OpFacts{"triad", 2, 3}, OpFacts{"scale", 1, 2}, OpFacts{"add", 2, 3}};

const OpFacts& facts(Memory::Op op) {
  return kOps[static_cast<std::size_t>(op)];
}

std::optional<Memory::Op> parse_op(std::string_view name) {
  for (std::size_t i = 0; i < kOps.size(); ++i) {
    if (kOps[i].name == name) return static_cast<Memory::Op>(i);
  }
  return std::nullopt;
}

/// "256MiB" or "500MB": the largest prefix of either kind that divides evenly, else bytes.
std::string size_name(std::int64_t bytes) {
  constexpr std::int64_t kKi = 1024;
  constexpr std::array<std::pair<std::int64_t, const char*>, 6> kUnits = {{{kKi * kKi * kKi, "GiB"},
                                                                           {1000000000, "GB"},
                                                                           {kKi * kKi, "MiB"},
                                                                           {1000000, "MB"},
                                                                           {kKi, "KiB"},
                                                                           {1000, "kB"}}};
  for (const auto& [unit, name] : kUnits) {
    if (bytes % unit == 0) return std::to_string(bytes / unit) + name;
  }
  return std::to_string(bytes) + "B";
}

class MemoryChecker final : public Checker {
 public:
  MemoryChecker(TensorSpec output, Memory::Op op, std::int64_t elements, std::uint64_t seed)
      : output_(std::move(output)), op_(op), elements_(elements), seed_(seed) {}

  CheckResult check(const TensorData& output) override {
    if (auto wrong = check_form(output_, output)) return *wrong;
    return op_ == Memory::Op::read ? check_sum(output) : check_elements(output);
  }

 private:
  // Inputs are made again in chunks rather than held: the arrays may be a quarter of the memory.
  static constexpr std::size_t kChunk = 1 << 16;

  CheckResult check_elements(const TensorData& output) const {
    const auto total = static_cast<std::size_t>(elements_);
    std::vector<ErrorTracker> trackers(parts_of(total, kChunk), ErrorTracker("every element"));
    in_parts(total, kChunk, [&](std::size_t part, std::size_t first, std::size_t end) {
      std::vector<float> a(kChunk), b(kChunk), actual(kChunk);
      for (; first < end; first += kChunk) {
        const std::size_t count = std::min(kChunk, end - first);
        const std::span<float> as(a.data(), count), bs(b.data(), count);
        if (op_ != Memory::Op::write) input_values(seed_, 0, first, as);
        if (facts(op_).inputs > 1) input_values(seed_, 1, first, bs);
        std::memcpy(actual.data(), output.bytes.data() + first * kElementBytes,
                    count * kElementBytes);
        for (std::size_t i = 0; i < count; ++i) {
          const auto [expected, tolerance] = expectation(as[i], bs[i]);
          trackers[part].compare(double{actual[i]}, expected, tolerance,
                                 static_cast<std::int64_t>(first + i));
        }
      }
    });
    for (std::size_t part = 1; part < trackers.size(); ++part) trackers[0].merge(trackers[part]);
    return trackers[0].result();
  }

  static std::pair<double, double> rounded(double exact) {
    return {exact, unit_roundoff(DType::float32) * std::abs(exact)};
  }

  [[nodiscard]] std::pair<double, double> expectation(float a, float b) const {
    switch (op_) {
      case Memory::Op::copy: return {-double{a}, 0};
      case Memory::Op::write: return {double{Memory::kWriteValue}, 0};
      // One multiplication or addition, rounded once.
      case Memory::Op::scale: return rounded(double{Memory::kTriadScale} * double{a});
      case Memory::Op::add: return rounded(double{a} + double{b});
      case Memory::Op::triad: {
        const double product = double{Memory::kTriadScale} * double{b};
        const double u = unit_roundoff(DType::float32);
        return {double{a} + product, u * (std::abs(product) + std::abs(double{a} + product))};
      }
      case Memory::Op::read: break;
    }
    return {0, 0};
  }

  /// A partial sum of j values has a standard deviation of sqrt(j/3); rounding each of N of them in
  /// float32 adds up to u·N/sqrt(6). Eight of these; losing even 1 % of the array is far outside.
  CheckResult check_sum(const TensorData& output) {
    if (!sum_) sum_ = sum_of_input();
    const double n = static_cast<double>(elements_);
    const double u = unit_roundoff(DType::float32);
    ErrorTracker tracker("sum against float64");
    tracker.compare(to_double(output.bytes, DType::float32)[0], *sum_,
                    8 * u * n / std::sqrt(6.0) + u * std::abs(*sum_), 0);
    return tracker.result();
  }

  [[nodiscard]] double sum_of_input() const {
    const auto total = static_cast<std::size_t>(elements_);
    std::vector<double> sums(parts_of(total, kChunk), 0.0);
    in_parts(total, kChunk, [&](std::size_t part, std::size_t first, std::size_t end) {
      std::vector<float> values(kChunk);
      for (; first < end; first += kChunk) {
        const std::span<float> chunk(values.data(), std::min(kChunk, end - first));
        input_values(seed_, 0, first, chunk);
        sums[part] = std::accumulate(chunk.begin(), chunk.end(), sums[part]);
      }
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

  TensorSpec output_;
  Memory::Op op_;
  std::int64_t elements_;
  std::uint64_t seed_;
  std::optional<double> sum_;
};

}  // namespace

Memory::Op Memory::op(const Case& c) {
  return parse_op(c.params.at("op").get<std::string>()).value_or(Op::copy);
}

std::int64_t Memory::elements(const Case& c) {
  return c.params.at("bytes").get<std::int64_t>() / kElementBytes;
}

Status Memory::validate(const Case& c) const {
  const auto name = get_string(c.params, "op");
  if (!name) return fail(ErrorKind::usage, name.error().message);
  if (!parse_op(*name)) {
    return fail(ErrorKind::usage,
                "op must be copy, scale, add, triad, read or write, not \"" + *name + "\"");
  }
  const auto bytes = get_int(c.params, "bytes");
  if (!bytes) return fail(ErrorKind::usage, bytes.error().message);
  if (*bytes < 64 || *bytes > kMaxBytes || *bytes % 64 != 0) {
    return fail(ErrorKind::usage, "bytes must be a multiple of 64 between 64 and 1 TiB");
  }
  if (c.dtype != DType::float32) return fail(ErrorKind::usage, "is defined for float32 only");
  if (c.params.size() != 2) return fail(ErrorKind::usage, "takes the parameters op and bytes only");
  return Done{};
}

std::string Memory::shape_id(const Case& c) const {
  return std::string(facts(op(c)).name) + "_" + size_name(elements(c) * kElementBytes);
}

std::string Memory::label(const Case& c) const {
  std::string label = shape_id(c);
  std::replace(label.begin(), label.end(), '_', ' ');
  return label;
}

Work Memory::work(const Case& c) const {
  const auto n = static_cast<double>(elements(c));
  const bool one_flop = op(c) == Op::read || op(c) == Op::scale || op(c) == Op::add;
  const double flop_per_element = op(c) == Op::triad ? 2 : one_flop ? 1 : 0;
  return {.flop = flop_per_element * n,
          .bytes = facts(op(c)).passes * n * kElementBytes,
          .unit = RateUnit::bytes_per_s};
}

std::vector<TensorSpec> Memory::inputs(const Case& c) const {
  std::vector<TensorSpec> specs;
  for (int i = 0; i < facts(op(c)).inputs; ++i) {
    specs.push_back({.name = i == 0 ? "a" : "b",
                     .shape = {elements(c)},
                     .dtype = DType::float32,
                     .stream = static_cast<std::uint32_t>(i)});
  }
  return specs;
}

TensorSpec Memory::output(const Case& c) const {
  std::vector<std::int64_t> shape;
  if (op(c) != Op::read) shape.push_back(elements(c));
  return {.name = "y", .shape = std::move(shape), .dtype = DType::float32, .stream = 0};
}

std::unique_ptr<Checker> Memory::make_checker(const Case& c, std::uint64_t seed) const {
  return std::make_unique<MemoryChecker>(output(c), op(c), elements(c), seed);
}

namespace {

Family memory_family(std::string name) {
  Family family;
  family.name = std::move(name);
  family.limited_by_time = false;
  family.memory_share = 0.25;
  return family;
}

/// Copies from 64 KiB to 4 GiB an octave apart, which show where each cache ends; small ones over
/// copies of their arrays that no cache holds, and with calls that may overlap.
std::vector<Family> thorough_families(const Catalogue& catalogue) {
  constexpr std::int64_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30;
  const auto add = [](Family& family, std::int64_t bytes, Variant variant) {
    const Json params = {{"op", "copy"}, {"bytes", bytes}};
    if (auto c = make_case("memory", DType::float32, params, variant))
      family.candidates.push_back(*std::move(c));
  };
  auto sizes = memory_family("memory copy over sizes"), cold = memory_family("memory copy, cold"),
       independent = memory_family("memory copy, independent");
  for (std::int64_t bytes = 64 * kKiB; bytes <= 4 * kGiB; bytes *= 2) {
    if (bytes != catalogue.default_array_bytes) add(sizes, bytes, {});
  }
  for (const auto bytes : {256 * kKiB, 4 * kMiB})
    add(cold, bytes, {.independent = false, .cold_bytes = catalogue.default_array_bytes});
  add(independent, 256 * kKiB, {.independent = true, .cold_bytes = 0});
  return {sizes, cold, independent};
}

}  // namespace

std::vector<Family> Memory::families(const Catalogue& catalogue) const {
  const bool of_config = !catalogue.memory_sizes_bytes.empty();
  auto sizes = catalogue.memory_sizes_bytes;
  if (!of_config) sizes.push_back(catalogue.default_array_bytes);
  std::vector<Family> families;
  for (const auto& op : catalogue.memory_ops) {
    auto& family = families.emplace_back(memory_family("memory " + op));
    family.share = {.quick = op == "write" ? 0 : 1, .standard = 1};
    for (const auto bytes : sizes)
      add_case(family, name(), DType::float32, {{"op", op}, {"bytes", bytes}});
  }
  if (!catalogue.thorough || of_config) return families;
  for (const char* op : {"scale", "add"}) {
    if (std::count(catalogue.memory_ops.begin(), catalogue.memory_ops.end(), op) > 0) continue;
    auto& family = families.emplace_back(memory_family("memory " + std::string(op)));
    add_case(family, name(), DType::float32,
             {{"op", op}, {"bytes", catalogue.default_array_bytes}});
  }
  for (auto& family : thorough_families(catalogue)) families.push_back(std::move(family));
  return families;
}

}  // namespace mlbench::workload
