#pragma once

#include "core/error.hpp"
#include "model/host_tensor.hpp"
#include "model/maths.hpp"

#include <memory>
#include <string>
#include <vector>

namespace mlbench::model {

/// Where a model's tensors come from: files, or a seed. Names are those of Hugging Face
/// checkpoints ("model.layers.0.self_attn.q_proj.weight").
class Weights {
 public:
  virtual ~Weights() = default;
  [[nodiscard]] virtual bool has(const std::string& name) const = 0;
  /// A floating tensor of exactly `shape`. `fan_in` is how many products an output sums (0: it is
  /// no matrix); only invented weights use it, to keep activations near one. Errors: `usage` when
  /// it is missing, has another shape, or is not floating.
  [[nodiscard]] virtual Result<HostTensor> get(const std::string& name,
                                               const std::vector<std::int64_t>& shape,
                                               std::int64_t fan_in) const = 0;
  /// Whatever tensor is called so, unchecked. Errors: `usage` when there is none.
  [[nodiscard]] virtual Result<HostTensor> raw(const std::string& name) const = 0;
  /// "bfloat16 weights of DIR", "invented weights, seed 1".
  [[nodiscard]] virtual std::string description() const = 0;
};

/// Weights that follow from a seed alone, the same in every language:
///   x = index·0x9E3779B1 + stream (mod 2^32), xor (index / 2^32)·0x85EBCA6B
///   x ^= x>>16, x *= 0x7FEB352D, x ^= x>>15, x *= 0x846CA68B, x ^= x>>16
///   u = (x>>8)·2^-23 - 1
/// where stream is FNV-1a (32 bit) of the name, xor seed·0x9E3779B9. A matrix is u·sqrt(3/fan_in)
/// (variance 1/fan_in), a norm's weight 1 + u/10 (u/10 where one is added, as in Gemma), a bias
/// u/10, attention sinks u; then rounded to `dtype`.
///
/// Source: the mixing function is C. Wellons' "lowbias32" (Prospecting for Hash Functions, 2018).
[[nodiscard]] std::unique_ptr<Weights> synthetic_weights(const Spec& spec, DType dtype,
                                                         std::uint64_t seed);

/// u of element `index` of a stream, as above.
[[nodiscard]] float synthetic_value(std::uint32_t stream, std::uint64_t index) noexcept;
[[nodiscard]] std::uint32_t synthetic_stream(std::string_view name, std::uint64_t seed) noexcept;

/// `count` values in `storage`: base + scale·u.
[[nodiscard]] HostTensor synthetic_tensor(std::uint32_t stream, std::vector<std::int64_t> shape,
                                          float base, float scale, Storage storage);

/// Kinds of quantised matrices that this program makes itself, so that every framework gets the
/// same numbers: affine4 and affine8 are MLX's (w = scale·q + offset, groups of 64; "4bit",
/// "8bit"), int8 has one scale a row and no offset (PyTorch's int8 kernel), mxfp4 and nvfp4 are
/// 4-bit floats with a scale of 8 bits for 32 and 16 of them (microscaling.hpp).
enum class Quantisation { affine4, affine8, int8, mxfp4, nvfp4 };
/// "4bit", "8bit", "int8", "mxfp4", "nvfp4".
[[nodiscard]] std::optional<Quantisation> parse_quantisation(std::string_view name) noexcept;
/// Of a matrix, scales and offsets counted; int8's one scale a row is not.
[[nodiscard]] double bits_per_weight(Quantisation kind, DType dtype) noexcept;

/// `dense` with every matrix quantised but routers and those whose rows groups do not divide;
/// scales and offsets in `dtype`.
[[nodiscard]] std::unique_ptr<Weights> quantised_weights(const Spec& spec,
                                                         std::unique_ptr<Weights> dense,
                                                         Quantisation kind, DType dtype);

}  // namespace mlbench::model
