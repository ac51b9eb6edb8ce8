#include "workload/language.hpp"

#include "model/checkpoint.hpp"
#include "model/gguf.hpp"
#include "model/tensors.hpp"
#include "workload/family.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>

namespace mlbench::workload {
namespace {

constexpr std::int64_t kMaxTokens = std::int64_t{1} << 20;
constexpr std::int64_t kMaxBatch = 1024;
constexpr std::uint32_t kStreamX = 0;

/// Specs by name: a case is read many times, its config.json once.
Result<std::shared_ptr<const model::Spec>> spec_for(const std::string& name, bool block) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, bool>, std::shared_ptr<const model::Spec>> known;
  const std::scoped_lock lock(mutex);
  const auto key = std::make_pair(name, block);
  if (const auto it = known.find(key); it != known.end()) return it->second;
  auto spec = model::spec_of(name);
  if (!spec) return spec.error();
  if (block) spec->shape.layers = 1;
  auto shared = std::make_shared<const model::Spec>(*std::move(spec));
  known[key] = shared;
  return shared;
}

/// The number parameters of a workload beside "batch".
std::vector<const char*> numbers_of(std::string_view workload) {
  if (workload == "prefill") return {"prompt"};
  if (workload == "decode") return {"depth", "tokens"};
  return {"seq"};
}

std::int64_t number(const Case& c, const char* key) {
  return find_int(c.params, key).value_or(0);
}

/// The part of an id that names the model: its name, or the folder's.
std::string short_name(const std::string& model) {
  namespace fs = std::filesystem;
  fs::path path(model);
  if (path.filename().empty()) path = path.parent_path();
  if (path.filename() == "config.json") path = path.parent_path();
  if (path.extension() == ".gguf") path = path.stem();
  std::string name = path.filename().string();
  for (char& ch : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(ch)) != 0 || ch == '.' || ch == '-';
    if (!plain) ch = '-';
  }
  return name.empty() ? "model" : name;
}

double attended(const model::Spec& spec, std::size_t layer, std::int64_t position) {
  const auto seen = position + 1;
  return static_cast<double>(spec.maths.slides[layer] ? std::min(seen, spec.shape.sliding_window)
                                                      : seen);
}

/// Keys that the new tokens of one sequence look at, over all layers.
double attended_keys(const LanguageCase& l) {
  double sum = 0;
  for (std::int64_t i = 0; i < l.spec->shape.layers; ++i) {
    for (std::int64_t t = l.position; t < l.context(); ++t)
      sum += attended(*l.spec, static_cast<std::size_t>(i), t);
  }
  return sum;
}

/// Bytes of one parameter of the matrices, by what they are.
struct MatrixBytesEach {
  double embedding = 0, others = 0;
};

bool is_dense(const model::Tensor& t) {
  return t.role == model::Role::vector || t.role == model::Role::router;
}

/// As a checkpoint holds them, on the average: its files may mix kinds. The files' headers are
/// read once; nullopt where they cannot be (loading them will say why).
std::optional<MatrixBytesEach> checkpoint_bytes_each(const std::string& model, DType dtype) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, DType>, std::optional<MatrixBytesEach>> known;
  const auto spec = spec_for(model, false);
  const std::scoped_lock lock(mutex);
  const auto key = std::make_pair(model, dtype);
  if (const auto it = known.find(key); it != known.end()) return it->second;
  auto& each = known[key];
  const auto bytes = model::checkpoint_bytes(model, dtype);
  if (!spec || !bytes) return each;
  double embedding = 0, others = 0;
  for (const auto& t : model::tensors_of((*spec)->shape)) {
    if (is_dense(t)) continue;
    (t.role == model::Role::embedding ? embedding : others) += static_cast<double>(t.parameters());
  }
  if (embedding > 0 && others > 0)
    each = {.embedding = static_cast<double>(bytes->embedding) / embedding,
            .others = static_cast<double>(bytes->others) / others};
  return each;
}

MatrixBytesEach matrix_bytes_each(const LanguageCase& l, DType dtype) {
  if (l.quant) {
    const double each = model::bits_per_weight(*l.quant, dtype) / 8;
    return {.embedding = each, .others = each};
  }
  const auto dense = static_cast<double>(size_bytes(dtype));
  const MatrixBytesEach numbers = {.embedding = dense, .others = dense};
  if (l.stored.empty()) return numbers;
  return checkpoint_bytes_each(l.model, dtype).value_or(numbers);
}

/// Bytes of one parameter of `t`.
double bytes_each(const MatrixBytesEach& matrices, const model::Tensor& t, DType dtype) {
  if (is_dense(t)) return static_cast<double>(size_bytes(dtype));
  return t.role == model::Role::embedding ? matrices.embedding : matrices.others;
}

bool of_block(const model::Tensor& t) {
  return t.role != model::Role::embedding && t.role != model::Role::head;
}

}  // namespace

bool is_language(std::string_view workload) noexcept {
  return workload == "prefill" || workload == "decode" || workload == "block";
}

LanguageCase language_case(const Case& c) {
  LanguageCase l;
  l.model = find_string(c.params, "model").value_or("");
  l.block = c.workload == "block";
  l.decodes = c.workload == "decode";
  l.spec = *spec_for(l.model, l.block);
  l.stored = l.spec->shape.stored;
  if (const auto quant = find_string(c.params, "quant"); quant && l.stored.empty())
    l.quant = model::parse_quantisation(*quant);
  // MXFP4 is also the name of a GGUF type; a folder's is multiplied as it is packed.
  const auto* gguf = model::is_gguf(l.model) ? model::find_gguf_type(l.stored) : nullptr;
  l.packed = l.quant || (gguf != nullptr ? model::stays_packed(*gguf) : !l.stored.empty());
  l.batch = number(c, "batch");
  l.position = number(c, "depth");
  l.tokens = l.decodes ? number(c, "tokens") : number(c, l.block ? "seq" : "prompt");
  return l;
}

Result<std::unique_ptr<model::Weights>> weights_of(const LanguageCase& l, DType dtype,
                                                   std::uint64_t seed) {
  std::unique_ptr<model::Weights> weights;
  if (model::is_checkpoint(l.model)) {
    auto own = model::checkpoint_weights(l.model, dtype);
    if (!own) return own.error();
    weights = *std::move(own);
  } else {
    weights = model::synthetic_weights(*l.spec, dtype, seed);
  }
  if (l.quant) weights = model::quantised_weights(*l.spec, std::move(weights), *l.quant, dtype);
  return weights;
}

std::int32_t token_of(const LanguageCase& l, std::uint64_t seed, std::int64_t sequence,
                      std::int64_t position) {
  const auto stream = model::synthetic_stream("tokens", seed);
  const auto index = static_cast<std::uint64_t>(sequence * kMaxTokens + position);
  const double unit = (static_cast<double>(model::synthetic_value(stream, index)) + 1) / 2;
  return static_cast<std::int32_t>(unit * static_cast<double>(l.spec->shape.vocab));
}

model::HostTensor cache_content(const LanguageCase& l, std::uint64_t seed, std::int64_t layer,
                                CachePart part, std::int64_t capacity, DType dtype) {
  const auto& s = l.spec->shape;
  const auto slots = std::min(l.position, capacity);
  const auto stream = model::synthetic_stream(
      "cache." + std::to_string(layer) + (part == CachePart::keys ? ".keys" : ".values"), seed);
  const auto storage = model::storage_of(dtype);
  auto made = model::new_tensor(storage, {l.batch, s.kv_heads, slots, s.head_dim});
  const auto last = l.position - 1;
  std::int64_t at = 0;
  for (std::int64_t head = 0; head < l.batch * s.kv_heads; ++head) {
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      const auto token = l.position <= capacity ? slot : last - (last - slot) % capacity;
      for (std::int64_t i = 0; i < s.head_dim; ++i, ++at) {
        const auto index = static_cast<std::uint64_t>((head * kMaxTokens + token) * s.head_dim + i);
        model::write_float(made.data, storage, at, model::synthetic_value(stream, index));
      }
    }
  }
  return made.tensor;
}

std::int64_t weight_bytes(const LanguageCase& l, DType dtype) {
  const auto matrices = matrix_bytes_each(l, dtype);
  double bytes = 0;
  for (const auto& t : model::tensors_of(l.spec->shape)) {
    if (l.block && !of_block(t)) continue;
    bytes += static_cast<double>(t.parameters()) * bytes_each(matrices, t, dtype);
  }
  return static_cast<std::int64_t>(bytes);
}

std::int64_t cache_bytes(const LanguageCase& l, DType dtype) {
  const auto& s = l.spec->shape;
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < s.layers; ++i) {
    const bool slides = l.spec->maths.slides[static_cast<std::size_t>(i)];
    tokens += slides ? std::min(l.context(), s.sliding_window) : l.context();
  }
  return 2 * l.batch * s.kv_heads * s.head_dim * tokens * size_bytes(dtype);
}

Status Language::validate(const Case& c) const {
  const auto model = get_string(c.params, "model");
  if (!model) return fail(ErrorKind::usage, model.error().message);
  const auto spec = spec_for(*model, c.workload == "block");
  if (!spec) return spec.error();
  const auto in_range = [&](const char* key, std::int64_t low, std::int64_t high) -> Status {
    const auto value = get_int(c.params, key);
    if (!value) return fail(ErrorKind::usage, value.error().message);
    if (*value < low || *value > high)
      return fail(ErrorKind::usage, std::string(key) + " must be between " + std::to_string(low) +
                                        " and " + std::to_string(high));
    return Done{};
  };
  if (auto ok = in_range("batch", 1, kMaxBatch); !ok) return ok;
  std::int64_t context = 0;
  for (const char* key : numbers_of(c.workload)) {
    const std::int64_t low = std::string_view(key) == "depth" ? 0 : 1;
    if (auto ok = in_range(key, low, kMaxTokens / 2); !ok) return ok;
    context += number(c, key);
  }
  if (const auto most = (*spec)->shape.max_context; most && context > *most) {
    return fail(ErrorKind::usage, *model + " is made for at most " + std::to_string(*most) +
                                      " tokens, not " + std::to_string(context));
  }
  std::size_t expected = 2 + numbers_of(c.workload).size();
  if (c.params.contains("quant")) {
    ++expected;
    const auto quant = find_string(c.params, "quant").value_or("");
    const auto& stored = (*spec)->shape.stored;
    if (!stored.empty() && quant != stored)
      return fail(ErrorKind::usage,
                  *model + " is quantised already, as " + stored + "; leave \"quant\" out");
    // What is invented may be of any kind, whatever the model is released in.
    if (stored.empty() && (*spec)->shape.quant && model::is_checkpoint(*model))
      return fail(ErrorKind::usage, *model + " is quantised already; leave \"quant\" out");
    if (c.workload == "block" || (stored.empty() && !model::parse_quantisation(quant)))
      return fail(ErrorKind::usage,
                  "\"quant\": \"" + quant + "\" is none of 4bit, 8bit, int8, mxfp4 and nvfp4");
  }
  if (c.params.size() != expected)
    return fail(ErrorKind::usage, "takes a model, a batch, its numbers of tokens and quant only");
  return Done{};
}

std::string Language::shape_id(const Case& c) const {
  std::string id = short_name(find_string(c.params, "model").value_or(""));
  if (const auto quant = find_string(c.params, "quant")) id += "_" + *quant;
  for (const char* key : numbers_of(c.workload))
    id += "_" + std::string(1, key[0]) + std::to_string(number(c, key));
  return id + "_b" + std::to_string(number(c, "batch"));
}

std::string Language::label(const Case& c) const {
  const std::string model = short_name(find_string(c.params, "model").value_or(""));
  const std::string dtype(name_of(c.dtype));
  const std::string kind = find_string(c.params, "quant").value_or(dtype);
  std::string text = model + " " + kind + " ";
  if (c.workload == "prefill") text += "prompt " + std::to_string(number(c, "prompt"));
  if (c.workload == "decode") text += "decode at " + std::to_string(number(c, "depth"));
  if (c.workload == "block") text += "block " + std::to_string(number(c, "seq"));
  if (number(c, "batch") > 1) text += " x" + std::to_string(number(c, "batch"));
  return text;
}

Work Language::work(const Case& c) const {
  const LanguageCase l = language_case(c);
  const auto& s = l.spec->shape;
  const auto batch = static_cast<double>(l.batch), tokens = static_cast<double>(l.tokens);
  const double head = l.block ? 0 : static_cast<double>(s.vocab * s.hidden);
  const double heads = l.decodes ? tokens : 1;  // tokens of a sequence whose logits are computed
  Work w;
  w.tokens = batch * tokens;
  w.unit = RateUnit::tokens_per_s;
  // Keys times queries, and weights times values.
  const double attention = 4 * attended_keys(l) * static_cast<double>(s.heads * s.head_dim);
  w.flop = batch * (2 * model::matmul_parameters(s) * tokens + 2 * head * heads + attention);
  const double passes = l.decodes ? tokens : 1;
  const auto matrices = matrix_bytes_each(l, c.dtype);
  for (const auto& t : model::tensors_of(s)) {
    if (l.block && !of_block(t)) continue;
    const auto together = l.decodes ? l.batch : l.batch * l.tokens;
    w.bytes += passes * static_cast<double>(t.parameters()) * bytes_each(matrices, t, c.dtype) *
               model::read_fraction(s, t, together);
  }
  const double kv_row = 2 * static_cast<double>(s.kv_heads * s.head_dim * size_bytes(c.dtype));
  const double rows = l.decodes ? attended_keys(l) : static_cast<double>(s.layers) * tokens;
  w.bytes += batch * kv_row * rows;
  return w;
}

std::vector<TensorSpec> Language::inputs(const Case& c) const {
  const LanguageCase l = language_case(c);
  if (!l.block) return {};
  return {{.name = "x",
           .shape = {l.batch, l.tokens, l.spec->shape.hidden},
           .dtype = c.dtype,
           .stream = kStreamX}};
}

TensorSpec Language::output(const Case& c) const {
  const LanguageCase l = language_case(c);
  if (l.block)
    return {.name = "y", .shape = {l.batch, l.tokens, l.spec->shape.hidden}, .dtype = c.dtype};
  return {.name = "logits", .shape = {l.batch, l.spec->shape.vocab}, .dtype = c.dtype};
}

std::int64_t language_bytes(const Case& c) {
  const LanguageCase l = language_case(c);
  const auto& s = l.spec->shape;
  // The widest activations of a chunk of the prompt: gate, up, their product, and the residuals.
  const auto rows = l.batch * (l.decodes ? 1 : std::min<std::int64_t>(l.tokens, kPrefillChunk));
  const auto width = 3 * std::max(s.intermediate, s.expert_intermediate) + 4 * s.hidden;
  return weight_bytes(l, c.dtype) + cache_bytes(l, c.dtype) + rows * width * size_bytes(c.dtype);
}

std::vector<Family> Language::families(const Catalogue& catalogue) const {
  if (!is_wanted(catalogue, name())) return {};
  const auto params = [&](std::int64_t length) -> Json {
    if (name() == "block") return {{"model", "Mistral-7B-v0.3"}, {"batch", 1}, {"seq", length}};
    Json whole = {{"model", "Qwen2.5-0.5B"}, {"batch", 1}};
    if (name() == "prefill") {
      whole["prompt"] = length;
    } else {
      whole.update({{"depth", length}, {"tokens", 8}});
    }
    return whole;
  };
  std::vector<Family> families;
  if (name() != "block") {
    auto& small = families.emplace_back();
    small.name = std::string(name()) + " of a small model";
    small.share = {.quick = 0, .standard = 1};
    Json whole = {{"model", model::kSmallModel}, {"batch", 1}};
    if (name() == "prefill")
      whole["prompt"] = 128;
    else
      whole.update({{"depth", 128}, {"tokens", 4}});
    add_case(small, name(), DType::float32, whole);
  }
  for (const DType dtype : catalogue.dtypes) {
    auto& family = families.emplace_back();
    family.name = std::string(name()) + " " + std::string(name_of(dtype));
    for (const std::int64_t length : {128, 512, 2048, 8192})
      add_case(family, name(), dtype, params(length));
  }
  if (name() == "block") return families;
  const bool halves = std::find(catalogue.dtypes.begin(), catalogue.dtypes.end(),
                                DType::bfloat16) != catalogue.dtypes.end();
  const DType dtype = halves ? DType::bfloat16 : DType::float32;
  auto& batches = families.emplace_back();
  batches.name = std::string(name()) + " of several sequences";
  batches.share = {.quick = 0, .standard = 0};
  for (const int batch : {2, 4, 8}) {
    Json several = params(512);
    several["batch"] = batch;
    add_case(batches, name(), dtype, several);
  }
  auto& quantised = families.emplace_back();
  quantised.name = std::string(name()) + " with quantised weights";
  quantised.share = {.quick = 0, .standard = 0};
  for (const char* kind : {"4bit", "8bit", "int8"}) {
    Json packed = params(512);
    packed["quant"] = kind;
    add_case(quantised, name(), dtype, packed);
  }
  return families;
}

}  // namespace mlbench::workload
