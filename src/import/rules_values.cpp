// Values that are no results.
#include "core/text.hpp"
#include "import/lenient_json.hpp"
#include "import/rules.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace mlbench::importing {
namespace {

constexpr double kNoisy = 0.10;  // spread of a tenth of the mean: differences below are not seen

bool is_result(Quantity quantity) {
  return quantity == Quantity::time || quantity == Quantity::flop_rate ||
         quantity == Quantity::byte_rate || quantity == Quantity::token_rate ||
         quantity == Quantity::bit_rate;
}

bool is_zero(const Figure& f) {
  return f.value == 0;
}

std::vector<const Figure*> results_of(const Row& row) {
  std::vector<const Figure*> list;
  for (const Figure& f : row.figures) {
    if (is_result(f.quantity)) list.push_back(&f);
  }
  return list;
}

bool all_zero(const Row& row) {
  const auto results = results_of(row);
  return !results.empty() &&
         std::all_of(results.begin(), results.end(), [](const Figure* f) { return is_zero(*f); });
}

/// A row whose result is an amount of memory, such as the largest allocation.
bool is_about_memory(const Row& row) {
  return row.error.empty() &&
         std::any_of(row.figures.begin(), row.figures.end(),
                     [](const Figure& f) { return f.quantity == Quantity::memory && f.value > 0; });
}

}  // namespace

void find_not_finite(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    const std::string strict = file.strict ? "" : "; the file is not valid JSON for it";
    for (const Row& row : file.rows) {
      for (const Figure& f : row.figures) {
        if (std::isfinite(f.value)) continue;
        out.push_back(doubt_about(
            file, row, f, "not_finite",
            f.quantity == Quantity::loss
                ? "the training diverged, so its speed is that of a computation with no result" +
                      strict
                : "not a number, so this failed or was not measured" + strict));
        if (f.quantity != Quantity::loss) continue;
        // The loss and the speed are of one run, also where they stand as two operations.
        for (const Row& other : file.rows) {
          if (other.object == row.object && &other != &row) out.back().rows.push_back(&other);
        }
      }
    }
    for (const Value* value : file.values.not_understood()) {
      if (!is_not_finite(*value->json)) continue;
      const auto i = static_cast<std::size_t>(value - &file.values.at(0));
      out.push_back(doubt_about(file, i, "not_finite", "not a number" + strict));
    }
  }
}

void find_failed_as_zero(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    std::map<std::string, std::vector<const Row*>> silent;  // no error said, by parent
    for (const Row& row : file.rows) {
      if (!all_zero(row)) continue;
      if (row.error.empty()) {
        if (!is_about_memory(row)) silent[row.parent].push_back(&row);
        continue;
      }
      out.push_back(doubt_about(file, row, *results_of(row).front(), "failed_as_zero",
                                "the test failed (" + row.error.substr(0, 100) +
                                    ") and is stored as zero, which is a result that it is not"));
      for (const Figure* f : results_of(row)) {
        const auto& name = file.values.at(f->field).field;
        if (name != out.back().fields.front()) out.back().fields.push_back(name);
      }
    }
    for (const auto& [parent, rows] : silent) {
      std::vector<std::size_t> fields;
      for (const Row* row : rows) {
        for (const Figure* f : results_of(*row)) fields.push_back(f->field);
      }
      out.push_back(doubt_about_all(file, fields, "failed_as_zero",
                                    "nothing takes no time or has no rate: this failed or was not "
                                    "measured"));
      out.back().rows = rows;
    }
  }
}

void find_unmeasured_as_zero(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    std::map<std::string, std::vector<std::size_t>> zeros;
    for (const Row& row : file.rows) {
      const bool failed = all_zero(row) && !is_about_memory(row);
      for (const Figure& f : row.figures) {
        if (!is_zero(f) || f.quantity == Quantity::loss || f.role == "free") continue;
        if (failed && is_result(f.quantity)) continue;
        zeros[f.name].push_back(f.field);
      }
    }
    for (const auto& [name, fields] : zeros) {
      out.push_back(doubt_about_all(file, fields, "unmeasured_as_zero",
                                    "it was not measured; zero stands for unknown"));
    }
  }
}

void find_text_for_number(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Value* value : file.values.not_understood()) {
      if (!value->json->is_string() || is_not_finite(*value->json)) continue;
      const auto dot = value->field.find_last_of('.');
      auto name = dot == std::string::npos ? value->field : value->field.substr(dot + 1);
      if (name.ends_with("_range")) name.resize(name.size() - 6);
      if (!parse_field_name(name)) continue;
      const auto i = static_cast<std::size_t>(value - &file.values.at(0));
      const auto text = value->json->get<std::string>();
      const bool has_digit = text.find_first_of("0123456789") != std::string::npos;
      out.push_back(doubt_about(file, i, "text_for_number",
                                has_digit ? "text where a number belongs: typed in, not written by "
                                            "the program that measured"
                                          : "a placeholder where a number belongs"));
    }
  }
}

void find_noisy(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      for (const Quantity q : {Quantity::time, Quantity::token_rate}) {
        const Figure* mean = positive(row, q);
        const Figure* spread = positive(row, q, "std");
        if (mean == nullptr || spread == nullptr || spread->value <= kNoisy * mean->value) continue;
        out.push_back(doubt_about(file, row, *spread, "noisy",
                                  "the spread is " + digits(100 * spread->value / mean->value) +
                                      " % of the mean: the machine was not settled, and the mean "
                                      "says little"));
        break;
      }
    }
  }
}

}  // namespace mlbench::importing
