#include "native/native_backend.hpp"

#include "core/text.hpp"
#include "kit/memory.hpp"
#include "kit/openblas_kernels.hpp"
#include "mlbench_version.hpp"
#include "native/blas.hpp"
#include "native/buffer.hpp"
#include "native/ceilings.hpp"
#include "native/inputs.hpp"
#include "native/kernels.hpp"
#include "native/stream.hpp"
#include "native/system.hpp"
#include "native/thread_pool.hpp"

#include <array>
#include <cstdlib>
#include <map>
#include <string_view>

extern char** environ;

namespace mlbench::native {
namespace {

constexpr int kMostThreads = 1024;

/// Errors: `usage` when MLBENCH_NATIVE_THREADS is not a number of threads.
Result<int> thread_count() {
  const char* wish = std::getenv("MLBENCH_NATIVE_THREADS");
  if (wish == nullptr) return usable_cores();
  const auto threads = parse_int(wish);
  if (threads && *threads >= 1 && *threads <= kMostThreads) return static_cast<int>(*threads);
  return fail(ErrorKind::usage, "MLBENCH_NATIVE_THREADS=" + std::string(wish) +
                                    " must be a whole number between 1 and " +
                                    std::to_string(kMostThreads));
}

/// Variables that change the speed of the libraries that may be loaded, in alphabetical order.
Json environment() {
  constexpr std::array<std::string_view, 12> kPrefixes = {
      "OPENBLAS_", "GOTO_", "OMP_",    "GOMP_",           "KMP_",        "MKL_",
      "BLIS_",     "NVPL_", "VECLIB_", "MLBENCH_NATIVE_", "LD_PRELOAD=", "LD_LIBRARY_PATH="};
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    for (const auto prefix : kPrefixes) {
      const auto equals = text.find('=');
      if (text.starts_with(prefix) && equals != std::string_view::npos) {
        found.emplace(text.substr(0, equals), text.substr(equals + 1));
      }
    }
  }
  return Json(found);
}

/// Memory that all threads write to.
class Held final : public kit::Allocation {
 public:
  Held(ThreadPool& pool, std::int64_t bytes)
      : pool_(pool),
        elements_(static_cast<std::size_t>(bytes) / sizeof(float)),
        buffer_(static_cast<std::size_t>(bytes)) {}

  void touch() override {
    const auto loops = widest_stream_loops().front();
    pool_.run([&](int part) {
      const auto range = part_of(elements_, part, pool_.size(), kGrain);
      loops.write(buffer_.as<float>() + range.first, range.count);
    });
  }

 private:
  ThreadPool& pool_;
  std::size_t elements_;
  Buffer buffer_;
};

class NativeBackend final : public kit::Backend {
 public:
  NativeBackend()
      : threads_(thread_count()), pool_(threads_.value_or(1)), blas_(Blas::open(pool_.size())) {}

  [[nodiscard]] protocol::Hello hello() const override {
    return {.worker = "native",
            .framework_version = MLBENCH_VERSION,
            .devices = {"cpu"},
            .workloads = {"gemm", "memory"},
            .variants = {"cold"}};
  }

  Result<Json> describe(const std::string& device) override {
    if (const auto ready = check(device); !ready) return ready.error();
    Json facts = Json::object();
    facts["framework_version"] = MLBENCH_VERSION;
    facts["build"] = {{"type", MLBENCH_BUILD_TYPE}, {"flags", MLBENCH_CXX_FLAGS}};
    facts["compiler"] = MLBENCH_COMPILER;
    facts["device_name"] = to_json_or_null(cpu_name());
    facts["threads"] = pool_.size();
    facts["blas"] = describe_blas();
    facts["limits"] = {{"available_memory_bytes", to_json_or_null(kit::available_memory_bytes())},
                       {"last_level_cache_bytes", to_json_or_null(last_level_cache_bytes())}};
    facts["environment"] = environment();
    return facts;
  }

  Result<std::unique_ptr<kit::Kernel>> prepare(const workload::Case& c, const std::string& device,
                                               std::uint64_t seed) override {
    if (const auto ready = check(device); !ready) return ready.error();
    if (c.variant.independent) {
      return fail(ErrorKind::unsupported,
                  "native runs one call after the other on all cores: nothing can overlap");
    }
    if (c.workload == "gemm") return make_gemm_kernel(c, pool_, blas_, seed);
    if (c.workload == "memory") return make_memory_kernel(c, pool_, seed);
    return fail(ErrorKind::unsupported, "native has no workload \"" + c.workload + "\"");
  }

  /// {"what": "ceilings"}: measure_ceilings().
  Result<Json> probe(const Json& request) override {
    if (find_string(request, "what") != "ceilings") return Backend::probe(request);
    const double budget_s = find_number(request, "budget_s").value_or(20);
    return Json{{"ceilings",
                 measure_ceilings(pool_, blas_ ? &*blas_ : nullptr, kit::available_memory_bytes(),
                                  last_level_cache_bytes(), budget_s)}};
  }

  Result<std::unique_ptr<kit::Allocation>> allocate(const std::string& device,
                                                    std::int64_t bytes) override {
    if (const auto ready = check(device); !ready) return ready.error();
    return std::unique_ptr<kit::Allocation>(std::make_unique<Held>(pool_, bytes));
  }

  void synchronize(const std::string&) override {}  // run() returns when all threads have

 private:
  [[nodiscard]] Status check(const std::string& device) const {
    if (!threads_) return threads_.error();
    if (device == "cpu") return Done{};
    return fail(ErrorKind::unsupported, "native runs on cpu only, not on \"" + device + "\"");
  }

  [[nodiscard]] Json describe_blas() const {
    if (!blas_) return nullptr;
    Json blas = Json::object();
    blas["library"] = blas_->library();
    blas["path"] = blas_->path();
    blas["config"] = to_json_or_null(blas_->config());
    blas["core"] = to_json_or_null(blas_->core());
    blas["replaced_core"] = to_json_or_null(kit::replaced_openblas_kernels());
    blas["threads"] = to_json_or_null(blas_->threads());
    return blas;
  }

  Result<int> threads_;
  ThreadPool pool_;
  Result<Blas> blas_;
};

}  // namespace

std::unique_ptr<kit::Backend> make_native_backend() {
  return std::make_unique<NativeBackend>();
}

}  // namespace mlbench::native
