#include "model/family_checks_for_tests.hpp"
#include "model/layer_weights.hpp"
#include "model/reference_ops.hpp"

#include <array>
#include <cmath>

using namespace mlbench;
using namespace mlbench::model;

namespace {

/// gpt-oss as it is released: its experts in MXFP4 blocks of arbitrary bytes.
class Released final : public Weights {
 public:
  explicit Released(const Spec& spec)
      : shape_(spec.shape), rest_(synthetic_weights(spec, DType::float32, 1)) {}
  [[nodiscard]] bool has(const std::string& name) const override {
    return is_packed(name) || rest_->has(name);
  }
  [[nodiscard]] Result<HostTensor> get(const std::string& name,
                                       const std::vector<std::int64_t>& shape,
                                       std::int64_t fan_in) const override {
    return rest_->get(name, shape, fan_in);
  }
  [[nodiscard]] Result<HostTensor> raw(const std::string& name) const override {
    const bool up = name.find("gate_up_proj") != std::string::npos;
    const auto rows = up ? 2 * shape_.expert_intermediate : shape_.hidden;
    const auto columns = up ? shape_.hidden : shape_.expert_intermediate;
    const bool scales = name.ends_with("_scales");
    std::vector<std::int64_t> shape = {shape_.experts, rows, columns / 32};
    if (!scales) shape.push_back(16);
    auto made = new_tensor(Storage::U8, shape);
    for (std::int64_t i = 0; i < made.tensor.elements(); ++i)
      made.data[i] = static_cast<std::byte>(scales ? 120 + i % 11 : (i * 167 + i / 7) % 256);
    if (broken) made.tensor.shape.back() += 1;
    return made.tensor;
  }
  [[nodiscard]] std::string description() const override { return "test"; }
  bool broken = false;

 private:
  static bool is_packed(const std::string& name) {
    return name.ends_with("_blocks") || name.ends_with("_scales");
  }
  ModelShape shape_;
  std::unique_ptr<Weights> rest_;
};

/// transformers' convert_moe_packed_tensors(), for one number.
float expected(const HostTensor& blocks, const HostTensor& scales, std::int64_t row,
               std::int64_t column) {
  constexpr std::array<float, 16> kValues = {0,     0.5F,  1,  1.5F,  2,  3,  4,  6,
                                             -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
  const auto groups = scales.shape[2], block = row * groups + column / 32;
  const auto byte = std::to_integer<unsigned>(blocks.data[block * 16 + column % 32 / 2]);
  const auto code = column % 2 == 0 ? byte & 15U : byte >> 4U;
  return std::ldexp(kValues[code], std::to_integer<int>(scales.data[block]) - 127);
}

}  // namespace

TEST_CASE("the experts of gpt-oss are read from the MXFP4 blocks that it is released in") {
  const Spec spec = test::spec("gpt_oss");
  const auto& s = spec.shape;
  Released weights(spec);
  const auto layer = load_layer(spec, weights, 0);
  REQUIRE_MESSAGE(layer, (layer ? "" : layer.error().message));
  const std::string prefix = "model.layers.0.mlp.experts.";
  for (std::int64_t e = 0; e < s.experts; ++e) {
    const auto& expert = layer->mixture->experts[static_cast<std::size_t>(e)];
    const auto check = [&](const StoredLinear& l, const char* name, std::int64_t first,
                           std::int64_t step, std::int64_t rows_of_all) {
      const auto blocks = *weights.raw(prefix + name + "_blocks");
      const auto scales = *weights.raw(prefix + name + "_scales");
      std::vector<float> row(static_cast<std::size_t>(l.columns));
      for (std::int64_t r = 0; r < l.rows; ++r) {
        read_row(l, r, row.data());
        for (std::int64_t c = 0; c < l.columns; ++c)
          REQUIRE(row[static_cast<std::size_t>(c)] ==
                  expected(blocks, scales, e * rows_of_all + first + r * step, c));
      }
    };
    CHECK(expert.gate->rows == s.expert_intermediate);
    check(*expert.gate, "gate_up_proj", 0, 2, 2 * s.expert_intermediate);
    check(expert.up, "gate_up_proj", 1, 2, 2 * s.expert_intermediate);
    check(expert.down, "down_proj", 0, 1, s.hidden);
  }
  weights.broken = true;
  const auto refused = load_layer(spec, weights, 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("no MXFP4") != std::string::npos);
}
