#include "native/blas.hpp"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>

namespace mlbench::native {
namespace {

constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;  // CBLAS's own numbers

template <class Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

/// The file that `symbol` was found in, symbolic links resolved.
std::string file_of(const void* symbol) {
  Dl_info info{};
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  char resolved[PATH_MAX];
  return realpath(info.dli_fname, resolved) != nullptr ? resolved : info.dli_fname;
}

}  // namespace

std::vector<std::string> blas_candidates() {
  if (const char* forced = std::getenv("MLBENCH_NATIVE_BLAS")) return {forced};
  return known_blas().names;
}

Result<Blas> Blas::open(int threads) {
  std::vector<Blas> found;
  for (const auto& name : blas_candidates()) {
    auto blas = load(name, threads);
    const auto same = [&](const Blas& other) { return other.path_ == blas->path_; };
    if (blas && std::none_of(found.begin(), found.end(), same)) found.push_back(*std::move(blas));
  }
  if (found.empty()) {
    const char* forced = std::getenv("MLBENCH_NATIVE_BLAS");
    return fail(ErrorKind::unsupported, forced != nullptr
                                            ? "MLBENCH_NATIVE_BLAS=" + std::string(forced) +
                                                  " could not be loaded or has no cblas_sgemm"
                                            : known_blas().cure);
  }
  if (found.size() == 1) return found.front();
  std::vector<double> times;
  for (const auto& blas : found) times.push_back(blas.trial_s());
  return found[static_cast<std::size_t>(std::min_element(times.begin(), times.end()) -
                                        times.begin())];
}

std::optional<std::string> Blas::core_of_first() {
  for (const auto& name : blas_candidates()) {
    if (const auto blas = load(name, 1)) return blas->core_;
  }
  return std::nullopt;
}

std::optional<Blas> Blas::load(const std::string& name, int threads) {
  // Never closed: a library's threads outlive any call.
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return std::nullopt;
  Blas blas;
  if (!find(handle, "cblas_sgemm", blas.functions_.sgemm) ||
      !find(handle, "cblas_dgemm", blas.functions_.dgemm) ||
      !find(handle, "cblas_sgemv", blas.functions_.sgemv)) {
    return std::nullopt;
  }
  blas.path_ = file_of(reinterpret_cast<const void*>(blas.functions_.sgemm));
  blas.ask(handle, threads);
  return blas;
}

// Libraries are told apart by the functions they have: a file name is only a link.
void Blas::ask(void* handle, int threads) {
  void (*set_threads)(int) = nullptr;
  const char* (*get_text)() = nullptr;
  if (find(handle, "openblas_set_num_threads", set_threads)) {
    library_ = "OpenBLAS";
    set_threads(threads);
    find(handle, "openblas_get_num_threads", get_threads_);
    if (find(handle, "openblas_get_config", get_text)) config_ = get_text();
    if (find(handle, "openblas_get_corename", get_text)) core_ = get_text();
  } else if (find(handle, "MKL_Set_Num_Threads", set_threads)) {
    library_ = "MKL";
    set_threads(threads);
    find(handle, "MKL_Get_Max_Threads", get_threads_);
    void (*get_version)(char*, int) = nullptr;
    char text[200] = {};
    if (find(handle, "MKL_Get_Version_String", get_version)) {
      get_version(text, sizeof text - 1);
      config_ = text;
    }
  } else if (find(handle, "bli_info_get_version_str", get_text)) {
    library_ = "BLIS";
    config_ = get_text();
    void (*set_wide)(long) = nullptr;  // BLIS's dim_t
    if (find(handle, "bli_thread_set_num_threads", set_wide)) set_wide(threads);
  } else if (path_.find("Accelerate") != std::string::npos ||
             path_.find("vecLib") != std::string::npos) {
    library_ = "Accelerate";
  }
}

std::optional<int> Blas::threads() const {
  return get_threads_ != nullptr ? std::optional(get_threads_()) : std::nullopt;
}

double Blas::trial_s() const {
  constexpr int n = 384;
  const std::vector<float> x(n * n, 0.5F), w(n * n, 0.25F);
  std::vector<float> y(n * n);
  double best_s = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    gemm(n, n, n, x.data(), w.data(), y.data());
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best_s = std::min(best_s, elapsed.count());
  }
  return best_s;
}

void Blas::gemm(int m, int n, int k, const float* x, const float* w, float* y) const {
  functions_.sgemm(kRowMajor, kNoTrans, kTrans, m, n, k, 1.0F, x, k, w, k, 0.0F, y, n);
}

void Blas::gemm(int m, int n, int k, const double* x, const double* w, double* y) const {
  functions_.dgemm(kRowMajor, kNoTrans, kTrans, m, n, k, 1.0, x, k, w, k, 0.0, y, n);
}

void Blas::gemv(int n, int k, const float* w, const float* x, float* y) const {
  functions_.sgemv(kRowMajor, kNoTrans, n, k, 1.0F, w, k, x, 1, 0.0F, y, 1);
}

}  // namespace mlbench::native
