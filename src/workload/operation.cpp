#include "workload/operation.hpp"

#include "core/parallel.hpp"
#include "workload/check.hpp"
#include "workload/input.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlbench::workload {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 31;  // of one tensor
constexpr std::int64_t kMostSize = std::int64_t{1} << 24;      // of one parameter
/// Up to so many floating-point operations every element is checked; as many as those of a product
/// of 1024 cubed.
constexpr double kFullCheckFlop = 2.0 * 1024 * 1024 * 1024;
constexpr std::size_t kMostKept = std::size_t{4} << 20;  // expected elements

std::vector<float> input_floats(const TensorSpec& spec, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(spec.elements()));
  in_parts(
      values.size(), std::size_t{1} << 18, [&](std::size_t, std::size_t first, std::size_t end) {
        constexpr std::size_t kChunk = 1 << 12;
        std::vector<std::byte> bytes(kChunk * static_cast<std::size_t>(size_bytes(spec.dtype)));
        for (; first < end; first += std::min(kChunk, end - first)) {
          const std::size_t count = std::min(kChunk, end - first);
          write_input(spec, seed, first, count, bytes.data());
          const auto chunk = to_double(
              std::span(bytes).first(count * static_cast<std::size_t>(size_bytes(spec.dtype))),
              spec.dtype);
          for (std::size_t i = 0; i < count; ++i) values[first + i] = static_cast<float>(chunk[i]);
        }
      });
  return values;
}

class OperationChecker final : public Checker {
 public:
  OperationChecker(const Operation& operation, Sizes size, DType dtype, std::uint64_t seed)
      : operation_(operation),
        size_(std::move(size)),
        dtype_(dtype),
        seed_(seed),
        spec_(operation.describe(size_, dtype)) {
    part_elements_ = operation.part(size_);
    const std::int64_t parts = spec_.output.elements() / part_elements_;
    const double most = std::max(2.0, kFullCheckFlop / std::max(1.0, operation.part_cost(size_)));
    const auto count = static_cast<double>(parts) <= most ? parts : static_cast<std::int64_t>(most);
    // Evenly spread, the first and the last part among them.
    for (std::int64_t i = 0; i < count; ++i)
      parts_.push_back(count == 1 ? 0 : i * (parts - 1) / (count - 1));
    complete_ = count == parts;
  }

  CheckResult check(const TensorData& output) override {
    if (auto wrong = check_form(spec_.output, output)) return *wrong;
    const std::string method = complete_
                                   ? "every element against float64"
                                   : std::to_string(parts_.size()) + " of " +
                                         std::to_string(spec_.output.elements() / part_elements_) +
                                         " rows against float64, all finite";
    const auto width = static_cast<std::size_t>(part_elements_);
    const bool keep = parts_.size() * width <= kMostKept &&
                      operation_.part_cost(size_) > 64.0 * static_cast<double>(width);
    if (kept_.empty()) {
      inputs_.clear();
      for (const auto& input : spec_.inputs) inputs_.push_back(input_floats(input, seed_));
      if (keep) kept_.resize(parts_.size() * width);
    } else {
      inputs_.clear();
    }
    const bool known = inputs_.empty() && !spec_.inputs.empty();
    const double u = unit_roundoff(dtype_);
    const Reference reference{size_, spec_, inputs_, u, std::min(u, unit_roundoff(DType::float32))};

    const auto least =
        static_cast<std::size_t>(1e6 / std::max(1.0, operation_.part_cost(size_))) + 1;
    std::vector<ErrorTracker> trackers(parts_of(parts_.size(), least), ErrorTracker(method));
    in_parts(parts_.size(), least, [&](std::size_t thread, std::size_t first, std::size_t end) {
      std::vector<Expected> row(width);
      for (std::size_t i = first; i < end; ++i) {
        const auto start = static_cast<std::size_t>(parts_[i]) * width;
        const auto actual = elements(output, start, width);
        const std::span<Expected> expected =
            keep ? std::span(kept_).subspan(i * width, width) : row;
        if (!known) operation_.expect(reference, parts_[i], actual, expected);
        for (std::size_t j = 0; j < width; ++j) {
          trackers[thread].compare(actual[j], expected[j].value, expected[j].tolerance,
                                   static_cast<std::int64_t>(start + j));
        }
      }
    });
    inputs_.clear();
    ErrorTracker all(method);
    for (const auto& tracker : trackers) all.merge(tracker);
    if (!complete_) check_finite(output, all);
    return all.result();
  }

 private:
  static std::vector<double> elements(const TensorData& output, std::size_t first,
                                      std::size_t count) {
    const auto size = static_cast<std::size_t>(size_bytes(output.dtype));
    return to_double(std::span(output.bytes).subspan(first * size, count * size), output.dtype);
  }

  static void check_finite(const TensorData& output, ErrorTracker& tracker) {
    constexpr std::size_t kChunk = 1 << 16;
    const std::size_t total =
        output.bytes.size() / static_cast<std::size_t>(size_bytes(output.dtype));
    for (std::size_t first = 0; first < total; first += kChunk) {
      const auto values = elements(output, first, std::min(kChunk, total - first));
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i]))
          tracker.compare(values[i], 0, 1, static_cast<std::int64_t>(first + i));
      }
    }
  }

  const Operation& operation_;
  Sizes size_;
  DType dtype_;
  std::uint64_t seed_;
  OperationSpec spec_;
  std::int64_t part_elements_ = 1;
  std::vector<std::int64_t> parts_;
  bool complete_ = true;
  std::vector<std::vector<float>> inputs_;
  std::vector<Expected> kept_;
};

}  // namespace

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = [] {
    std::vector<Operation> list;
    for (auto part : {attention_operations(), overhead_operations(), product_operations(),
                      row_operations(), elementwise_operations(), index_operations()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    return list;
  }();
  return all;
}

const Operation* find_operation(std::string_view name) noexcept {
  for (const Operation& operation : operations()) {
    if (operation.name == name) return &operation;
  }
  return nullptr;
}

Sizes sizes_of(const Operation& operation, const Case& c) {
  Sizes size;
  for (const auto param : operation.params)
    size.push_back(c.params.at(std::string(param)).get<std::int64_t>());
  return size;
}

std::vector<double> right_answer(const Case& c, std::uint64_t seed) {
  const Operation& operation = *find_operation(c.workload);
  const Sizes size = sizes_of(operation, c);
  const auto spec = operation.describe(size, c.dtype);
  std::vector<std::vector<float>> inputs;
  for (const auto& input : spec.inputs) inputs.push_back(input_floats(input, seed));
  const double u = unit_roundoff(c.dtype);
  const Reference reference{size, spec, inputs, u, u};
  const auto width = static_cast<std::size_t>(operation.part(size));
  std::vector<double> answer(static_cast<std::size_t>(spec.output.elements()));
  in_parts(answer.size() / width, 1, [&](std::size_t, std::size_t first, std::size_t end) {
    std::vector<Expected> row(width);
    const std::vector<double> nothing(width);
    for (std::size_t i = first; i < end; ++i) {
      operation.expect(reference, static_cast<std::int64_t>(i), nothing, row);
      for (std::size_t j = 0; j < width; ++j) answer[i * width + j] = row[j].value;
    }
  });
  return answer;
}

Status OperationWorkload::validate(const Case& c) const {
  for (const auto param : operation_.params) {
    const auto value = get_int(c.params, param.data());
    if (!value) return fail(ErrorKind::usage, value.error().message);
    if (*value < 1 || *value > kMostSize) {
      return fail(ErrorKind::usage,
                  std::string(param) + " must be between 1 and " + std::to_string(kMostSize));
    }
  }
  if (c.params.size() != operation_.params.size()) {
    std::string names;
    for (const auto param : operation_.params)
      names += (names.empty() ? "" : ", ") + std::string(param);
    return fail(ErrorKind::usage, "takes the parameters " + names + " only");
  }
  const Sizes size = sizes_of(operation_, c);
  if (operation_.refuse != nullptr) {
    if (auto why = operation_.refuse(size); !why.empty()) return fail(ErrorKind::usage, why);
  }
  const auto spec = operation_.describe(size, c.dtype);
  auto tensors = spec.inputs;
  tensors.push_back(spec.output);
  for (const auto& t : tensors) {
    double elements = 1;
    for (const auto extent : t.shape) elements *= static_cast<double>(extent);
    if (elements > static_cast<double>(kMostElements))
      return fail(ErrorKind::usage, t.name + " would have more than 2^31 elements");
  }
  return Done{};
}

std::string OperationWorkload::shape_id(const Case& c) const {
  const Sizes size = sizes_of(operation_, c);
  std::string id;
  for (std::size_t i = 0; i < size.size(); ++i) {
    id += (i == 0 ? "" : "_") + std::string(operation_.params[i]) + std::to_string(size[i]);
  }
  return id;
}

std::string OperationWorkload::label(const Case& c) const {
  std::string label = std::string(operation_.title) + " " + std::string(name_of(c.dtype));
  std::string shape;
  for (const auto value : sizes_of(operation_, c))
    shape += (shape.empty() ? " " : "x") + std::to_string(value);
  return label + shape;
}

Work OperationWorkload::work(const Case& c) const {
  return operation_.describe(sizes_of(operation_, c), c.dtype).work;
}
std::vector<TensorSpec> OperationWorkload::inputs(const Case& c) const {
  return operation_.describe(sizes_of(operation_, c), c.dtype).inputs;
}
TensorSpec OperationWorkload::output(const Case& c) const {
  return operation_.describe(sizes_of(operation_, c), c.dtype).output;
}
std::int64_t OperationWorkload::workspace_bytes(const Case& c) const {
  return static_cast<std::int64_t>(
      operation_.describe(sizes_of(operation_, c), c.dtype).workspace_bytes);
}

std::unique_ptr<Checker> OperationWorkload::make_checker(const Case& c, std::uint64_t seed) const {
  return std::make_unique<OperationChecker>(operation_, sizes_of(operation_, c), c.dtype, seed);
}

std::vector<Family> OperationWorkload::families(const Catalogue& catalogue) const {
  if (operation_.groups == nullptr && !is_wanted(catalogue, operation_.name)) return {};
  std::vector<std::pair<std::string, std::vector<Sizes>>> groups = {{"", operation_.sizes}};
  if (operation_.groups != nullptr) groups = operation_.groups(catalogue);
  std::vector<Family> families;
  for (const DType dtype : catalogue.dtypes) {
    for (const auto& [suffix, sizes] : groups) {
      auto& family = families.emplace_back();
      family.name = std::string(operation_.name) + " " + std::string(name_of(dtype)) + suffix;
      if (suffix.empty() && dtype == DType::float32) family.share = operation_.share;
      for (const Sizes& size : sizes) {
        Json params = Json::object();
        for (std::size_t i = 0; i < size.size(); ++i)
          params[std::string(operation_.params[i])] = size[i];
        add_case(family, operation_.name, dtype, std::move(params));
      }
    }
  }
  return families;
}

TensorSpec tensor(std::string name, std::vector<std::int64_t> shape, DType dtype,
                  std::uint32_t stream, double low, double high) {
  TensorSpec spec;
  spec.name = std::move(name);
  spec.shape = std::move(shape);
  spec.dtype = dtype;
  spec.stream = stream;
  spec.low = low;
  spec.high = high;
  return spec;
}

namespace {

OperationSpec rated(std::vector<TensorSpec> inputs, TensorSpec output, double flop, RateUnit unit) {
  OperationSpec spec;
  spec.work.flop = flop;
  const auto bytes_of =
      [](const TensorSpec& t) {  // in float64: validate() asks before it knows the size
        double bytes = static_cast<double>(size_bytes(t.dtype));
        for (const auto extent : t.shape) bytes *= static_cast<double>(extent);
        return bytes;
      };
  spec.work.bytes = bytes_of(output);
  for (const auto& input : inputs) spec.work.bytes += bytes_of(input);
  spec.work.unit = unit;
  spec.inputs = std::move(inputs);
  spec.output = std::move(output);
  return spec;
}

}  // namespace

OperationSpec by_bytes(std::vector<TensorSpec> inputs, TensorSpec output, double flop) {
  return rated(std::move(inputs), std::move(output), flop, RateUnit::bytes_per_s);
}
OperationSpec by_flop(std::vector<TensorSpec> inputs, TensorSpec output, double flop) {
  return rated(std::move(inputs), std::move(output), flop, RateUnit::flop_per_s);
}

double product_tolerance(const Reference& r, double value, std::int64_t k, double scale) {
  return 2 * r.u * std::abs(value) + 8 * r.acc * static_cast<double>(k) / 4 * scale;
}

}  // namespace mlbench::workload
