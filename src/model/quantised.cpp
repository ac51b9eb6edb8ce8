#include "model/microscaling.hpp"
#include "model/weights.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace mlbench::model {
namespace {

constexpr std::int64_t kGroup = 64;

/// Weights that share a scale; a whole row for int8.
std::int64_t group_of(Quantisation kind) {
  if (kind == Quantisation::mxfp4) return 32;
  return kind == Quantisation::nvfp4 ? 16 : kGroup;
}
bool is_affine(Quantisation kind) {
  return kind == Quantisation::affine4 || kind == Quantisation::affine8;
}

struct Packed {
  HostTensor weight, scales;
  std::optional<HostTensor> offsets;
};

/// MLX's affine packing: words of 32 bits, low bits first; w = scale·q + offset in groups of 64.
Packed pack_affine(const HostTensor& dense, int bits, Storage storage) {
  const auto rows = dense.shape[0], columns = dense.shape[1], groups = columns / kGroup;
  const auto words = columns * bits / 32;
  auto weight = new_tensor(Storage::U32, {rows, words});
  auto scales = new_tensor(storage, {rows, groups}), offsets = new_tensor(storage, {rows, groups});
  const auto most = static_cast<float>((1 << bits) - 1);
  std::vector<float> row(static_cast<std::size_t>(columns));
  auto* packed = reinterpret_cast<std::uint32_t*>(weight.data);
  for (std::int64_t r = 0; r < rows; ++r) {
    read_floats(dense, r * columns, columns, row.data());
    for (std::int64_t g = 0; g < groups; ++g) {
      const auto from = row.begin() + g * kGroup;
      const auto [low, high] = std::minmax_element(from, from + kGroup);
      write_float(scales.data, storage, r * groups + g, std::max((*high - *low) / most, 1e-7F));
      write_float(offsets.data, storage, r * groups + g, *low);
      float scale = 0, offset = 0;  // as they are stored, rounded
      read_floats(scales.tensor, r * groups + g, 1, &scale);
      read_floats(offsets.tensor, r * groups + g, 1, &offset);
      for (std::int64_t i = 0; i < kGroup; ++i) {
        const float q = std::clamp(std::round((from[i] - offset) / scale), 0.0F, most);
        const auto bit = (g * kGroup + i) * bits;
        packed[r * words + bit / 32] |= static_cast<std::uint32_t>(q) << (bit % 32);
      }
    }
  }
  return {weight.tensor, scales.tensor, offsets.tensor};
}

/// mxfp4 and nvfp4: words of 32 bits, low bits first, one byte of scale a group.
Packed pack_float4(const HostTensor& dense, Quantisation kind) {
  const auto rows = dense.shape[0], columns = dense.shape[1], group = group_of(kind);
  auto weight = new_tensor(Storage::U32, {rows, columns / 8});
  auto scales = new_tensor(Storage::U8, {rows, columns / group});
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < rows; ++r) {
    read_floats(dense, r * columns, columns, row.data());
    for (std::int64_t g = 0; g < columns / group; ++g) {
      const float* from = row.data() + g * group;
      float most = 0;
      for (std::int64_t i = 0; i < group; ++i) most = std::max(most, std::abs(from[i]));
      const bool mx = kind == Quantisation::mxfp4;
      const auto code = mx ? e8m0_scale(most) : std::max<std::uint8_t>(to_e4m3(most / 6), 1);
      const float scale = mx ? from_e8m0(code) : from_e4m3(code);
      scales.data[r * (columns / group) + g] = static_cast<std::byte>(code);
      for (std::int64_t i = 0; i < group; ++i) {
        const auto at = r * columns + g * group + i;  // two codes a byte
        weight.data[at / 2] |= static_cast<std::byte>(to_e2m1(from[i] / scale) << (at % 2 * 4));
      }
    }
  }
  return {weight.tensor, scales.tensor, std::nullopt};
}

/// One scale a row, values -127 .. 127.
Packed pack_int8(const HostTensor& dense, Storage storage) {
  const auto rows = dense.shape[0], columns = dense.shape[1];
  auto weight = new_tensor(Storage::I8, {rows, columns});
  auto scales = new_tensor(storage, {rows});
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < rows; ++r) {
    read_floats(dense, r * columns, columns, row.data());
    float most = 0;
    for (const float w : row) most = std::max(most, std::abs(w));
    write_float(scales.data, storage, r, std::max(most / 127, 1e-7F));
    float scale = 0;
    read_floats(scales.tensor, r, 1, &scale);
    for (std::int64_t c = 0; c < columns; ++c) {
      const float q =
          std::clamp(std::round(row[static_cast<std::size_t>(c)] / scale), -127.0F, 127.0F);
      weight.data[r * columns + c] = static_cast<std::byte>(static_cast<std::int8_t>(q));
    }
  }
  return {weight.tensor, scales.tensor, std::nullopt};
}

Packed pack(const HostTensor& dense, Quantisation kind, Storage storage) {
  switch (kind) {
    case Quantisation::affine4: return pack_affine(dense, 4, storage);
    case Quantisation::affine8: return pack_affine(dense, 8, storage);
    case Quantisation::mxfp4:
    case Quantisation::nvfp4: return pack_float4(dense, kind);
    case Quantisation::int8: break;
  }
  return pack_int8(dense, storage);
}

class Quantised final : public Weights {
 public:
  Quantised(const Spec& spec, std::unique_ptr<Weights> dense, Quantisation kind, DType dtype)
      : dense_(std::move(dense)), kind_(kind), storage_(storage_of(dtype)) {
    const ModelShape& s = spec.shape;
    const auto q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
    shapes_ = {{"q_proj", {q, s.hidden}},
               {"k_proj", {kv, s.hidden}},
               {"v_proj", {kv, s.hidden}},
               {"qkv_proj", {q + 2 * kv, s.hidden}},
               {"o_proj", {s.hidden, q}},
               {"dense", {s.hidden, q}},
               {"embed_tokens", {s.vocab, s.hidden}},
               {"lm_head", {s.vocab, s.hidden}}};
    add_mlp("mlp.", s.intermediate, s.hidden);
    add_mlp("mlp.shared_expert.", s.shared_intermediate, s.hidden);
    expert_width_ = s.expert_intermediate, hidden_ = s.hidden;
  }

  [[nodiscard]] bool has(const std::string& name) const override {
    if (name.ends_with(".scales")) return packs(stem(name));
    if (name.ends_with(".biases")) return is_affine(kind_) && packs(stem(name));
    return dense_->has(name);
  }

  [[nodiscard]] Result<HostTensor> get(const std::string& name,
                                       const std::vector<std::int64_t>& shape,
                                       std::int64_t fan_in) const override {
    return dense_->get(name, shape, fan_in);
  }

  [[nodiscard]] Result<HostTensor> raw(const std::string& name) const override {
    const std::string matrix = stem(name);
    const auto shape = shape_of(matrix);
    if (!shape) return dense_->raw(name);
    if (matrix != last_name_) {
      auto dense = dense_->get(matrix + ".weight", *shape, (*shape)[1]);
      if (!dense) return dense;
      last_ = pack(*dense, kind_, storage_);
      last_name_ = matrix;
    }
    if (name.ends_with(".scales")) return last_.scales;
    if (name.ends_with(".biases")) return *last_.offsets;
    return last_.weight;
  }

  [[nodiscard]] std::string description() const override {
    return dense_->description() + ", quantised";
  }

 private:
  using Shape = std::vector<std::int64_t>;

  static std::string stem(const std::string& name) { return name.substr(0, name.rfind('.')); }

  void add_mlp(const std::string& prefix, std::int64_t width, std::int64_t hidden) {
    for (const char* name : {"gate_proj", "up_proj", "fc1", "c_fc"})
      mlp_[prefix + name] = {width, hidden};
    mlp_[prefix + "gate_up_proj"] = {2 * width, hidden};
    for (const char* name : {"down_proj", "fc2", "c_proj"}) mlp_[prefix + name] = {hidden, width};
  }

  /// Of a matrix that is multiplied with; routers stay as they are.
  [[nodiscard]] std::optional<Shape> shape_of(const std::string& matrix) const {
    const auto dot = matrix.rfind('.');
    const std::string last = matrix.substr(dot + 1);
    if (const auto it = shapes_.find(last); it != shapes_.end()) return it->second;
    for (const auto& [name, shape] : mlp_) {
      if (matrix.ends_with("." + name)) return shape;
    }
    if (matrix.find("mlp.experts.") == std::string::npos) return std::nullopt;
    if (last == "down_proj") return Shape{hidden_, expert_width_};
    if (last == "gate_proj" || last == "up_proj") return Shape{expert_width_, hidden_};
    return std::nullopt;
  }

  [[nodiscard]] bool packs(const std::string& matrix) const {
    const auto shape = shape_of(matrix);
    return shape && (*shape)[1] % group_of(kind_) == 0 && (*shape)[1] > 0;
  }

  std::unique_ptr<Weights> dense_;
  Quantisation kind_;
  Storage storage_;
  std::map<std::string, Shape> shapes_, mlp_;
  std::int64_t expert_width_ = 0, hidden_ = 0;
  mutable std::string last_name_;
  mutable Packed last_;
};

}  // namespace

std::optional<Quantisation> parse_quantisation(std::string_view name) noexcept {
  if (name == "4bit") return Quantisation::affine4;
  if (name == "8bit") return Quantisation::affine8;
  if (name == "int8") return Quantisation::int8;
  if (name == "mxfp4") return Quantisation::mxfp4;
  if (name == "nvfp4") return Quantisation::nvfp4;
  return std::nullopt;
}

double bits_per_weight(Quantisation kind, DType dtype) noexcept {
  const double number_bits = 8.0 * static_cast<double>(size_bytes(dtype));
  if (kind == Quantisation::int8) return 8;
  if (!is_affine(kind)) return 4 + 8.0 / static_cast<double>(group_of(kind));
  return (kind == Quantisation::affine4 ? 4 : 8) + 2 * number_bits / kGroup;
}

std::unique_ptr<Weights> quantised_weights(const Spec& spec, std::unique_ptr<Weights> dense,
                                           Quantisation kind, DType dtype) {
  return std::make_unique<Quantised>(spec, std::move(dense), kind, dtype);
}

}  // namespace mlbench::model
