#pragma once

#include "model/decoder.hpp"
#include "model/safetensors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

/// What transformers computed (tests/data/llm, made by tools/llm/make_reference.py), and a
/// decoder's answers against it.
namespace mlbench::model::test {

inline std::string data_folder() {
  return MLBENCH_TEST_DATA "/llm/";
}

inline std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(data_folder()))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

struct Expected {
  std::int64_t batch = 0, count = 0, vocab = 0;
  std::vector<std::int32_t> ids, greedy;
  std::vector<float> logits;

  [[nodiscard]] std::vector<std::int32_t> tokens(std::int64_t first, std::int64_t n) const {
    std::vector<std::int32_t> part;
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t t = first; t < first + n; ++t)
        part.push_back(ids[static_cast<std::size_t>(b * count + t)]);
    }
    return part;
  }
};

inline std::vector<std::int32_t> integers(const HostTensor& t) {
  const auto* data = reinterpret_cast<const std::int32_t*>(t.data);
  return {data, data + t.elements()};
}

inline Expected expected_in(const std::string& folder) {
  auto tensors = map_safetensors(folder + "/expected.safetensors");
  REQUIRE_MESSAGE(tensors, (tensors ? "" : tensors.error().message));
  const auto& logits = tensors->at("logits");
  return {.batch = logits.shape[0],
          .count = logits.shape[1],
          .vocab = logits.shape[2],
          .ids = integers(tensors->at("ids")),
          .greedy = integers(tensors->at("greedy")),
          .logits = to_floats(logits)};
}

inline Expected expected(const std::string& family) {
  return expected_in(data_folder() + family);
}

inline Spec spec(const std::string& family) {
  auto read = read_spec(data_folder() + family);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  return *std::move(read);
}

template <class Ops>
Decoder<Ops> decoder(Ops& ops, const Spec& spec, const Weights& weights) {
  auto loaded = Decoder<Ops>::load(ops, spec, weights, 40);
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message));
  return *std::move(loaded);
}

/// Logits of all tokens, computed `chunk` tokens at a time.
template <class Ops>
std::vector<double> logits(Ops& ops, Decoder<Ops>& decoder, const Expected& e, std::int64_t chunk) {
  std::vector<double> all(e.logits.size());
  auto caches = decoder.make_caches(e.batch);
  for (std::int64_t at = 0; at < e.count; at += chunk) {
    const auto n = std::min(chunk, e.count - at);
    auto y = decoder.forward(ops.ids(e.batch, e.tokens(at, n)), n, at, caches, Logits::all);
    const auto part = ops.numbers(y);
    for (std::int64_t b = 0; b < e.batch; ++b) {
      std::copy_n(part.begin() + b * n * e.vocab, n * e.vocab,
                  all.begin() + (b * e.count + at) * e.vocab);
    }
  }
  return all;
}

/// Largest difference, as a share of the range of the expected logits.
inline double error_of(const std::vector<double>& actual, const std::vector<float>& expected) {
  const auto [low, high] = std::minmax_element(expected.begin(), expected.end());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(actual[i] - static_cast<double>(expected[i]));
    worst = std::isfinite(difference) ? std::max(worst, difference) : HUGE_VAL;
  }
  return worst / static_cast<double>(*high - *low);
}

/// The tokens that follow the first sequence, each from the ones before.
template <class Ops>
std::vector<std::int32_t> greedy(Ops& ops, Decoder<Ops>& decoder, const Expected& e) {
  auto caches = decoder.make_caches(1);
  std::vector<std::int32_t> prompt(e.ids.begin(), e.ids.begin() + e.count), tokens;
  auto next = ops.likeliest(decoder.forward(ops.ids(1, prompt), e.count, 0, caches, Logits::last));
  for (std::int64_t at = e.count; tokens.size() < e.greedy.size(); ++at) {
    tokens.push_back(ops.numbers(next).at(0));
    next = ops.likeliest(decoder.forward(next, 1, at, caches, Logits::last));
  }
  return tokens;
}

/// Every family in float32: the whole prompt at once, in chunks, token by token; greedy tokens.
template <class Ops>
void check_families(Ops& ops) {
  for (const auto& family : families()) {
    CAPTURE(family);
    const Expected e = expected(family);
    const Spec s = spec(family);
    const auto weights = synthetic_weights(s, DType::float32, 7);
    auto d = decoder(ops, s, *weights);
    for (const std::int64_t chunk : {e.count, std::int64_t{7}, std::int64_t{3}, std::int64_t{1}}) {
      CAPTURE(chunk);
      CHECK(error_of(logits(ops, d, e, chunk), e.logits) < 5e-5);
    }
    CHECK(greedy(ops, d, e) == e.greedy);
  }
}

/// The check is able to fail: with another rotary base the logits are far away.
template <class Ops>
void check_that_a_wrong_model_is_found(Ops& ops) {
  for (const std::string family : {"llama", "gemma3_text", "gpt_oss"}) {
    CAPTURE(family);
    const Expected e = expected(family);
    Spec s = spec(family);
    s.maths.rope.theta *= 1.5, s.maths.local_rope.theta *= 1.5;
    const auto weights = synthetic_weights(s, DType::float32, 7);
    auto d = decoder(ops, s, *weights);
    CHECK(error_of(logits(ops, d, e, e.count), e.logits) > 1e-3);
  }
}

}  // namespace mlbench::model::test
