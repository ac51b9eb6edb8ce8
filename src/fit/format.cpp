#include "fit/format.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

namespace mlbench::fit {
namespace {

constexpr int kVector16 = 2, kVector32 = 4;

struct Known {
  const char* name;
  Format::Kind kind;
  int bits, group, group_bits;
};

// GGUF blocks: ggml-common.h (a 16-bit scale for 32 weights, _1 with an offset; Q4_K, Q5_K and Q6_K
// 144, 176 and 210 bytes for 256; MXFP4 17 bytes for 32). MLX: 16-bit scale and bias for 64
// weights; the fp modes an 8-bit scale for 32 or 16. torch: _weight_int4pack_mm with groups of 64
// (scale and zero at 16 bit), _weight_int8pack_mm with one 16-bit scale a row.
constexpr std::array<Known, 20> kKnown = {{
    {"q4_0", Format::Kind::gguf, 4, 32, 16},   {"q4_1", Format::Kind::gguf, 4, 32, 32},
    {"q5_0", Format::Kind::gguf, 5, 32, 16},   {"q5_1", Format::Kind::gguf, 5, 32, 32},
    {"q4_k", Format::Kind::gguf, 4, 256, 128}, {"q5_k", Format::Kind::gguf, 5, 256, 128},
    {"q6_k", Format::Kind::gguf, 6, 256, 144}, {"q8_0", Format::Kind::gguf, 8, 32, 16},
    {"f16", Format::Kind::gguf, 16, 1, 0},     {"mxfp4", Format::Kind::gguf, 4, 32, 8},
    {"2bit", Format::Kind::mlx, 2, 64, 32},    {"3bit", Format::Kind::mlx, 3, 64, 32},
    {"4bit", Format::Kind::mlx, 4, 64, 32},    {"5bit", Format::Kind::mlx, 5, 64, 32},
    {"6bit", Format::Kind::mlx, 6, 64, 32},    {"8bit", Format::Kind::mlx, 8, 64, 32},
    {"mxfp4", Format::Kind::mlx, 4, 32, 8},    {"nvfp4", Format::Kind::mlx, 4, 16, 8},
    {"int4", Format::Kind::torch, 4, 64, 32},  {"int8", Format::Kind::torch, 8, 0, 16},
}};

Format format_of(const Known& k) {
  return {
      .name = k.name, .kind = k.kind, .bits = k.bits, .group = k.group, .group_bits = k.group_bits};
}

Format gguf(const char* name) {
  const auto it = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) {
    return k.kind == Format::Kind::gguf && std::string_view(k.name) == name;
  });
  return format_of(*it);
}

/// One copy, all its rows in groups of the format.
std::int64_t grouped_bytes(const model::Tensor& t, const Format& f) {
  const std::int64_t groups_per_row = f.group == 0 ? 1 : t.columns / f.group;
  return t.stack * t.rows * (t.columns * f.bits + groups_per_row * f.group_bits) / 8;
}

bool divides(const model::Tensor& t, const Format& f) {
  return f.group == 0 || t.columns % f.group == 0;
}

/// A GGUF file's tensor in this program's own decoder (src/model/gguf_weights.cpp): matrices of 4
/// and 8 bits stay packed, others become numbers; so does the output, which such a file holds in
/// Q6_K, and PyTorch's table of embeddings.
std::int64_t read_gguf_bytes(const model::Tensor& t, const Format& f, bool is_output) {
  const bool numbers = t.role == model::Role::vector || t.role == model::Role::router ||
                       (is_output && f.name != "q8_0") ||
                       (t.role == model::Role::embedding && f.kind == Format::Kind::torch);
  if (numbers || f.bits == 16 || !divides(t, f)) return t.elements() * kVector16;
  Format kind = f;
  if (f.name == "q4_k" && t.columns % 256 != 0) kind.bits = 8;  // as gguf_bytes()
  return grouped_bytes(t, kind);
}

std::int64_t gguf_bytes(const model::Tensor& t, const Format& f, bool is_output) {
  if (t.role == model::Role::vector || t.role == model::Role::router)
    return t.elements() * kVector32;
  if (f.bits == 16) return t.elements() * 2;
  Format kind = f;
  // llama.cpp keeps the matrix that makes the output better than the rest (llama_tensor_get_type).
  if (is_output && f.name != "q8_0" && f.name != "mxfp4") kind = gguf("q6_k");
  if (f.name == "mxfp4" && t.role != model::Role::expert) kind = gguf("q8_0");
  if (kind.group == 256 && !divides(t, kind)) kind = gguf("q8_0");
  return divides(t, kind) ? grouped_bytes(t, kind) : t.elements() * 2;
}

std::int64_t mlx_bytes(const model::Tensor& t, const Format& f) {
  if (t.role == model::Role::vector || (f.experts_only && t.role != model::Role::expert))
    return t.elements() * kVector16;
  Format kind = f;
  // Some of mlx-lm's models keep routers at 8 bit (quant_predicate).
  if (t.least_8bit)
    kind = {.name = "8bit", .kind = f.kind, .bits = 8, .group = 64, .group_bits = 32};
  return divides(t, kind) ? grouped_bytes(t, kind) : t.elements() * 2;
}

std::int64_t torch_bytes(const model::Tensor& t, const Format& f) {
  const bool linear = t.role == model::Role::attention || t.role == model::Role::mlp ||
                      t.role == model::Role::head || t.role == model::Role::expert;
  const bool quantised =
      linear && !(f.experts_only && t.role != model::Role::expert) && divides(t, f);
  return quantised ? grouped_bytes(t, f) : t.elements() * 2;
}

std::int64_t one_copy(const model::Tensor& t, const Format& f, bool is_output) {
  if (f.from_gguf) return read_gguf_bytes(t, f, is_output);
  switch (f.kind) {
    case Format::Kind::plain: return t.elements() * f.bits / 8;
    case Format::Kind::gguf: return gguf_bytes(t, f, is_output);
    case Format::Kind::mlx: return mlx_bytes(t, f);
    case Format::Kind::torch: return torch_bytes(t, f);
  }
  return 0;
}

Format::Kind kind_of_runtime(const std::string& runtime) {
  if (runtime == "llama.cpp") return Format::Kind::gguf;
  return runtime == "torch" ? Format::Kind::torch : Format::Kind::mlx;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "4bit-g32": MLX's own kinds with other groups, which PyTorch's 4-bit kernel takes too.
std::optional<Format> other_groups(const std::string& name, Format::Kind kind) {
  const auto dash = name.find("bit-g");
  if (dash == std::string::npos || kind == Format::Kind::gguf) return std::nullopt;
  const auto group = parse_int(std::string_view(name).substr(dash + 5));
  if (group != 32 && group != 64 && group != 128) return std::nullopt;
  const std::string bits = name.substr(0, dash + 3);
  for (const auto& k : kKnown) {
    if (k.kind != Format::Kind::mlx || bits != k.name) continue;
    if (kind == Format::Kind::torch && k.bits != 4) return std::nullopt;
    Format format = format_of(k);
    format.kind = kind, format.group = static_cast<int>(*group);
    if (group != 64) format.name = name;
    return format;
  }
  return std::nullopt;
}

/// The kind of a GGUF file in this program's own decoder. PyTorch has no kernel for 8-bit weights
/// in groups.
std::optional<Format> own_gguf(const std::string& name, const std::string& runtime) {
  const auto kind = kind_of_runtime(runtime);
  if (runtime != "torch" && runtime != "mlx") return std::nullopt;
  for (const auto& k : kKnown) {
    if (k.kind != Format::Kind::gguf || name != k.name || name == "mxfp4" || k.bits == 16) continue;
    if (kind == Format::Kind::torch && k.bits == 8) return std::nullopt;
    Format format = {.name = name, .kind = kind, .bits = 16};
    if (k.bits == 4 || k.bits == 8) format.bits = k.bits, format.group = 32, format.group_bits = 32;
    format.from_gguf = true;
    return format;
  }
  return std::nullopt;
}

bool is_known(const std::string& name) {
  return std::any_of(kKnown.begin(), kKnown.end(), [&](const Known& k) { return name == k.name; });
}

/// llama.cpp's mixtures ("q4_k_m") by the kind that most of their matrices have.
std::string without_mixture(const std::string& name) {
  const std::string stem = name.substr(0, name.rfind('_'));
  const bool mixture = name.ends_with("_s") || name.ends_with("_m") || name.ends_with("_l");
  return mixture && is_known(stem) ? stem : name;
}

/// " is not known; did you mean q4_k? ", where a kind of that runtime has such a name; else ": ".
std::string suggestion(const std::string& name, Format::Kind kind) {
  std::vector<std::string> names;
  for (const auto& k : kKnown) {
    if (k.kind == kind) names.emplace_back(k.name);
  }
  const std::string stem = without_mixture(name);
  const bool has_stem = stem != name && std::find(names.begin(), names.end(), stem) != names.end();
  const auto near = has_stem ? std::optional(stem) : nearest(name, names);
  return near ? " is not known; did you mean " + *near + "? " : ": ";
}

/// Of a model released in `released` (empty: in dense weights). PyTorch runs MXFP4 only as it was
/// released.
std::string names_of(Format::Kind kind, const std::optional<std::string>& released) {
  std::vector<std::string> names;
  for (const auto& k : kKnown) {
    if (k.kind == kind) names.emplace_back(k.name);
  }
  if (kind != Format::Kind::mlx) names.insert(names.end(), {"4bit", "8bit"});
  if (kind == Format::Kind::torch && released == "mxfp4") names.push_back(*released);
  return join(names, ", ");
}

std::int64_t& of_role(model::ModelShape::TensorBytes& bytes, model::Role role) {
  switch (role) {
    case model::Role::embedding: return bytes.embedding;
    case model::Role::head: return bytes.head;
    case model::Role::vector: return bytes.vectors;
    default: return bytes.matrices;
  }
}

/// What the model's own file says of its tensors, where `format` is that file's.
std::optional<model::ModelShape::TensorBytes> bytes_of_file(const model::ModelShape& shape,
                                                            const Format& format) {
  if (format.name != shape.stored) return std::nullopt;
  if (!format.from_gguf) return format.kind == Format::Kind::gguf ? shape.file_bytes : std::nullopt;
  auto held = shape.held_bytes;
  if (held && format.kind == Format::Kind::torch) {  // looks embeddings up in numbers
    held->embedding = 0;
    for (const auto& t : tensors_of(shape)) {
      if (t.role == model::Role::embedding) held->embedding += t.parameters() * kVector16;
    }
  }
  return held;
}

/// All tensors, with the bytes of all copies of each. Those of a GGUF file are of several kinds:
/// what it holds for one role is divided by their numbers of parameters.
std::vector<std::pair<model::Tensor, double>> bytes_of_tensors(const model::ModelShape& shape,
                                                               const Format& format) {
  const auto tensors = tensors_of(shape);
  auto file = bytes_of_file(shape, format);
  model::ModelShape::TensorBytes parameters;
  for (const auto& t : tensors) of_role(parameters, t.role) += t.parameters();
  std::vector<std::pair<model::Tensor, double>> all;
  for (const auto& t : tensors) {
    const bool is_output =
        t.role == model::Role::head || (t.role == model::Role::embedding && shape.tied);
    const double share =
        static_cast<double>(t.parameters()) /
        static_cast<double>(std::max<std::int64_t>(1, of_role(parameters, t.role)));
    all.emplace_back(t, file ? share * static_cast<double>(of_role(*file, t.role))
                             : static_cast<double>(one_copy(t, format, is_output) * t.copies));
  }
  return all;
}

}  // namespace

std::int64_t bytes_of(const model::Tensor& t, const Format& f) {
  return one_copy(t, f, t.role == model::Role::head) * t.copies;
}

std::int64_t weight_bytes(const model::ModelShape& shape, const Format& format) {
  double bytes = 0;
  for (const auto& [tensor, its] : bytes_of_tensors(shape, format)) bytes += its;
  return std::llround(bytes);
}

double weight_bytes_read(const model::ModelShape& shape, const Format& format, std::int64_t batch) {
  double bytes = 0;
  for (const auto& [tensor, its] : bytes_of_tensors(shape, format))
    bytes += its * read_fraction(shape, tensor, batch);
  return bytes;
}

Result<Format> parse_dtype(const std::string& text) {
  const std::string name = lower(text);
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* n) { return name == n; });
  };
  if (is({"float32", "fp32", "f32"})) return Format{.name = "float32", .bits = 32};
  if (is({"float16", "fp16", "f16", "half"})) return Format{.name = "float16"};
  if (is({"bfloat16", "bf16"})) return Format{.name = "bfloat16"};
  return fail(ErrorKind::usage,
              "--dtype " + text +
                  ": weights can be float32, float16 or bfloat16; other kinds go with --quant");
}

Result<Format> parse_quant(const std::string& text, const std::string& runtime,
                           const model::ModelShape& shape) {
  std::string name = lower(text);
  if (name == "int4" && runtime != "torch") name = "4bit";
  if (name == "int8" && runtime != "torch") name = "8bit";
  const auto kind = kind_of_runtime(runtime);
  if (kind == Format::Kind::gguf && (name == "4bit" || name == "8bit"))
    name = name == "4bit" ? "q4_0" : "q8_0";
  if (kind == Format::Kind::torch && (name == "4bit" || name == "8bit"))
    name = name == "4bit" ? "int4" : "int8";
  const bool released = shape.quant == name;
  if (kind == Format::Kind::torch && name == "mxfp4" && released) {
    return Format{
        .name = name, .kind = kind, .bits = 4, .group = 32, .group_bits = 8, .experts_only = true};
  }
  for (const auto& k : kKnown) {
    if (k.kind != kind || name != k.name) continue;
    Format format = format_of(k);
    format.experts_only = kind != Format::Kind::gguf && name == "mxfp4" && released;
    return format;
  }
  if (auto format = other_groups(name, kind)) return *std::move(format);
  if (released) {
    if (auto format = own_gguf(name, runtime)) return *std::move(format);
  }
  return fail(ErrorKind::usage, "--quant " + text + suggestion(name, kind) + runtime + " has " +
                                    names_of(kind, shape.quant));
}

std::string runtime_of_quant(const std::string& text) {
  const std::string name = without_mixture(lower(text));
  if (name == "mxfp4") return "";
  if (other_groups(name, Format::Kind::mlx)) return "mlx-lm";
  for (const auto& k : kKnown) {
    if (name != k.name || name == "4bit" || name == "8bit" || name == "int4" || name == "int8")
      continue;
    return k.kind == Format::Kind::gguf    ? "llama.cpp"
           : k.kind == Format::Kind::torch ? "torch"
                                           : "mlx-lm";
  }
  return "";
}

}  // namespace mlbench::fit
