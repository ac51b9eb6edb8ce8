#include "workload/family.hpp"

#include <algorithm>

namespace mlbench::workload {

bool is_wanted(const Catalogue& catalogue, std::string_view workload) {
  const auto& names = catalogue.operations;
  return !names || std::find(names->begin(), names->end(), workload) != names->end();
}

void add_case(Family& family, std::string_view workload, DType dtype, Json params) {
  if (auto c = make_case(workload, dtype, std::move(params))) {
    family.candidates.push_back(*std::move(c));
  }
}

}  // namespace mlbench::workload
