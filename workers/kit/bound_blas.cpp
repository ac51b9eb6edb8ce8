#include "kit/bound_blas.hpp"

#include "kit/openblas_kernels.hpp"

#include <dlfcn.h>

#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

namespace mlbench::kit {
namespace {

Json blas_facts(Json library, Json path) {
  return {{"library", std::move(library)},
          {"path", std::move(path)},
          {"config", nullptr},
          {"core", nullptr},
          {"threads", nullptr}};
}

/// `name` as a function of type F, when it lives in the library `path`.
template <class F>
F* function_in(const std::string& path, const char* name) {
  const auto symbol = find_symbol(name);
  if (!symbol || symbol->path != path) return nullptr;
  return reinterpret_cast<F*>(symbol->address);
}

void add_openblas_facts(Json& facts, const std::string& path) {
  if (auto* config = function_in<char*()>(path, "openblas_get_config")) facts["config"] = config();
  if (auto* core = function_in<char*()>(path, "openblas_get_corename")) {
    facts["core"] = core();
    facts["replaced_core"] = to_json_or_null(replaced_openblas_kernels());
  }
  if (auto* threads = function_in<int()>(path, "openblas_get_num_threads")) {
    facts["threads"] = threads();
  }
}

}  // namespace

std::optional<BoundSymbol> find_symbol(const char* name) {
  void* address = dlsym(RTLD_DEFAULT, name);
  if (address == nullptr) return std::nullopt;
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return std::nullopt;
  std::error_code unresolved;
  const auto path = std::filesystem::canonical(info.dli_fname, unresolved);
  return BoundSymbol{.address = address, .path = unresolved ? info.dli_fname : path.string()};
}

std::string blas_name(const std::string& path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kKnown = {
      {{"openblas", "OpenBLAS"},
       {"Accelerate", "Accelerate"},
       {"vecLib", "Accelerate"},
       {"libmkl", "MKL"},
       {"libblis", "BLIS"},
       {"libnvpl", "NVPL"},
       {"libcblas", "reference BLAS"},
       {"libblas", "reference BLAS"}}};
  for (const auto& [part, name] : kKnown) {
    if (path.find(part) != std::string::npos) return std::string(name);
  }
  return std::filesystem::path(path).filename().string();
}

Json bound_blas() {
  for (const char* name : {"cblas_sgemm", "sgemm_"}) {
    const auto symbol = find_symbol(name);
    if (!symbol) continue;
    Json facts = blas_facts(blas_name(symbol->path), symbol->path);
    add_openblas_facts(facts, symbol->path);
    // A library named libblas may well be OpenBLAS (Debian's alternatives); its own word counts.
    if (!facts.at("config").is_null()) facts["library"] = "OpenBLAS";
    return facts;
  }
  return blas_facts(nullptr, nullptr);
}

std::optional<Json> bound_mkl() {
  const auto symbol = find_symbol("MKL_Get_Version_String");
  if (!symbol) return std::nullopt;
  Json facts = blas_facts("MKL", symbol->path);
  std::array<char, 256> version{};
  reinterpret_cast<void (*)(char*, int)>(symbol->address)(version.data(),
                                                          static_cast<int>(version.size()) - 1);
  facts["config"] = std::string(version.data());
  if (auto* threads = function_in<int()>(symbol->path, "MKL_Get_Max_Threads")) {
    facts["threads"] = threads();
  }
  return facts;
}

}  // namespace mlbench::kit
