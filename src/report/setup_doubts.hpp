#pragma once

#include "core/json.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mlbench::report {

/// Whether MLX has matrix kernels for the neural accelerators in the GPU cores of M5 and later,
/// from its answer to `describe`; empty on a GPU without them, and where it is not known.
[[nodiscard]] std::optional<bool> has_neural_accelerator_kernels(const Json& facts);

/// Sentences about how a framework was installed or started that make its numbers doubtful, from
/// its answer to `describe`: a build without the kernels of this GPU, variables that change what is
/// computed or slow it down.
[[nodiscard]] std::vector<std::string> setup_doubts(const Json& facts);

/// A sentence where OpenBLAS chose kernels without AVX ("Prescott") on a CPU whose `features` list
/// avx2, as old releases do on CPUs that they do not know: every product through it is then several
/// times too slow (4.6 times, float32, OpenBLAS 0.3.21 on a Xeon with AVX-512). Another one where
/// the worker had to ask for better kernels, as the user's own programs must. Empty otherwise.
[[nodiscard]] std::optional<std::string> old_kernels_doubt(
    const Json& facts, const std::vector<std::string>& features);

}  // namespace mlbench::report
