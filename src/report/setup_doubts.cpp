#include "report/setup_doubts.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>

namespace mlbench::report {
namespace {

const Json* object_under(const Json& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(key);
  return it == json.end() || !it->is_object() ? nullptr : &*it;
}

/// 17 of "applegpu_g17g". Neural accelerators came with generation 17 (M5). Source: MLX,
/// mlx/backend/metal/device.cpp, is_nax_available().
std::optional<std::int64_t> apple_gpu_generation(const Json& facts) {
  constexpr std::string_view kPrefix = "applegpu_g";
  const auto architecture = find_string(facts, "architecture").value_or("");
  if (!architecture.starts_with(kPrefix)) return std::nullopt;
  const auto rest = architecture.substr(kPrefix.size());
  return parse_int(rest.substr(0, rest.find_first_not_of("0123456789")));
}

struct Variable {
  const char* name;
  const char* harmless;  ///< A value that changes nothing.
  const char* effect;
};

constexpr std::array kVariables = {
    Variable{"PYTORCH_MPS_FAST_MATH", "0", "computes less exactly"},
    Variable{"PYTORCH_MPS_PREFER_METAL", "0", "takes other matrix kernels than users get"},
    Variable{"PYTORCH_MPS_DISABLE_PREFILL_ATTENTION", "0", "leaves out the fused attention"},
    Variable{"MLX_ENABLE_TF32", "0", "computes float32 products less exactly"},
    Variable{"MTL_DEBUG_LAYER", "0", "checks every Metal call, which slows it down"},
    Variable{"MTL_SHADER_VALIDATION", "0", "checks every memory access, which slows it down"},
    Variable{"METAL_DEVICE_WRAPPER_TYPE", "0", "checks every Metal call, which slows it down"},
    Variable{"METAL_DEBUG_ERROR_MODE", "0", "checks every Metal call, which slows it down"},
};

}  // namespace

std::optional<bool> has_neural_accelerator_kernels(const Json& facts) {
  const auto generation = apple_gpu_generation(facts);
  if (!generation || *generation < 17) return std::nullopt;
  const Json* build = object_under(facts, "build");
  const Json* package = build == nullptr ? nullptr : object_under(*build, "package");
  return package == nullptr ? std::nullopt : find_bool(*package, "neural_accelerator_kernels");
}

std::vector<std::string> setup_doubts(const Json& facts) {
  std::vector<std::string> doubts;
  if (has_neural_accelerator_kernels(facts) == false) {
    doubts.emplace_back(
        "this MLX has no kernels for the neural accelerators of this GPU, so its matrix products "
        "are understated: the package for macOS 26 has them, and ./mlbench setup takes it under "
        "macOS 26.2 or later");
  }
  if (const Json* environment = object_under(facts, "environment")) {
    for (const auto& [name, harmless, effect] : kVariables) {
      const auto value = find_string(*environment, name);
      if (value && *value != harmless)
        doubts.push_back(std::string(name) + "=" + *value + " was set, which " + effect);
    }
  }
  return doubts;
}

std::optional<std::string> old_kernels_doubt(const Json& facts,
                                             const std::vector<std::string>& features) {
  const Json* blas = object_under(facts, "blas");
  if (blas == nullptr) return std::nullopt;
  if (const auto replaced = find_string(*blas, "replaced_core")) {
    return "OpenBLAS does not know this CPU: measured with OPENBLAS_CORETYPE=" +
           find_string(*blas, "core").value_or("?") + ", without which it runs its " + *replaced +
           " kernels, several times slower";
  }
  if (find_string(*blas, "core") != "Prescott") return std::nullopt;
  const auto has = [&](const char* name) {
    return std::find(features.begin(), features.end(), name) != features.end();
  };
  if (!has("avx2")) return std::nullopt;
  const std::string core = has("avx512f") ? "SkylakeX" : "Haswell";
  return "OpenBLAS does not know this CPU and runs its oldest kernels (Prescott), so every product "
         "through it is understated: run again with OPENBLAS_CORETYPE=" +
         core + ", or with a newer OpenBLAS";
}

}  // namespace mlbench::report
