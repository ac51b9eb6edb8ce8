#include "model/host_tensor.hpp"

#include <array>
#include <cstring>
#include <numeric>

namespace mlbench::model {
namespace {

struct Facts {
  std::string_view name;
  std::int64_t size_bytes;
};
constexpr std::array kFacts = {
    Facts{"F64", 8},  Facts{"F32", 4},     Facts{"F16", 2},    Facts{"BF16", 2}, Facts{"I64", 8},
    Facts{"I32", 4},  Facts{"I16", 2},     Facts{"I8", 1},     Facts{"U8", 1},   Facts{"U32", 4},
    Facts{"BOOL", 1}, Facts{"F8_E4M3", 1}, Facts{"F8_E5M2", 1}};

template <class T>
T load(const std::byte* data, std::int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <class T>
void store(std::byte* data, std::int64_t i, T value) {
  std::memcpy(data + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
}

}  // namespace

std::string_view name_of(Storage storage) noexcept {
  return kFacts[static_cast<std::size_t>(storage)].name;
}
std::int64_t size_bytes(Storage storage) noexcept {
  return kFacts[static_cast<std::size_t>(storage)].size_bytes;
}

std::optional<Storage> parse_storage(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].name == name) return static_cast<Storage>(i);
  }
  return std::nullopt;
}

Storage storage_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::float64: return Storage::F64;
    case DType::float16: return Storage::F16;
    case DType::bfloat16: return Storage::BF16;
    default: return Storage::F32;
  }
}

bool is_floating(Storage s) noexcept {
  return s == Storage::F64 || s == Storage::F32 || s == Storage::F16 || s == Storage::BF16;
}

std::int64_t HostTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

HostTensor HostTensor::rows(std::int64_t first, std::int64_t count) const {
  HostTensor part = *this;
  const std::int64_t row = shape[0] == 0 ? 0 : bytes() / shape[0];
  part.shape[0] = count;
  part.data = data + first * row;
  return part;
}

HostTensor HostTensor::at(std::int64_t i) const {
  HostTensor part = rows(i, 1);
  part.shape.erase(part.shape.begin());
  return part;
}

NewTensor new_tensor(Storage storage, std::vector<std::int64_t> shape) {
  HostTensor tensor{.storage = storage, .shape = std::move(shape), .data = nullptr, .owner = {}};
  auto buffer = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(tensor.bytes()));
  std::byte* data = buffer->data();
  tensor.data = data;
  tensor.owner = std::move(buffer);
  return {std::move(tensor), data};
}

void read_floats(const HostTensor& t, std::int64_t first, std::int64_t count, float* out) {
  switch (t.storage) {
    case Storage::F32:
      std::memcpy(out, t.data + first * 4, static_cast<std::size_t>(count) * 4);
      return;
    case Storage::F16:
      for (std::int64_t i = 0; i < count; ++i)
        out[i] = half_to_float(load<std::uint16_t>(t.data, first + i));
      return;
    case Storage::BF16:
      for (std::int64_t i = 0; i < count; ++i)
        out[i] = bfloat16_to_float(load<std::uint16_t>(t.data, first + i));
      return;
    default:
      for (std::int64_t i = 0; i < count; ++i)
        out[i] = static_cast<float>(load<double>(t.data, first + i));
      return;
  }
}

std::vector<float> to_floats(const HostTensor& t) {
  std::vector<float> values(static_cast<std::size_t>(t.elements()));
  read_floats(t, 0, t.elements(), values.data());
  return values;
}

void write_float(std::byte* data, Storage storage, std::int64_t i, float value) {
  switch (storage) {
    case Storage::F16: return store(data, i, float_to_half(value));
    case Storage::BF16: return store(data, i, float_to_bfloat16(value));
    case Storage::F64: return store(data, i, static_cast<double>(value));
    default: return store(data, i, value);
  }
}

HostTensor from_floats(const std::vector<float>& values, std::vector<std::int64_t> shape,
                       Storage storage) {
  auto made = new_tensor(storage, std::move(shape));
  for (std::size_t i = 0; i < values.size(); ++i)
    write_float(made.data, storage, static_cast<std::int64_t>(i), values[i]);
  return made.tensor;
}

}  // namespace mlbench::model
