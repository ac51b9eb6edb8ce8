#pragma once

#include "core/dtype.hpp"

namespace mlbench::workload {

using mlbench::bfloat16_to_float;
using mlbench::DType;
using mlbench::float_to_bfloat16;
using mlbench::float_to_half;
using mlbench::half_to_float;
using mlbench::least_roundoff;
using mlbench::name_of;
using mlbench::parse_dtype;
using mlbench::size_bytes;
using mlbench::unit_roundoff;

}  // namespace mlbench::workload
