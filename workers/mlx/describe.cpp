#include "mlx/describe.hpp"

#include "kit/bound_blas.hpp"
#include "kit/cuda_device.hpp"
#include "kit/environment.hpp"
#include "mlx/fused.hpp"
#include "mlx/package.hpp"

#include <mlx/backend/cuda/cuda.h>
#include <mlx/backend/metal/metal.h>
#include <mlx/memory.h>
#include <mlx/version.h>

#include <array>
#include <utility>

namespace mlbench::mlx_worker {
namespace {

constexpr std::array<std::string_view, 9> kEnvironment = {
    "MLX_*",   "OPENBLAS_*", "OMP_*",   "GOMP_*", "CUDA_*", "NVIDIA_TF32_OVERRIDE",
    "METAL_*", "MTL_*",      "VECLIB_*"};

std::string backend_name() {
  if (mx::metal::is_available()) return "Metal";
  if (mx::cu::is_available()) return "CUDA";
  return "CPU only";
}

Json build() {
  return {{"backend", backend_name()}, {"package", package_facts()}};
}

/// The numbers that mx::device_info has for `device`, under this project's names.
Json limits(mx::Device device) {
  constexpr std::array<std::pair<const char*, const char*>, 6> kFields = {
      {{"max_recommended_working_set_size", "working_set_bytes"},
       {"max_buffer_length", "largest_buffer_bytes"},
       {"resource_limit", "buffers"},
       {"memory_size", "memory_bytes"},
       {"total_memory", "memory_bytes"},
       {"free_memory", "free_bytes"}}};
  Json json = Json::object();
  for (const auto& [key, name] : kFields) {
    if (const auto value = device_number(device, key)) json[name] = *value;
  }
  json["framework_memory_limit_bytes"] = mx::get_memory_limit();
  return json;
}

/// Only a BLAS is multi-threaded in MLX's CPU back end.
Json threads(const Json& blas) {
  return blas.at("threads").is_null() ? Json(nullptr) : blas.at("threads");
}

Json blas(mx::Device device) {
  if (device == mx::Device::cpu) return kit::bound_blas();
  const auto cublas = kit::find_symbol("cublasLtMatmul");
  return {{"library", mx::metal::is_available() ? "MLX Metal kernels" : "cuBLASLt"},
          {"path", cublas ? Json(cublas->path) : Json(nullptr)},
          {"config", nullptr},
          {"core", nullptr},
          {"threads", nullptr}};
}

/// What mx::device_info leaves out. MLX's GPU is the CUDA runtime's first device.
Json cuda_facts() {
  const auto cuda = kit::cuda_device(0);
  Json json = {{"multiprocessors", to_json_or_null(cuda.multiprocessors)},
               {"compute_capability", to_json_or_null(cuda.compute_capability)},
               {"l2_bytes", to_json_or_null(cuda.l2_bytes)},
               {"driver", nullptr}};
  if (cuda.cuda_version) json["driver"] = "CUDA " + *cuda.cuda_version;
  return json;
}

}  // namespace

std::string framework_version() {
  return mx::version();
}

Json describe(mx::Device device, const MemorySettings& settings) {
  Json json = Json::object();
  json["framework_version"] = framework_version();
  json["build"] = build();
  json["device_name"] = to_json_or_null(device_text(device, "device_name"));
  json["gpu_cores"] = nullptr;
  json["architecture"] = to_json_or_null(device_text(device, "architecture"));
  if (device == mx::Device::gpu && mx::cu::is_available()) json.update(cuda_facts());
  json["blas"] = blas(device);
  json["threads"] = threads(json["blas"]);
  json["environment"] = kit::matching_environment(kEnvironment);
  json["memory_settings"] = to_json(settings);
  json["fused_kernels"] = can_fuse(device);
  json["limits"] = limits(device);
  json["compiler"] = kit::compiler();
  return json;
}

}  // namespace mlbench::mlx_worker
