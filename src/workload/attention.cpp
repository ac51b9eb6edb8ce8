#include "workload/operation.hpp"

#include <algorithm>
#include <cmath>

// y = softmax(q·kᵀ/sqrt(dim))·v for each head, q [batch, heads, length, dim], k and v [batch,
// kv_heads, length, dim]; where kv_heads is less, heads/kv_heads neighbouring heads share one of k
// and v.
//   attention_unfused  matmul, softmax, matmul: every intermediate result goes through memory
//   attention          the framework's scaled_dot_product_attention, all keys for every query
//   attention_causal   the same, query i against keys 0 .. i: what prefill computes
//   attention_decode   the same, one query against a cache of `length` keys: what a token costs
//
// Work counts the two products only, 2·dim multiply-adds for each pair of query and key; for causal
// attention only the pairs that count, length·(length + 1)/2 a head. A kernel that computes the
// whole square and masks half of it shows at most half of its rate.
namespace mlbench::workload {
namespace {

enum class Kind { unfused, full, causal, decode };

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

template <Kind kKind>
OperationSpec describe(const Sizes& s, DType dtype) {
  const auto batch = s[0], heads = s[1], kv_heads = s[2], length = s[3], dim = s[4];
  const std::int64_t queries = kKind == Kind::decode ? 1 : length;
  const auto n = static_cast<double>(length);
  const double pairs = kKind == Kind::decode ? n : kKind == Kind::causal ? n * (n + 1) / 2 : n * n;
  const double of_all_heads = static_cast<double>(batch) * static_cast<double>(heads);
  // Scores are of the order of 1, so that a wrong scale or mask shows.
  auto spec = by_flop({tensor("q", {batch, heads, queries, dim}, dtype, 0, -3, 3),
                       tensor("k", {batch, kv_heads, length, dim}, dtype, 1),
                       tensor("v", {batch, kv_heads, length, dim}, dtype, 2)},
                      tensor("y", {batch, heads, queries, dim}, dtype),
                      4 * static_cast<double>(dim) * pairs * of_all_heads);
  // Scores and weights, where no fused kernel keeps them on the chip.
  spec.workspace_bytes =
      2 * of_all_heads * static_cast<double>(queries) * n * static_cast<double>(size_bytes(dtype));
  if (kKind == Kind::decode) {
    spec.work.unit = RateUnit::bytes_per_s;  // the cache is read once: memory binds
  }
  return spec;
}

/// The output of one query.
template <Kind kKind>
void expect(const Reference& r, std::int64_t index, std::span<const double>,
            std::span<Expected> out) {
  const auto heads = r.size[1], kv_heads = r.size[2], length = r.size[3];
  const std::int64_t queries = kKind == Kind::decode ? 1 : length;
  const std::size_t dim = out.size();
  const auto query = index % queries, head = index / queries % heads,
             batch = index / queries / heads;
  const auto keys = at(kKind == Kind::causal ? query + 1 : length);
  const auto kv = at((batch * kv_heads + head / (heads / kv_heads)) * length) * dim;
  const float* q = &r.inputs[0][at(index) * dim];
  const float* k = &r.inputs[1][kv];
  const float* v = &r.inputs[2][kv];
  std::vector<double> weights(keys);
  double largest = -1e300, largest_size = 0;
  for (std::size_t j = 0; j < keys; ++j) {
    double sums[4] = {0, 0, 0, 0};
    std::size_t i = 0;
    for (; i + 4 <= dim; i += 4) {
      for (std::size_t p = 0; p < 4; ++p) sums[p] += double{q[i + p]} * double{k[j * dim + i + p]};
    }
    for (; i < dim; ++i) sums[0] += double{q[i]} * double{k[j * dim + i]};
    weights[j] = (sums[0] + sums[1] + sums[2] + sums[3]) / std::sqrt(static_cast<double>(dim));
    largest = std::max(largest, weights[j]);
    largest_size = std::max(largest_size, std::abs(weights[j]));
  }
  double total = 0;
  for (double& w : weights) total += w = std::exp(w - largest);
  std::vector<double> sum(dim), squares(dim);
  for (std::size_t j = 0; j < keys; ++j) {
    const double w = weights[j] / total;
    for (std::size_t i = 0; i < dim; ++i) {
      const double term = w * double{v[j * dim + i]};
      sum[i] += term;
      squares[i] += term * term;
    }
  }
  // Scores and weights may be kept in the dtype: each term then has a random error of some u times
  // its score. Dot products of length dim add what float32 loses.
  const double of_term = 8 * (r.u * (1 + largest_size) + r.acc * static_cast<double>(dim));
  for (std::size_t i = 0; i < dim; ++i) {
    out[i] = {sum[i],
              (2 * r.u + 8 * r.acc * std::sqrt(static_cast<double>(keys))) * std::abs(sum[i]) +
                  of_term * std::sqrt(squares[i])};
  }
}

double cost(const Sizes& s) {
  return 5 * static_cast<double>(s[3]) * static_cast<double>(s[4]);
}

std::string refuse(const Sizes& s) {
  return s[1] % s[2] == 0 ? "" : "heads must be a multiple of kv_heads";
}

using Groups = std::vector<std::pair<std::string, std::vector<Sizes>>>;

/// Batch 1, which presets choose from; then larger batches, and heads that share keys and values.
Groups groups(const Catalogue& catalogue) {
  const auto& a = catalogue.attention;
  Groups all = {{"", {}}, {", batched", {}}, {", grouped-query", {}}};
  for (std::size_t b = 0; b < a.batches.size(); ++b) {
    for (const auto length : a.lengths) {
      all[b == 0 ? 0 : 1].second.push_back({a.batches[b], a.heads, a.heads, length, a.dim});
      if (b == 0 && a.heads % 4 == 0)
        all[2].second.push_back({a.batches[b], a.heads, a.heads / 4, length, a.dim});
    }
  }
  return all;
}

/// A decoder of today: grouped-query, against caches that are longer than prompts.
Groups decode_groups(const Catalogue& catalogue) {
  const auto& a = catalogue.attention;
  if (a.batches.empty()) return {};
  const auto kv_heads = a.heads % 4 == 0 ? a.heads / 4 : a.heads;
  Groups all = {{"", {}}, {", every head its own", {}}};
  for (const auto length : a.lengths) {
    all[0].second.push_back({a.batches.front(), a.heads, kv_heads, 4 * length, a.dim});
    all[1].second.push_back({a.batches.front(), a.heads, a.heads, 4 * length, a.dim});
  }
  return all;
}

template <Kind kKind>
Operation attention(std::string_view name, std::string_view title, Share share) {
  Operation o;
  o.name = name;
  o.title = title;
  o.params = {"batch", "heads", "kv_heads", "length", "dim"};
  o.describe = describe<kKind>;
  o.part = [](const Sizes& s) { return s[4]; };
  o.part_cost = cost;
  o.expect = expect<kKind>;
  o.refuse = refuse;
  o.groups = kKind == Kind::decode ? decode_groups : groups;
  o.share = share;
  return o;
}

}  // namespace

std::vector<Operation> attention_operations() {
  return {attention<Kind::unfused>("attention_unfused", "Attention, unfused",
                                   {.quick = 1, .standard = 1}),
          attention<Kind::full>("attention", "Attention, fused", {.quick = 1, .standard = 1}),
          attention<Kind::causal>("attention_causal", "Attention, fused causal", {.standard = 1}),
          attention<Kind::decode>("attention_decode", "Attention, one token", {.standard = 1})};
}

}  // namespace mlbench::workload
