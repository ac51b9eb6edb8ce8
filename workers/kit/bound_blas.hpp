#pragma once

#include "core/json.hpp"

#include <optional>
#include <string>

namespace mlbench::kit {

/// Where a symbol comes from that every library of this process is bound to.
struct BoundSymbol {
  void* address = nullptr;
  std::string path;  ///< Of the library, with links followed.
};

/// What the dynamic linker finds for `name` in its global search order, which is also what it binds
/// in libraries that import `name`; nullopt when no loaded library exports it.
[[nodiscard]] std::optional<BoundSymbol> find_symbol(const char* name);

/// The BLAS that a call of cblas_sgemm (or of sgemm_ where there is none) reaches in this process:
/// {"library", "path", "config", "core", "threads"}, with OpenBLAS also "replaced_core", the
/// kernels that it had chosen by itself where insist_on_openblas_kernels() changed them. Read from
/// the loaded library itself; what it does not tell is null. All null when neither symbol is bound.
[[nodiscard]] Json bound_blas();

/// Likewise for Intel MKL, which PyTorch links into its own library: nullopt when it is absent.
[[nodiscard]] std::optional<Json> bound_mkl();

/// The name of the BLAS in the library file `path`: "OpenBLAS", "Accelerate", "MKL", "BLIS",
/// "reference BLAS" (libblas, libcblas), else the file's name.
[[nodiscard]] std::string blas_name(const std::string& path);

}  // namespace mlbench::kit
