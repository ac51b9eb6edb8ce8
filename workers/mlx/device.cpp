#include "mlx/device.hpp"

#include <mlx/backend/gpu/device_info.h>
#include <mlx/backend/metal/metal.h>
#include <mlx/memory.h>
#include <mlx/stream.h>

#include <algorithm>
#include <variant>

namespace mlbench::mlx_worker {
namespace {

template <class T>
std::optional<T> device_field(mx::Device device, const std::string& key) {
  const auto& info = mx::device_info(device);
  const auto found = info.find(key);
  if (found == info.end()) return std::nullopt;
  const auto* value = std::get_if<T>(&found->second);
  if (value == nullptr) return std::nullopt;
  return *value;
}

}  // namespace

std::vector<std::string> device_names() {
  std::vector<std::string> names = {"cpu"};
  if (mx::gpu::is_available()) names.emplace_back("gpu");
  return names;
}

Result<mx::Device> find_device(const std::string& name) {
  if (name == "cpu") return mx::Device(mx::Device::cpu);
  if (name != "gpu") {
    return fail(ErrorKind::unsupported, "MLX has the devices cpu and gpu, not \"" + name + "\"");
  }
  if (!mx::gpu::is_available()) {
    return fail(ErrorKind::unsupported, "this MLX build finds no GPU on this machine");
  }
  return mx::Device(mx::Device::gpu);
}

std::optional<std::int64_t> device_available_bytes(mx::Device device) {
  if (device != mx::Device::gpu || !mx::metal::is_available()) return std::nullopt;
  const auto most = device_number(device, "max_recommended_working_set_size");
  if (!most) return std::nullopt;
  return std::max<std::int64_t>(0, *most - static_cast<std::int64_t>(mx::get_active_memory()));
}

void synchronize(mx::Device device) {
  mx::synchronize(mx::default_stream(device));
}

std::optional<std::string> device_text(mx::Device device, const std::string& key) {
  return device_field<std::string>(device, key);
}

std::optional<std::int64_t> device_number(mx::Device device, const std::string& key) {
  const auto value = device_field<std::size_t>(device, key);
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

}  // namespace mlbench::mlx_worker
