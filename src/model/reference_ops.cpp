#include "model/reference_ops.hpp"

#include "core/parallel.hpp"
#include "model/microscaling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace mlbench::model {
namespace {

using Tensor = ReferenceOps::Tensor;

std::size_t z(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

/// Eight partial sums, which a compiler keeps in vector registers.
double dot(const double* a, const double* b, std::int64_t n) {
  double sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::int64_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  }
  double sum = std::accumulate(sums, sums + 8, 0.0);
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

template <class F>
Tensor each(Tensor x, F f) {
  for (double& v : x.values) v = f(v);
  return x;
}

double gelu(double x) {
  return x * 0.5 * (1 + std::erf(x / std::numbers::sqrt2));
}
double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double activated(double x, const Maths& m) {
  switch (m.activation) {
    case Maths::Activation::silu: return x * sigmoid(x);
    case Maths::Activation::gelu: return gelu(x);
    case Maths::Activation::gelu_tanh: return gelu_tanh(x);
    case Maths::Activation::clamped_swiglu: {
      const double g = std::min(x, m.swiglu_limit);
      return g * sigmoid(m.swiglu_alpha * g);
    }
  }
  return x;
}

/// y[t] = x[t]·row for all tokens: `xt` is x transposed, [k][tokens].
void multiply_row(const std::vector<float>& row, const std::vector<double>& x,
                  const std::vector<double>& xt, std::int64_t tokens, double* y) {
  const auto k = static_cast<std::int64_t>(row.size());
  if (tokens < 4) {
    const std::vector<double> wide(row.begin(), row.end());
    for (std::int64_t t = 0; t < tokens; ++t) y[t] = dot(x.data() + t * k, wide.data(), k);
    return;
  }
  std::fill(y, y + tokens, 0.0);
  for (std::int64_t i = 0; i < k; ++i) {
    const double w = static_cast<double>(row[z(i)]);
    const double* column = xt.data() + i * tokens;
    for (std::int64_t t = 0; t < tokens; ++t) y[t] += w * column[t];
  }
}

void read_affine_row(const StoredLinear& l, std::int64_t row, float* out) {
  const auto words = l.weight.shape[1], groups = l.scales->shape[1];
  const auto bits = words * 32 / l.columns, group = l.columns / groups;
  std::vector<float> scales(z(groups)), offsets(z(groups));
  read_floats(*l.scales, row * groups, groups, scales.data());
  if (l.offsets) read_floats(*l.offsets, row * groups, groups, offsets.data());
  const auto* packed = l.weight.data + row * words * 4;
  for (std::int64_t c = 0; c < l.columns; ++c) {
    std::uint64_t bit_at = z(c * bits), q = 0;
    for (std::int64_t b = 0; b < bits; ++b, ++bit_at) {
      const auto byte = std::to_integer<std::uint64_t>(packed[bit_at / 8]);
      q |= ((byte >> (bit_at % 8)) & 1U) << b;
    }
    out[c] = scales[z(c / group)] * static_cast<float>(q) + offsets[z(c / group)];
  }
}

/// 4-bit floats with a scale of one byte: E8M0 for groups of 32 (mxfp4), E4M3 for 16 (nvfp4); 8-bit
/// ones with E8M0 (mxfp8).
void read_float_row(const StoredLinear& l, std::int64_t row, float* out) {
  const auto words = l.weight.shape[1], groups = l.scales->shape[1], group = l.columns / groups;
  const bool bytes = words * 4 == l.columns;
  const auto* packed = l.weight.data + row * words * 4;
  for (std::int64_t c = 0; c < l.columns; ++c) {
    const auto code = std::to_integer<std::uint8_t>(l.scales->data[row * groups + c / group]);
    const float scale = group == 16 ? from_e4m3(code) : from_e8m0(code);
    const auto byte = std::to_integer<std::uint8_t>(packed[bytes ? c : c / 2]);
    const auto four = static_cast<unsigned>(byte >> (c % 2 * 4));
    out[c] = scale * (bytes ? from_e4m3(byte) : from_e2m1(four & 15U));
  }
}

void read_int8_row(const StoredLinear& l, std::int64_t row, float* out) {
  float scale = 0;
  read_floats(*l.scales, row, 1, &scale);
  const auto* values = l.weight.data + row * l.columns;
  for (std::int64_t c = 0; c < l.columns; ++c)
    out[c] = scale * static_cast<float>(static_cast<std::int8_t>(values[c]));
}

Tensor mlp(const Tensor& x, const StoredMlp& m, const Maths& maths) {
  Tensor up = ReferenceOps::linear(x, m.up);
  if (m.gate)
    up = ReferenceOps::gate(ReferenceOps::linear(x, *m.gate), std::move(up), maths);
  else
    up = ReferenceOps::activate(std::move(up), maths);
  return ReferenceOps::linear(up, m.down);
}

}  // namespace

void read_row(const StoredLinear& l, std::int64_t row, float* out) {
  if (!l.scales) return read_floats(l.weight, row * l.columns, l.columns, out);
  if (l.weight.storage == Storage::I8) return read_int8_row(l, row, out);
  if (l.scales->storage == Storage::U8) return read_float_row(l, row, out);
  read_affine_row(l, row, out);
}

Choice choose(const double* logits, const Spec& spec) {
  const auto n = spec.shape.experts, k = spec.shape.experts_per_token;
  Choice c;
  c.experts.resize(z(n));
  std::iota(c.experts.begin(), c.experts.end(), 0);
  std::stable_sort(c.experts.begin(), c.experts.end(),
                   [&](auto a, auto b) { return logits[a] > logits[b]; });
  const double most = logits[c.experts[0]];
  double all = 0;
  for (std::int64_t e = 0; e < n; ++e) all += std::exp(logits[e] - most);
  c.experts.resize(z(k));
  double chosen = 0;
  for (const auto e : c.experts) {
    c.weights.push_back(std::exp(logits[e] - most));
    chosen += c.weights.back();
  }
  const bool to_one = spec.maths.softmax_over_chosen || spec.maths.normalise_chosen;
  for (double& w : c.weights) w /= to_one ? chosen : all;
  return c;
}

ReferenceOps::Ids ReferenceOps::likeliest(const Tensor& logits) {
  Ids ids{.batch = logits.shape[0], .values = {}};
  for (std::int64_t r = 0; r < logits.rows(); ++r) {
    const auto row = logits.values.begin() + r * logits.last();
    const auto best = std::max_element(row, row + logits.last()) - row;
    ids.values.push_back(static_cast<std::int32_t>(best));
  }
  return ids;
}

ReferenceOps::Embedding ReferenceOps::embedding(const StoredLinear& l, bool serves_as_head) {
  static_cast<void>(serves_as_head);
  return l;
}

Tensor ReferenceOps::vector(const HostTensor& v) {
  const auto values = to_floats(v);
  return {{v.elements()}, {values.begin(), values.end()}};
}

ReferenceOps::RopeTable ReferenceOps::rope_table(model::RopeTable table, std::int64_t context) {
  static_cast<void>(context);
  return table;
}

ReferenceOps::Cache ReferenceOps::cache(std::int64_t batch, std::int64_t heads,
                                        std::int64_t capacity, std::int64_t head_dim) {
  const auto make = [&] {
    return Tensor{{batch, heads, capacity, head_dim},
                  std::vector<double>(z(batch * heads * capacity * head_dim))};
  };
  return {make(), make()};
}

Tensor ReferenceOps::embed(const Embedding& e, const Ids& ids) {
  const auto count = static_cast<std::int64_t>(ids.values.size()) / ids.batch;
  Tensor y{{ids.batch, count, e.columns}, {}};
  std::vector<float> row(z(e.columns));
  for (const auto id : ids.values) {
    read_row(e, id, row.data());
    y.values.insert(y.values.end(), row.begin(), row.end());
  }
  return y;
}

Tensor ReferenceOps::linear(const Tensor& x, const Linear& l) {
  const auto tokens = x.rows(), k = x.last();
  std::vector<double> xt(tokens < 4 ? 0 : z(tokens * k));
  if (tokens >= 4) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t i = 0; i < k; ++i) xt[z(i * tokens + t)] = x.values[z(t * k + i)];
    }
  }
  std::vector<float> bias(z(l.rows));
  if (l.bias) bias = to_floats(*l.bias);
  Tensor y{x.shape, std::vector<double>(z(tokens * l.rows))};
  y.shape.back() = l.rows;
  in_parts(z(l.rows), 16, [&](std::size_t, std::size_t first, std::size_t last) {
    std::vector<float> row(z(k));
    std::vector<double> out(z(tokens));
    for (auto r = static_cast<std::int64_t>(first); r < static_cast<std::int64_t>(last); ++r) {
      read_row(l, r, row.data());
      multiply_row(row, x.values, xt, tokens, out.data());
      for (std::int64_t t = 0; t < tokens; ++t)
        y.values[z(t * l.rows + r)] = out[z(t)] + static_cast<double>(bias[z(r)]);
    }
  });
  return y;
}

Tensor ReferenceOps::rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  Tensor y{x.shape, x.values};
  const auto n = x.last();
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    double* row = y.values.data() + r * n;
    const double scale = 1 / std::sqrt(dot(row, row, n) / static_cast<double>(n) + epsilon);
    for (std::int64_t i = 0; i < n; ++i) row[i] *= scale * weight.values[z(i)];
  }
  return y;
}

Tensor ReferenceOps::layer_norm(const Tensor& x, const Tensor& weight,
                                const std::optional<Tensor>& bias, double epsilon) {
  Tensor y{x.shape, x.values};
  const auto n = x.last();
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    double* row = y.values.data() + r * n;
    const double mean = std::accumulate(row, row + n, 0.0) / static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) row[i] -= mean;
    const double scale = 1 / std::sqrt(dot(row, row, n) / static_cast<double>(n) + epsilon);
    for (std::int64_t i = 0; i < n; ++i)
      row[i] = row[i] * scale * weight.values[z(i)] + (bias ? bias->values[z(i)] : 0);
  }
  return y;
}

Tensor ReferenceOps::add(Tensor a, Tensor b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
  return a;
}

Tensor ReferenceOps::scale(Tensor x, double factor) {
  return each(std::move(x), [=](double v) { return v * factor; });
}

Tensor ReferenceOps::softcap(Tensor x, double cap) {
  return each(std::move(x), [=](double v) { return cap * std::tanh(v / cap); });
}

Tensor ReferenceOps::columns(const Tensor& x, std::int64_t first, std::int64_t count) {
  Tensor y{x.shape, {}};
  y.shape.back() = count;
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto from = x.values.begin() + r * x.last() + first;
    y.values.insert(y.values.end(), from, from + count);
  }
  return y;
}

Tensor ReferenceOps::split_heads(Tensor x, std::int64_t heads) {
  const auto batch = x.shape[0], count = x.shape[1], d = x.last() / heads;
  Tensor y{{batch, heads, count, d}, std::vector<double>(x.values.size())};
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t t = 0; t < count; ++t)
      for (std::int64_t h = 0; h < heads; ++h)
        std::copy_n(x.values.begin() + ((b * count + t) * heads + h) * d, d,
                    y.values.begin() + ((b * heads + h) * count + t) * d);
  return y;
}

Tensor ReferenceOps::merge_heads(Tensor x) {
  const auto batch = x.shape[0], heads = x.shape[1], count = x.shape[2], d = x.shape[3];
  Tensor y{{batch, count, heads * d}, std::vector<double>(x.values.size())};
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t h = 0; h < heads; ++h)
      for (std::int64_t t = 0; t < count; ++t)
        std::copy_n(x.values.begin() + ((b * heads + h) * count + t) * d, d,
                    y.values.begin() + ((b * count + t) * heads + h) * d);
  return y;
}

Tensor ReferenceOps::rope(Tensor x, const RopeTable& table, std::int64_t position) {
  const auto count = x.shape[2], d = x.shape[3], half = table.dims() / 2;
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    double* head = x.values.data() + r * d;
    const double at = static_cast<double>(position + r % count);
    for (std::int64_t i = 0; i < half; ++i) {
      const double angle = at * static_cast<double>(table.inverse_frequencies[z(i)]);
      const double c = std::cos(angle) * table.attention_factor,
                   s = std::sin(angle) * table.attention_factor;
      const double a = head[i], b = head[i + half];
      head[i] = a * c - b * s;
      head[i + half] = b * c + a * s;
    }
  }
  return x;
}

void ReferenceOps::write(Cache& cache, std::int64_t slot, Tensor keys, Tensor values) {
  const auto put = [&](Tensor& to, const Tensor& from) {
    const auto count = from.shape[2], d = from.shape[3], capacity = to.shape[2];
    for (std::int64_t h = 0; h < from.shape[0] * from.shape[1]; ++h)
      std::copy_n(from.values.begin() + h * count * d, count * d,
                  to.values.begin() + (h * capacity + slot) * d);
  };
  put(cache.keys, keys), put(cache.values, values);
}

std::pair<Tensor, Tensor> ReferenceOps::read(const Cache& cache, std::int64_t count) {
  return {tokens(cache.keys, 0, count), tokens(cache.values, 0, count)};
}

Tensor ReferenceOps::tokens(const Tensor& x, std::int64_t first, std::int64_t count) {
  const auto heads = x.shape[0] * x.shape[1], all = x.shape[2], d = x.shape[3];
  Tensor y{{x.shape[0], x.shape[1], count, d}, {}};
  for (std::int64_t h = 0; h < heads; ++h) {
    const auto from = x.values.begin() + (h * all + first) * d;
    y.values.insert(y.values.end(), from, from + count * d);
  }
  return y;
}

Tensor ReferenceOps::join(Tensor a, const Tensor& b) {
  const auto heads = a.shape[0] * a.shape[1], n = a.shape[2], m = b.shape[2], d = a.shape[3];
  Tensor y{{a.shape[0], a.shape[1], n + m, d}, {}};
  for (std::int64_t h = 0; h < heads; ++h) {
    y.values.insert(y.values.end(), a.values.begin() + h * n * d,
                    a.values.begin() + (h + 1) * n * d);
    y.values.insert(y.values.end(), b.values.begin() + h * m * d,
                    b.values.begin() + (h + 1) * m * d);
  }
  return y;
}

Tensor ReferenceOps::attention(Tensor q, Tensor k, Tensor v, const Attention& how) {
  const auto batch = q.shape[0], heads = q.shape[1], count = q.shape[2], d = q.shape[3];
  const auto groups = heads / k.shape[1], keys = k.shape[2];
  Tensor y{q.shape, std::vector<double>(q.values.size())};
  in_parts(z(batch * heads), 1, [&](std::size_t, std::size_t first, std::size_t last) {
    std::vector<double> weights(z(keys));
    for (auto bh = static_cast<std::int64_t>(first); bh < static_cast<std::int64_t>(last); ++bh) {
      const auto kv = (bh / heads) * k.shape[1] + bh % heads / groups;
      const double* key = k.values.data() + kv * keys * d;
      const double* value = v.values.data() + kv * keys * d;
      for (std::int64_t t = 0; t < count; ++t) {
        const double* query = q.values.data() + (bh * count + t) * d;
        double most = how.sinks != nullptr ? how.sinks->values[z(bh % heads)]
                                           : -std::numeric_limits<double>::infinity();
        const auto visible = [&](std::int64_t j) {
          if (how.mask->kind == Visibility::Kind::listed)
            return how.mask->allowed[z(t * keys + j)] != 0;
          return how.mask->kind == Visibility::Kind::all || j <= keys - count + t;
        };
        for (std::int64_t j = 0; j < keys; ++j) {
          weights[z(j)] = -std::numeric_limits<double>::infinity();
          if (!visible(j)) continue;
          double logit = how.scale * dot(query, key + j * d, d);
          if (how.softcap) logit = *how.softcap * std::tanh(logit / *how.softcap);
          weights[z(j)] = logit;
          most = std::max(most, logit);
        }
        double sum = how.sinks != nullptr ? std::exp(how.sinks->values[z(bh % heads)] - most) : 0;
        for (double& w : weights) w = std::exp(w - most), sum += w;
        double* out = y.values.data() + (bh * count + t) * d;
        for (std::int64_t j = 0; j < keys; ++j) {
          for (std::int64_t i = 0; i < d; ++i) out[i] += weights[z(j)] / sum * value[j * d + i];
        }
      }
    }
  });
  return y;
}

Tensor ReferenceOps::gate(Tensor gate, Tensor up, const Maths& maths) {
  const bool clamped = maths.activation == Maths::Activation::clamped_swiglu;
  for (std::size_t i = 0; i < up.values.size(); ++i) {
    double u = up.values[i];
    if (clamped) u = std::clamp(u, -maths.swiglu_limit, maths.swiglu_limit) + 1;
    up.values[i] = u * activated(gate.values[i], maths);
  }
  return up;
}

Tensor ReferenceOps::activate(Tensor x, const Maths& maths) {
  return each(std::move(x), [&](double v) { return activated(v, maths); });
}

Tensor ReferenceOps::times_sigmoid(Tensor x, Tensor g) {
  for (std::size_t i = 0; i < x.values.size(); ++i)
    x.values[i] *= sigmoid(g.values[i / z(x.last())]);
  return x;
}

Tensor ReferenceOps::mixture(const Tensor& x, Tensor router, const Experts& experts,
                             const Spec& spec) {
  const auto n = x.last();
  Tensor y{x.shape, std::vector<double>(x.values.size())};
  for (std::int64_t t = 0; t < x.rows(); ++t) {
    const Choice choice = choose(router.values.data() + t * spec.shape.experts, spec);
    const Tensor token{{1, 1, n}, {x.values.begin() + t * n, x.values.begin() + (t + 1) * n}};
    for (std::size_t c = 0; c < choice.experts.size(); ++c) {
      const Tensor out = mlp(token, experts.list[z(choice.experts[c])], spec.maths);
      for (std::int64_t i = 0; i < n; ++i)
        y.values[z(t * n + i)] += choice.weights[c] * out.values[z(i)];
    }
  }
  return y;
}

Tensor ReferenceOps::last_token(Tensor x) {
  const auto batch = x.shape[0], count = x.shape[1], n = x.shape[2];
  Tensor y{{batch, 1, n}, {}};
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto from = x.values.begin() + (b * count + count - 1) * n;
    y.values.insert(y.values.end(), from, from + n);
  }
  return y;
}

}  // namespace mlbench::model
