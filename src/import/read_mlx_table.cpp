#include "import/read_mlx_table.hpp"

#include "core/text.hpp"
#include "import/lenient_json.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace mlbench::importing {
namespace {

struct Column {
  std::string_view name, framework, device;
};
constexpr std::array kColumns = {
    Column{"mlx_gpu", "mlx", "gpu"},      Column{"mlx_gpu_compile", "mlx", "gpu"},
    Column{"mlx_cpu", "mlx", "cpu"},      Column{"mps", "torch", "mps"},
    Column{"cpu", "torch", "cpu"},        Column{"cuda", "torch", "cuda"},
    Column{"torch_mps", "torch", "mps"},  Column{"torch_cpu", "torch", "cpu"},
    Column{"torch_cuda", "torch", "cuda"}};

const Column* find_column(std::string_view name) {
  const auto it = std::find_if(kColumns.begin(), kColumns.end(),
                               [&](const Column& c) { return c.name == name; });
  return it == kColumns.end() ? nullptr : &*it;
}

/// The sides of "dim=64x128 dim=128x32".
std::vector<std::vector<double>> sides_of(std::string_view text) {
  std::vector<std::vector<double>> all;
  for (auto at = text.find("dim="); at != std::string_view::npos; at = text.find("dim=", at + 1)) {
    auto word = text.substr(at + 4);
    word = word.substr(0, word.find_first_of(" \t"));
    std::vector<double> sides;
    for (const auto side : split(word, 'x')) {
      const auto n = parse_double(side);
      if (!n || *n <= 0) return {};
      sides.push_back(*n);
    }
    all.push_back(std::move(sides));
  }
  return all;
}

/// Shape of a matrix product: the sides before the last two are a batch.
void take_product(Row& row, const std::string& name) {
  const auto sides = sides_of(name);
  if (sides.size() < 2 || sides[0].size() < 2 || sides[1].size() < 2) return;
  const auto& a = sides[0];
  const auto& b = sides[1];
  if (a.back() != b[b.size() - 2]) return;
  double rows = 1;
  for (std::size_t i = 0; i + 1 < a.size(); ++i) rows *= a[i];
  row.shape["m"] = rows;  // every matrix of a batch has its rows
  row.shape["n"] = b.back();
  row.shape["k"] = a.back();
}

}  // namespace

bool is_mlx_table_row(const Json& row) {
  if (!row.is_object() || !(row.contains("Operation") || row.contains("operation"))) return false;
  return std::any_of(kColumns.begin(), kColumns.end(),
                     [&](const Column& c) { return row.contains(c.name); });
}

void read_mlx_table_row(File& file, const Json& row, const std::string& path,
                        const MachineFacts& machine) {
  const Json& label = row.contains("Operation") ? row["Operation"] : row["operation"];
  if (!label.is_string()) return;
  const auto name = label.get<std::string>();
  const auto label_field = file.values.use(label);
  for (const auto& [column, cell] : row.items()) {
    const auto* backend = find_column(column);
    if (backend == nullptr) {
      // A speed-up is computed from the columns beside it.
      if (lower(column).find("speedup") != std::string::npos && !cell.is_structured())
        file.values.use(cell);
      continue;
    }
    const auto number = number_in(cell);
    if (!number && !is_not_finite(cell)) continue;
    Row r;
    r.object = path + "." + column;
    r.parent = path;
    r.operation = operation_of_name(name);
    r.framework = std::string(backend->framework);
    r.device = std::string(backend->device);
    r.benchmark = name;
    r.dtype = "float32";  // the suite measures nothing else
    r.machine = machine;
    if (r.operation == "gemm" || r.operation == "linear") take_product(r, name);
    const auto i = file.values.use(cell);
    r.figures.push_back(
        {.quantity = Quantity::time,
         .value = number ? *number * 1e-3 : std::numeric_limits<double>::quiet_NaN(),
         .role = "",
         .name = column,
         .field = i});
    r.fields = {label_field, i};
    if (r.framework == "mlx" && column == "mlx_gpu_compile") r.model = "compiled";
    file.rows.push_back(std::move(r));
  }
}

}  // namespace mlbench::importing
