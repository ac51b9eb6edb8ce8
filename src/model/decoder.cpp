#include "model/decoder.hpp"

namespace mlbench::model {

Visibility Step::visibility() const {
  Visibility v{.kind = Visibility::Kind::all, .queries = count, .keys = 0, .allowed = {}};
  if (is_plain()) {
    v.keys = position + count;
    if (count > 1) v.kind = Visibility::Kind::causal;
    return v;
  }
  if (count == 1) {
    v.keys = capacity;
    return v;
  }
  v.kind = Visibility::Kind::listed;
  v.keys = old_slots() + count;
  v.allowed.assign(static_cast<std::size_t>(v.queries * v.keys), 0);
  for (std::int64_t q = 0; q < count; ++q) {
    const auto at = position + q;
    for (std::int64_t k = 0; k < v.keys; ++k) {
      const auto key = k < old_slots() ? position_in(k) : position + k - old_slots();
      v.allowed[static_cast<std::size_t>(q * v.keys + k)] = key <= at && key > at - window ? 1 : 0;
    }
  }
  return v;
}

}  // namespace mlbench::model
