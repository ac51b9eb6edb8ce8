#pragma once

#include "mlx/device.hpp"
#include "model/decoder.hpp"
#include "workload/workload.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::mlx_worker {

/// The decoder's operations in MLX, on its default device, each as MLX's own language models
/// (mlx-lm) do it; src/model/reference_ops.hpp says what they compute. Nothing runs before
/// commit().
class DecoderOps {
 public:
  /// Computes in `dtype` (float32, float16 or bfloat16).
  explicit DecoderOps(workload::DType dtype, mx::Device device = mx::Device::cpu);

  struct Tensor {
    std::optional<mx::array> held;
    Tensor() = default;
    explicit Tensor(mx::array v) : held(std::move(v)) {}
    Tensor(Tensor&&) = default;
    Tensor& operator=(Tensor&&) = default;
    Tensor(const Tensor&) = delete;
    Tensor& operator=(const Tensor&) = delete;
    ~Tensor() = default;
    [[nodiscard]] const mx::array& operator*() const { return *held; }
    [[nodiscard]] const mx::array* operator->() const { return &*held; }
  };
  struct Ids {
    mx::array value;  ///< [batch, count]
  };
  struct Matrix {
    std::optional<mx::array> weight, scales, offsets;
    int group = 0, bits = 0;
    std::string mode = "affine";
  };
  struct Linear {
    Matrix matrix;
    std::optional<mx::array> bias;
  };
  using Embedding = Linear;
  /// [experts, out, in] each.
  struct Experts {
    Linear gate, up, down;
  };
  struct Cache {
    mx::array keys, values;
  };
  struct Mask {
    std::string mode;
    std::optional<mx::array> allowed;
    std::int64_t queries = 0, keys = 0;
  };
  struct RopeTable {
    std::optional<mx::array> wavelengths;
    int dims = 0;
    float attention_factor = 1;
  };
  struct Attention {
    double scale = 1;
    std::optional<double> softcap;
    const Tensor* sinks = nullptr;
    const Mask* mask = nullptr;
  };

  static Ids ids(std::int64_t batch, const std::vector<std::int32_t>& values);
  static Ids likeliest(const Tensor& logits);
  static std::vector<double> numbers(const Tensor& x);
  static std::vector<std::int32_t> numbers(const Ids& ids);

  Linear linear(const model::StoredLinear& l);
  Linear dense_linear(const model::StoredLinear& l);
  Embedding embedding(const model::StoredLinear& l, bool serves_as_head);
  Tensor vector(const model::HostTensor& v) { return Tensor(to_device(v)); }
  Experts experts(const std::vector<model::StoredMlp>& list);
  [[nodiscard]] static RopeTable rope_table(const model::RopeTable& table, std::int64_t context);
  [[nodiscard]] Cache cache(std::int64_t batch, std::int64_t heads, std::int64_t capacity,
                            std::int64_t head_dim) const;
  static Mask mask(const model::Visibility& v);

  static Tensor embed(const Embedding& e, const Ids& ids);
  static Tensor unembed(const Tensor& x, const Embedding& e) { return linear(x, e); }
  static Tensor linear(const Tensor& x, const Linear& l);
  static Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon);
  static Tensor layer_norm(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                           double epsilon);
  static Tensor add(Tensor a, Tensor b);
  static Tensor scale(Tensor x, double factor);
  static Tensor softcap(Tensor x, double cap);
  static Tensor columns(const Tensor& x, std::int64_t first, std::int64_t count);
  static std::int64_t width(const Tensor& x) { return x->shape(-1); }
  static Tensor split_heads(Tensor x, std::int64_t heads);
  static Tensor merge_heads(Tensor x);
  static Tensor rope(Tensor x, const RopeTable& table, std::int64_t position);
  static void write(Cache& cache, std::int64_t slot, Tensor keys, Tensor values);
  static std::pair<Tensor, Tensor> read(const Cache& cache, std::int64_t count);
  static Tensor tokens(const Tensor& x, std::int64_t first, std::int64_t count);
  static Tensor join(Tensor a, const Tensor& b);
  static Tensor attention(Tensor q, Tensor k, Tensor v, const Attention& how);
  static Tensor gate(Tensor gate, Tensor up, const model::Maths& maths);
  static Tensor activate(Tensor x, const model::Maths& maths);
  static Tensor times_sigmoid(Tensor x, Tensor g);
  static Tensor mixture(const Tensor& x, Tensor router, const Experts& experts,
                        const model::Spec& spec);
  static Tensor last_token(Tensor x);
  static void commit(const std::vector<const Tensor*>& outputs);

  // What kit::LanguageKernel needs beside the decoder.
  struct Scope {
    explicit Scope(const DecoderOps& ops) { mx::set_default_device(ops.device_); }
  };
  [[nodiscard]] Tensor activations(const model::HostTensor& t) const;
  static Ids forced(const Ids& ids, const Ids& chosen);
  static void submit(const Ids& ids, const std::vector<Cache>& caches);
  static void settle(const std::vector<Cache>& caches);
  [[nodiscard]] static workload::TensorData to_host(const Tensor& t);
  static Tensor kept(Tensor t);
  static Tensor shared(const Tensor& t) { return Tensor(*t); }
  [[nodiscard]] static bool pipelines() { return true; }
  [[nodiscard]] static std::optional<std::int64_t> peak_bytes();
  static void reset_peak();

  /// Bytes of all weights, as MLX holds them.
  [[nodiscard]] std::int64_t weight_bytes() const { return weight_bytes_; }

 private:
  [[nodiscard]] mx::array to_device(const model::HostTensor& t);
  [[nodiscard]] mx::array packed_to_device(const model::HostTensor& t);
  Matrix matrix(const model::StoredLinear& l);

  mx::Dtype dtype_;
  mx::Device device_;
  std::int64_t weight_bytes_ = 0;
};

}  // namespace mlbench::mlx_worker
