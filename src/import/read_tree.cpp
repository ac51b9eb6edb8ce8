#include "import/read_tree.hpp"

#include "core/text.hpp"
#include "import/lenient_json.hpp"
#include "import/machine_text.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace mlbench::importing {
namespace {

// Numbers that describe the work, by the names that files use.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kShapeNames = {{
    {"size", "n"},
    {"best_size", "n"},
    {"seq_len", "seq"},
    {"seq_length", "seq"},
    {"sequence_length", "seq"},
    {"seq", "seq"},
    {"num_heads", "heads"},
    {"heads", "heads"},
    {"head_dim", "head_dim"},
    {"dim", "head_dim"},
    {"batch_size", "batch_size"},
    {"hidden_size", "hidden"},
    {"hidden", "hidden"},
    {"intermediate_size", "intermediate"},
    {"trainable_params", "trainable_params"},
    {"total_params", "total_params"},
    {"param_count", "total_params"},
    {"tokens", "tokens"},
    {"tokens_generated", "tokens"},
    {"generated_tokens", "tokens"},
    {"prompt_tokens", "prompt"},
    {"max_new_tokens", "max_new_tokens"},
}};

// Facts that are kept beside the figures as they are.
constexpr std::array<std::string_view, 46> kFacts = {"timestamp",
                                                     "captured_at",
                                                     "role",
                                                     "transport",
                                                     "warmup",
                                                     "num_runs",
                                                     "run",
                                                     "iterations",
                                                     "iters",
                                                     "samples",
                                                     "steps",
                                                     "num_samples",
                                                     "trainable_percent",
                                                     "quantization",
                                                     "backend",
                                                     "execution_model",
                                                     "kernel_type",
                                                     "note",
                                                     "model_identifier",
                                                     "core_count",
                                                     "thread_count",
                                                     "chip_name",
                                                     "chip_type",
                                                     "cores_description",
                                                     "gpu_name",
                                                     "metal_family",
                                                     "mps_available",
                                                     "mps_built",
                                                     "mlx_available",
                                                     "mlx_default_device",
                                                     "neural_engine_cores",
                                                     "neural_engine_available",
                                                     "is_ssd",
                                                     "macos_version",
                                                     "macos_build",
                                                     "python_version",
                                                     "pytorch_version",
                                                     "mlx_version",
                                                     "transformers_version",
                                                     "ray_version",
                                                     "prompt",
                                                     "generated_text",
                                                     "prefill_machine",
                                                     "decode_machine",
                                                     "interface",
                                                     "sample_rate_hz"};

constexpr std::array<std::string_view, 4> kPersonal = {"hostname", "decode_hostname", "wifi_ip",
                                                       "thunderbolt_ip"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string_view shape_name(std::string_view key) {
  for (const auto& [from, to] : kShapeNames) {
    if (from == key) return to;
  }
  return {};
}

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

bool is_count(std::string_view text) {
  return !text.empty() && text.size() < 10 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(File& file) : file_(file), values_(file.values) {}

  void read() {
    Row context;
    visit(*file_.root, context, "", "");
    for (Row& row : file_.rows) {
      if (!row.machine.is_known()) row.machine = file_.machine;
    }
  }

 private:
  void visit(const Json& node, Row context, const std::string& path, const std::string& key) {
    if (node.is_array()) {
      visit_list(node, context, path, key);
    } else if (node.is_object()) {
      take_key(context, key);
      visit_object(node, std::move(context), path, key);
    }
  }

  void visit_list(const Json& list, const Row& context, const std::string& path,
                  const std::string& key) {
    std::size_t i = 0;
    for (const Json& item : list) visit(item, context, path + "[" + std::to_string(i++) + "]", key);
  }

  /// What the name of an object says of all that is in it.
  static void take_key(Row& context, const std::string& key) {
    if (key.empty()) return;
    if (const auto subject = parse_subject(key)) {
      context.framework = subject->framework;
      context.device = subject->device;
    } else if (const auto dtype = parse_dtype_word(key)) {
      context.dtype = *dtype;
    } else if (is_count(key)) {
      context.shape["seq"] = *parse_double(key);
    } else if (key.find("_fp16") != std::string::npos) {
      context.dtype = "float16";
      context.operation = key.substr(0, key.find("_fp16"));
    } else if (key.find("_fp32") != std::string::npos) {
      context.dtype = "float32";
      context.operation = key.substr(0, key.find("_fp32"));
    } else if (key != "benchmarks" && key != "frameworks" && key != "results" &&
               key != "averaged" && key != "all_runs" && key != "metadata") {
      context.operation = operation_of_name(key);
    }
  }

  void visit_object(const Json& object, Row context, const std::string& path,
                    const std::string& key) {
    context.object = path;
    context.parent =
        path.substr(0, path.find_last_of(".[") == std::string::npos ? 0 : path.find_last_of(".["));
    std::vector<Row> rows;
    std::vector<std::size_t> facts;
    std::vector<std::pair<std::string, const Json*>> leaves;
    collect(object, leaves);
    for (const auto& [name, leaf] : leaves) take_fact(context, facts, name, *leaf, key);
    // Fields of the whole object name its figures' circumstances, so they come first.
    for (const auto& [name, leaf] : leaves) {
      if (!values_.is_used(*leaf)) take_figure(context, rows, name, *leaf, key);
    }
    name_unnamed(rows);
    for (Row& row : rows) {
      row.fields.insert(row.fields.end(), facts.begin(), facts.end());
      file_.rows.push_back(std::move(row));
    }
    if (rows.empty()) keep_facts(facts);
    for (const auto& [name, child] : object.items()) {
      if (!child.is_structured() || name == "extra") continue;
      if (child.is_array() && take_samples(name, child)) continue;
      visit(child, context, joined(path, name), name);
    }
  }

  /// The values of an object, with those of its "extra".
  static void collect(const Json& object,
                      std::vector<std::pair<std::string, const Json*>>& leaves) {
    for (const auto& [name, child] : object.items()) {
      if (!child.is_structured()) leaves.emplace_back(name, &child);
      if (name == "extra" && child.is_object()) collect(child, leaves);
    }
  }

  /// A list of plain numbers under a name with a unit: samples behind a figure.
  bool take_samples(const std::string& name, const Json& list) {
    if (list.empty() || !parse_field_name(name)) return false;
    const bool plain = std::all_of(list.begin(), list.end(),
                                   [](const Json& item) { return !item.is_structured(); });
    if (!plain) return false;
    for (const Json& item : list) {
      if (number_in(item)) values_.use(item);
    }
    return true;
  }

  void keep_facts(const std::vector<std::size_t>& facts) {
    for (const auto i : facts) file_.facts.emplace(values_.at(i).field, i);
  }

  void take_fact(Row& context, std::vector<std::size_t>& facts, const std::string& name,
                 const Json& leaf, const std::string& key) {
    const auto use = [&] { facts.push_back(values_.use(leaf)); };
    if (is_one_of(name, kPersonal)) {
      file_.personal.push_back(values_.use(leaf));
    } else if (take_machine(name, leaf, key)) {
      use();
    } else if (leaf.is_string() && take_text(context, name, leaf.get<std::string>())) {
      use();
    } else if (const auto shape = shape_name(name); !shape.empty()) {
      if (take_shape(context, std::string(shape), leaf)) use();
    } else if (is_one_of(name, kFacts) || (leaf.is_null() && name == "extra")) {
      use();
      if (name == "timestamp" && leaf.is_string()) file_.date = leaf.get<std::string>();
    }
  }

  bool take_machine(const std::string& name, const Json& leaf, const std::string& key) {
    MachineFacts& m = file_.machine;
    if (leaf.is_string() && (name == "brand_string" || name == "chip" || name == "hardware" ||
                             name == "machine" || (name == "gpu_name" && !m.is_known()))) {
      auto found = machine_in_text(leaf.get<std::string>());
      if (!m.is_known()) {
        found.gpu_cores = m.gpu_cores ? m.gpu_cores : found.gpu_cores;
        found.cores_field = m.cores_field;
        found.memory_bytes = m.memory_bytes ? m.memory_bytes : found.memory_bytes;
        found.os = m.os;
        m = std::move(found);
      }
      return true;
    }
    const auto number = number_in(leaf);
    if ((name == "gpu_cores" || name == "gpu_cores_estimate") && number && *number > 0 &&
        *number < 10000) {
      m.gpu_cores = static_cast<std::int64_t>(*number);
      m.cores_field = values_.use(leaf);
      return true;
    }
    // Installed memory is sold as "24 GB" and is GiB.
    if (name == "memory_gb" && key == "hardware" && number && *number > 0 && *number < 1e5) {
      m.memory_bytes = static_cast<std::int64_t>(*number * 1073741824.0);
      return true;
    }
    if (name == "total_bytes" && key == "memory" && number && *number > 0 && *number < 1e15)
      m.memory_bytes = static_cast<std::int64_t>(*number);
    if (name == "macos_version" && leaf.is_string()) m.os = "macOS " + leaf.get<std::string>();
    return false;
  }

  static bool take_text(Row& context, const std::string& name, const std::string& text) {
    if (name == "framework") {
      const auto subject = parse_subject(text);
      context.framework = subject ? subject->framework : text;
      if (subject) context.device = subject->device;
    } else if (name == "device") {
      if (text.find("gpu") != std::string::npos) context.device = "gpu";
      if (text == "mps" || text == "cpu" || text == "cuda") context.device = text;
    } else if (name == "dtype" || name == "precision") {
      context.dtype = parse_dtype_word(text).value_or(text);
    } else if (name == "model" || name == "model_name") {
      context.model = text;
    } else if (name == "benchmark" || name == "mode") {
      context.benchmark = text;
      if (const auto subject = parse_subject(text); subject && context.framework.empty()) {
        context.framework = subject->framework;
        context.device = subject->device;
      }
      const std::string word = lower(text);
      if (word.find("tun") != std::string::npos) context.operation = "fine-tuning";
      if (word.find("inference") != std::string::npos) context.operation = "inference";
    } else if (name == "name") {
      if (const auto operation = operation_of_name(text); !operation.empty())
        context.operation = operation;
    } else if (name == "error") {
      context.error = text;
    } else {
      return false;
    }
    return true;
  }

  /// A number, "2048x2048" or "seq=512, heads=32, dim=128".
  static bool take_shape(Row& context, const std::string& shape, const Json& leaf) {
    if (const auto number = number_in(leaf)) {
      context.shape[shape] = *number;
      return true;
    }
    if (!leaf.is_string() || shape != "n") return false;
    const auto& text = leaf.get_ref<const std::string&>();
    if (text.empty()) return true;
    const auto sides = split(text, 'x');
    if (sides.size() == 2 && is_count(sides[0]) && sides[0] == sides[1]) {
      context.shape["n"] = *parse_double(sides[0]);
      return true;
    }
    if (sides.size() == 3 && is_count(sides[0]) && is_count(sides[1]) && is_count(sides[2])) {
      context.shape["m"] = *parse_double(sides[0]);
      context.shape["n"] = *parse_double(sides[1]);
      context.shape["k"] = *parse_double(sides[2]);
      return true;
    }
    for (const auto part : split(text, ',')) {
      const auto equals = part.find('=');
      if (equals == std::string_view::npos) return false;
      const auto known = shape_name(trim(part.substr(0, equals)));
      const auto number = parse_double(trim(part.substr(equals + 1)));
      if (!known.empty() && number) context.shape[std::string(known)] = *number;
    }
    return true;
  }

  void take_figure(const Row& context, std::vector<Row>& rows, const std::string& name,
                   const Json& leaf, const std::string& key) {
    auto field = parse_field_name(name);
    // "send_gbs": {"avg": 1, "max": 2}
    if (!field && name.find('_') == std::string::npos) field = parse_field_name(name + "_" + key);
    if (!field) return;
    const auto number = number_in(leaf);
    if (!number && !is_not_finite(leaf)) return;
    const auto i = values_.use(leaf);
    Row& row = row_for(context, rows, *field);
    row.figures.push_back(
        {.quantity = field->quantity,
         .value = number ? *number * field->scale : std::numeric_limits<double>::quiet_NaN(),
         .role = field->role,
         .name = name,
         .field = i});
    row.fields.push_back(i);
    if (field->quantity == Quantity::memory && field->role == "size" && number)
      row.shape["bytes"] = *number * field->scale;
  }

  /// Figures of one operation in one object are one row.
  static Row& row_for(const Row& context, std::vector<Row>& rows, const FieldName& field) {
    const std::string& operation = field.operation.empty() ? context.operation : field.operation;
    for (Row& row : rows) {
      if (row.operation == operation) return row;
    }
    rows.push_back(context);
    rows.back().operation = operation;
    return rows.back();
  }

  /// A square size whose rate and time make 2 n^3 operations is a matrix product, whatever the file
  /// calls it.
  static void name_unnamed(std::vector<Row>& rows) {
    for (Row& row : rows) {
      const auto n = row.number("n");
      if (!row.operation.empty() || !n || row.find(Quantity::flop_rate) == nullptr) continue;
      row.operation = "gemm";
    }
  }

  File& file_;
  Values& values_;
};

}  // namespace

void read_tree(File& file) {
  Reader(file).read();
}

}  // namespace mlbench::importing
