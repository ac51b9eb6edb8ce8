#pragma once

#include <optional>
#include <string>

namespace mlbench::kit {

/// The kernels to ask of OpenBLAS where `core`, what openblas_get_corename() says, is its choice
/// for a CPU that it does not know ("Prescott", from before AVX) and this CPU has AVX2: "SkylakeX"
/// with AVX-512, else "Haswell". Nullopt where its choice stands.
[[nodiscard]] std::optional<std::string> better_openblas_kernels(
    const std::optional<std::string>& core);

/// Starts this program again in this process with OPENBLAS_CORETYPE set to
/// better_openblas_kernels(): OpenBLAS reads it when it is loaded, which is before main(). A
/// framework that calls OpenBLAS would else look several times slower than it is for want of a new
/// enough library. Returns where there is nothing better, or where the user has set the variable.
void insist_on_openblas_kernels(const std::optional<std::string>& core);

/// What OpenBLAS chose before insist_on_openblas_kernels() changed it; nullopt where it did not.
[[nodiscard]] std::optional<std::string> replaced_openblas_kernels();

}  // namespace mlbench::kit
