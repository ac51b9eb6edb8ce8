#pragma once

#include "import/values.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What readers make of a file: rows of figures with their circumstances, in SI units.
namespace mlbench::importing {

enum class Quantity {
  time,        ///< s
  flop_rate,   ///< FLOP/s
  byte_rate,   ///< byte/s
  token_rate,  ///< token/s
  bit_rate,    ///< bit/s
  memory,      ///< bytes; taken at the unit that the field is labelled with
  share,       ///< 1 = 100 %
  loss,
};

struct Figure {
  Quantity quantity = Quantity::time;
  double value = 0;  ///< NaN where the file says NaN.
  /// What sets it apart from the row's main figure: "std", "min", "peak", "theoretical", "load",
  /// ...; empty for the main one.
  std::string role;
  std::string name;       ///< The field's own name: "bandwidth_gbs".
  std::size_t field = 0;  ///< In the file's Values.
};

/// A machine as a file names it.
struct MachineFacts {
  std::string chip;  ///< "M4 Max" or "RTX 4090"; as in the catalogue where it is found there.
  std::optional<std::int64_t> gpu_cores;
  std::optional<std::int64_t> memory_bytes;
  std::string os;
  std::string text;                        ///< The file's own words.
  std::optional<std::size_t> cores_field;  ///< Where gpu_cores stands.

  [[nodiscard]] bool is_known() const { return !chip.empty(); }
  bool operator==(const MachineFacts& o) const {
    return chip == o.chip && gpu_cores == o.gpu_cores && memory_bytes == o.memory_bytes;
  }
};

/// One thing that was measured.
struct Row {
  std::string object;     ///< Path of the object in the file that it was read from.
  std::string parent;     ///< Path of the object around it: rows of one parent stand side by side.
  std::string operation;  ///< "gemm", "attention", "copy", "decode", "fine-tuning", ...
  std::string framework;  ///< "torch", "mlx", "llama.cpp", or as the file says.
  std::string device;     ///< "mps", "gpu", "cpu", "cuda".
  std::string dtype;      ///< As the file says, with our spelling where we have one.
  std::string model;
  std::string benchmark;                ///< What the file calls itself.
  std::string error;                    ///< The file says that it failed.
  std::map<std::string, double> shape;  ///< "n", "m", "k", "seq", "bytes", "total_params", ...
  std::vector<Figure> figures;
  std::vector<std::size_t> fields;  ///< Of the figures and of everything said about them.
  MachineFacts machine;

  [[nodiscard]] const Figure* find(Quantity quantity, const std::string& role = "") const;
  /// Not only a description of a machine, such as its memory or the space on its disk.
  [[nodiscard]] bool is_result() const;
  [[nodiscard]] std::optional<double> number(const std::string& name) const;
  /// Floating-point operations that its rate and its time stand for together; nullopt without both.
  [[nodiscard]] std::optional<double> implied_flop() const;
  /// Operations of the shape, where operation and shape say how many; nullopt otherwise.
  [[nodiscard]] std::optional<double> known_flop() const;
  /// "GEMM float16 4096" and the like: the same for the same work in any file.
  [[nodiscard]] std::string label() const;
};

/// A file that was read.
struct File {
  std::string path;
  std::string format;
  std::unique_ptr<Json> root;  ///< What `values` points into.
  Values values;
  std::vector<Row> rows;
  MachineFacts machine;                      ///< Of all its rows that name none of their own.
  std::string machine_source;                ///< The file that told, when it was another one.
  std::map<std::string, std::size_t> facts;  ///< Facts about the whole file: name to field.
  std::vector<std::size_t> personal;  ///< Names of hosts and addresses: kept out of what is stored.
  bool strict = true;                 ///< It is valid JSON, or no JSON.
  std::string date;
  /// Values of a journal of our own that are samples and records behind its rows.
  std::size_t further_values = 0;
  std::size_t derived_values = 0;  ///< Of `values`, those that were computed from these.
};

}  // namespace mlbench::importing
