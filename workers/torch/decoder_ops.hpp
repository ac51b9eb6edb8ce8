#pragma once

#include "model/decoder.hpp"
#include "workload/workload.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::torch_worker {

/// The decoder's operations in PyTorch, each with its best kernel; src/model/reference_ops.hpp says
/// what they compute. Every thread that calls them must hold a c10::InferenceMode.
class DecoderOps {
 public:
  using HostTensor = model::HostTensor;
  using StoredLinear = model::StoredLinear;
  using StoredMlp = model::StoredMlp;

  /// Computes in `dtype` (F32, F16 or BF16) on `device`.
  DecoderOps(at::Device device, workload::DType dtype);

  struct Tensor {
    at::Tensor value;
    Tensor() = default;
    explicit Tensor(at::Tensor v) : value(std::move(v)) {}
    Tensor(Tensor&&) = default;
    Tensor& operator=(Tensor&&) = default;
    Tensor(const Tensor&) = delete;
    Tensor& operator=(const Tensor&) = delete;
    ~Tensor() = default;
  };
  struct Ids {
    at::Tensor value;  ///< [batch, count], int64.
  };
  struct Linear {
    enum class Kind { dense, int4, int8 } kind = Kind::dense;
    at::Tensor weight, bias, scales;
    std::int64_t group = 0;
  };
  struct Embedding {
    at::Tensor table;
    Linear head;  ///< Where the embedding is quantised and also the head.
  };
  struct Expert {
    Linear gate, up, down;
  };
  struct Experts {
    std::vector<Expert> list;
  };
  struct Cache {
    at::Tensor keys, values;
  };
  struct Mask {
    bool causal = false;  ///< As many queries as keys.
    at::Tensor allowed;   ///< Otherwise, where not all are allowed: bool [queries, keys].
  };
  struct RopeTable {
    at::Tensor cos, sin;  ///< [context, dims / 2]
  };
  struct Attention {
    double scale = 1;
    std::optional<double> softcap;
    const Tensor* sinks = nullptr;
    const Mask* mask = nullptr;
  };

  [[nodiscard]] Ids ids(std::int64_t batch, const std::vector<std::int32_t>& values) const;
  static Ids likeliest(const Tensor& logits);
  static std::vector<double> numbers(const Tensor& x);
  static std::vector<std::int32_t> numbers(const Ids& ids);

  Linear linear(const StoredLinear& l);
  Linear dense_linear(const StoredLinear& l);
  Embedding embedding(const StoredLinear& l, bool serves_as_head);
  Tensor vector(const HostTensor& v) { return Tensor(to_device(v)); }
  Experts experts(const std::vector<StoredMlp>& list);
  [[nodiscard]] RopeTable rope_table(const model::RopeTable& table, std::int64_t context) const;
  [[nodiscard]] Cache cache(std::int64_t batch, std::int64_t heads, std::int64_t capacity,
                            std::int64_t head_dim) const;
  [[nodiscard]] Mask mask(const model::Visibility& v) const;

  static Tensor embed(const Embedding& e, const Ids& ids);
  static Tensor unembed(const Tensor& x, const Embedding& e);
  static Tensor linear(const Tensor& x, const Linear& l);
  static Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon);
  static Tensor layer_norm(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                           double epsilon);
  static Tensor add(Tensor a, Tensor b);
  static Tensor scale(Tensor x, double factor);
  static Tensor softcap(Tensor x, double cap);
  static Tensor columns(const Tensor& x, std::int64_t first, std::int64_t count);
  static std::int64_t width(const Tensor& x) { return x.value.size(-1); }
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
  /// PyTorch submits as it goes; what reads a result waits for it.
  static void commit(const std::vector<const Tensor*>& outputs) { static_cast<void>(outputs); }

  // What kit::LanguageKernel needs beside the decoder.
  struct Scope {
    explicit Scope(const DecoderOps& ops) { static_cast<void>(ops); }
    c10::InferenceMode no_autograd;  // thread-local, so held where the calls are made
  };
  [[nodiscard]] Tensor activations(const HostTensor& t) const;
  static Ids forced(const Ids& ids, const Ids& chosen);
  static void submit(const Ids& ids, const std::vector<Cache>& caches);
  static void settle(const std::vector<Cache>& caches) { static_cast<void>(caches); }
  [[nodiscard]] static workload::TensorData to_host(const Tensor& t);
  static Tensor kept(Tensor t) { return Tensor(t.value.clone(at::MemoryFormat::Contiguous)); }
  static Tensor shared(const Tensor& t) { return Tensor(t.value); }
  [[nodiscard]] bool pipelines() const { return !device_.is_cpu(); }
  [[nodiscard]] std::optional<std::int64_t> peak_bytes() const;
  void reset_peak() const;

  /// Bytes of all weights on the device, as they are stored there.
  [[nodiscard]] std::int64_t weight_bytes() const { return weight_bytes_; }

 private:
  [[nodiscard]] at::Tensor to_device(const HostTensor& t);
  Linear quantised(const StoredLinear& l);
  void count(const Linear& l);

  at::Device device_;
  at::ScalarType type_;
  std::int64_t weight_bytes_ = 0;
};

}  // namespace mlbench::torch_worker
