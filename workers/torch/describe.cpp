#include "torch/describe.hpp"

#include "core/text.hpp"
#include "kit/bound_blas.hpp"
#include "kit/environment.hpp"
#include "torch/device.hpp"
#include "torch/precision.hpp"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/MPSHooksInterface.h>

#include <array>

namespace mlbench::torch_worker {
namespace {

constexpr std::array<std::string_view, 15> kEnvironment = {
    "OMP_*",    "GOMP_*",  "KMP_*",     "MKL_*",  "OPENBLAS_*",           "ATEN_*",
    "ONEDNN_*", "DNNL_*",  "PYTORCH_*", "CUDA_*", "NVIDIA_TF32_OVERRIDE", "TORCH_*",
    "CUBLAS*",  "METAL_*", "MTL_*"};

/// PyTorch's description of its build, without the compiler flags: a paragraph that nobody reads.
Json build_lines(const std::string& config) {
  Json lines = Json::array();
  for (const auto line : lines_of(config)) {
    const auto text = trim(line);
    if (!text.starts_with("- ") || text.starts_with("- Build settings")) continue;
    lines.push_back(std::string(text.substr(2)));
  }
  return lines;
}

Json build() {
  const auto config = at::show_config();
  return {{"config", build_lines(config)},
          {"commit", build_setting(config, "COMMIT_SHA")},
          {"blas", build_setting(config, "BLAS_INFO")},
          {"lapack", build_setting(config, "LAPACK_INFO")},
          {"parallel_backend", build_setting(config, "USE_OPENMP") == "ON" ? "OpenMP" : "native"}};
}

/// The CPU's BLAS by proof; the GPU's by name and, where it is loaded, by its file.
Json blas(at::Device device) {
  if (device.is_cpu()) {
    if (auto mkl = kit::bound_mkl()) return *std::move(mkl);
    return kit::bound_blas();
  }
  const auto symbol = kit::find_symbol(device.is_cuda() ? "cublasGemmEx" : "MPSKernelLibrary");
  return {{"library", device.is_cuda() ? "cuBLAS" : "Metal Performance Shaders"},
          {"path", symbol ? Json(symbol->path) : Json(nullptr)},
          {"config", nullptr},
          {"core", nullptr},
          {"threads", nullptr}};
}

/// PyTorch 2.11 and older cannot tell.
template <class Hooks>
Json largest_buffer_bytes(const Hooks& hooks) {
  if constexpr (requires { hooks.getMaxBufferLength(); }) return hooks.getMaxBufferLength();
  return nullptr;
}

Json limits(at::Device device) {
  if (device.is_mps()) {
    const auto& hooks = at::detail::getMPSHooks();
    return {{"working_set_bytes", hooks.getRecommendedMaxMemory()},
            {"largest_buffer_bytes", largest_buffer_bytes(hooks)}};
  }
  if (device.is_cuda()) {
    const auto [free, total] = at::accelerator::getMemoryInfo(device.index());
    return {{"memory_bytes", total}, {"free_bytes", free}};
  }
  return Json::object();
}

std::optional<std::string> cpu_name() {
  const auto all = at::cpu::get_cpu_capabilities();
  const auto name = all.find("cpu_name");
  if (name == all.end() || !name->second.isString()) return std::nullopt;
  return name->second.toStringRef();
}

}  // namespace

std::string build_setting(std::string_view config, std::string_view key) {
  const auto settings = config.find("Build settings:");
  if (settings == std::string_view::npos) return "";
  for (const auto part : split(config.substr(settings + 15), ',')) {
    const auto text = trim(part);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && text.substr(0, equals) == key) {
      return std::string(text.substr(equals + 1));
    }
  }
  return "";
}

std::string framework_version() {
  return build_setting(at::show_config(), "TORCH_VERSION");
}

Json describe(at::Device device) {
  const auto facts = device_facts(device);
  Json json = Json::object();
  json["framework_version"] = framework_version();
  json["build"] = build();
  json["device_name"] = to_json_or_null(device.is_cpu() ? cpu_name() : facts.name);
  json["gpu_cores"] = to_json_or_null(facts.cores);
  json["multiprocessors"] = to_json_or_null(facts.multiprocessors);
  json["compute_capability"] = to_json_or_null(facts.compute_capability);
  json["l2_bytes"] = to_json_or_null(facts.l2_bytes);
  json["driver"] = to_json_or_null(facts.driver);
  json["cpu_capability"] = at::get_cpu_capability();
  json["blas"] = blas(device);
  json["threads"] = at::get_num_threads();
  json["precision"] = precision_facts();
  json["environment"] = kit::matching_environment(kEnvironment);
  json["limits"] = limits(device);
  json["compiler"] = kit::compiler();
  return json;
}

}  // namespace mlbench::torch_worker
