#include "import/read_llama_bench.hpp"

#include "core/text.hpp"
#include "import/lenient_json.hpp"
#include "import/machine_text.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace mlbench::importing {
namespace {

// Circumstances, in all output formats and versions that we have seen; the figures are not here.
constexpr std::array<std::string_view, 50> kFacts = {"build_commit",
                                                     "build_number",
                                                     "cpu_info",
                                                     "gpu_info",
                                                     "backends",
                                                     "backend",
                                                     "model_filename",
                                                     "n_batch",
                                                     "n_ubatch",
                                                     "n_threads",
                                                     "threads",
                                                     "cpu_mask",
                                                     "cpu_strict",
                                                     "poll",
                                                     "type_k",
                                                     "type_v",
                                                     "n_gpu_layers",
                                                     "ngl",
                                                     "n_cpu_moe",
                                                     "split_mode",
                                                     "sm",
                                                     "main_gpu",
                                                     "no_kv_offload",
                                                     "flash_attn",
                                                     "fa",
                                                     "devices",
                                                     "tensor_split",
                                                     "tensor_buft_overrides",
                                                     "use_mmap",
                                                     "mmap",
                                                     "use_direct_io",
                                                     "embeddings",
                                                     "no_op_offload",
                                                     "no_host",
                                                     "repack",
                                                     "fit_target",
                                                     "fit_min_ctx",
                                                     "test_time",
                                                     "load_mode",
                                                     "moe_cache",
                                                     "n_gen_warmup",
                                                     "defrag_thold",
                                                     "cuda",
                                                     "metal",
                                                     "vulkan",
                                                     "opencl",
                                                     "gpu_blas",
                                                     "blas",
                                                     "dev",
                                                     "type"};

const Json* field(const Json& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto it = object.find(name);
    if (it != object.end()) return &*it;
  }
  return nullptr;
}

std::string text_of(const Json& leaf) {
  return leaf.is_string() ? leaf.get<std::string>() : leaf.dump();
}

/// "3.56 GiB", "6.74 B": a number and what it counts.
std::optional<double> scaled(const std::string& text) {
  const auto space = text.find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto number = parse_double(text.substr(0, space));
  const auto unit = std::string(trim(text.substr(space)));
  if (!number) return std::nullopt;
  if (unit == "GiB") return *number * 1073741824.0;
  if (unit == "MiB") return *number * 1048576.0;
  if (unit == "B") return *number * 1e9;
  if (unit == "M") return *number * 1e6;
  return std::nullopt;
}

class Reader {
 public:
  Reader(File& file, const Json& object, const std::string& path)
      : values_(file.values), object_(object) {
    row_.object = path;
    row_.parent = path.substr(0, path.find_last_of('['));
    row_.framework = "llama.cpp";
  }

  Row read() {
    for (const auto& [name, leaf] : object_.items()) {
      if (std::find(kFacts.begin(), kFacts.end(), name) != kFacts.end() && !leaf.is_structured())
        take(leaf);
    }
    read_machine();
    read_model();
    read_test();
    read_rate();
    read_times();
    return std::move(row_);
  }

 private:
  std::size_t take(const Json& leaf) {
    const auto i = values_.use(leaf);
    row_.fields.push_back(i);
    return i;
  }

  void figure(Quantity quantity, double value, const char* role, const char* name,
              const Json& leaf) {
    row_.figures.push_back(
        {.quantity = quantity, .value = value, .role = role, .name = name, .field = take(leaf)});
  }

  void read_machine() {
    const Json* backend = field(object_, {"backends", "backend"});
    const std::string name = backend == nullptr ? "" : lower(text_of(*backend));
    row_.device = name.find("cuda") != std::string::npos ? "cuda"
                  : name == "cpu" || name == "blas"      ? "cpu"
                  : name.empty()                         ? ""
                                                         : "gpu";
    for (const char* key : {"gpu_info", "cpu_info"}) {
      const Json* leaf = field(object_, {key});
      if (leaf == nullptr || row_.machine.is_known()) continue;
      row_.machine = machine_in_text(text_of(*leaf));
    }
  }

  void read_model() {
    if (const Json* model = field(object_, {"model_type", "model"})) {
      row_.model = text_of(*model);
      take(*model);
    }
    number({"model_size", "size"}, "weights_bytes");
    number({"model_n_params", "params"}, "total_params");
  }

  void number(std::initializer_list<const char*> names, const char* shape) {
    const Json* leaf = field(object_, names);
    if (leaf == nullptr || leaf->is_structured()) return;
    auto value = number_in(*leaf);
    if (!value && leaf->is_string()) value = scaled(leaf->get<std::string>());
    if (!value) return;
    row_.shape[shape] = *value;
    take(*leaf);
  }

  void read_test() {
    number({"n_prompt"}, "prompt");
    number({"n_gen"}, "generated");
    number({"n_depth"}, "depth");
    if (const Json* test = field(object_, {"test"}); test != nullptr && test->is_string())
      read_test_name(*test);
    const bool prompt = row_.number("prompt").value_or(0) > 0;
    const bool generated = row_.number("generated").value_or(0) > 0;
    row_.operation = prompt && generated ? "prefill+decode" : generated ? "decode" : "prefill";
  }

  /// "pp512", "tg 128", "pp512+tg128", "tg128 @ d512".
  void read_test_name(const Json& leaf) {
    const auto text = leaf.get<std::string>();
    bool understood = false;
    const auto take_count = [&](std::string_view mark, const char* name) {
      const auto at = text.find(mark);
      if (at == std::string::npos) return;
      std::string_view rest = trim(std::string_view(text).substr(at + mark.size()));
      const auto count = parse_double(rest.substr(0, rest.find_first_not_of("0123456789")));
      if (!count) return;
      row_.shape[name] = *count;
      understood = true;
    };
    take_count("pp", "prompt");
    take_count("tg", "generated");
    take_count("@ d", "depth");
    if (understood) take(leaf);
  }

  void read_rate() {
    if (const Json* rate = field(object_, {"avg_ts"}); rate != nullptr && number_in(*rate))
      figure(Quantity::token_rate, *number_in(*rate), "", "avg_ts", *rate);
    if (const Json* spread = field(object_, {"stddev_ts"}); spread != nullptr && number_in(*spread))
      figure(Quantity::token_rate, *number_in(*spread), "std", "stddev_ts", *spread);
    const Json* cell = field(object_, {"t/s"});
    if (cell == nullptr || !cell->is_string()) return;
    const auto text = cell->get<std::string>();
    const auto sign = text.find("±");
    const auto mean = parse_double(trim(std::string_view(text).substr(0, sign)));
    if (!mean) return;
    figure(Quantity::token_rate, *mean, "", "t/s", *cell);
    if (sign == std::string::npos) return;
    if (const auto spread = parse_double(trim(std::string_view(text).substr(sign + 2))))
      figure(Quantity::token_rate, *spread, "std", "t/s", *cell);
  }

  void read_times() {
    const auto time = [&](const char* name, double scale, const char* role) {
      const Json* leaf = field(object_, {name});
      if (leaf != nullptr && number_in(*leaf))
        figure(Quantity::time, *number_in(*leaf) * scale, role, name, *leaf);
    };
    time("avg_ns", 1e-9, "");
    time("stddev_ns", 1e-9, "std");
    time("avg_ttft_ms", 1e-3, "ttft");
    time("stddev_ttft_ms", 1e-3, "ttft_std");
    time("avg_itl_ms", 1e-3, "itl");
    time("stddev_itl_ms", 1e-3, "itl_std");
    time("avg_e2e_ms", 1e-3, "e2e");
    time("stddev_e2e_ms", 1e-3, "e2e_std");
    for (const char* name : {"samples_ns", "samples_ts"}) {
      const Json* list = field(object_, {name});
      if (list == nullptr || !list->is_array()) continue;
      for (const Json& item : *list) {
        if (number_in(item)) take(item);
      }
    }
  }

  Values& values_;
  const Json& object_;
  Row row_;
};

}  // namespace

bool is_llama_bench(const Json& object) {
  if (!object.is_object()) return false;
  const bool rate = object.contains("avg_ts") || object.contains("t/s");
  const bool test =
      object.contains("n_prompt") || object.contains("n_gen") || object.contains("test");
  return rate && test;
}

void read_llama_bench(File& file, const Json& object, const std::string& path) {
  file.rows.push_back(Reader(file, object, path).read());
}

}  // namespace mlbench::importing
