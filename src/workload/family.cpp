#include "workload/family.hpp"

namespace mlbench::workload {

void add_case(Family& family, std::string_view workload, DType dtype, Json params) {
  if (auto c = make_case(workload, dtype, std::move(params))) {
    family.candidates.push_back(*std::move(c));
  }
}

}  // namespace mlbench::workload
