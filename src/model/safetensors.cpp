#include "model/safetensors.hpp"

#include "core/json.hpp"
#include "model/damaged_file.hpp"
#include "model/mapped_file.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mlbench::model {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxDimensions = 16;

std::optional<std::uint64_t> whole(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0)
    return static_cast<std::uint64_t>(value.get<std::int64_t>());
  return std::nullopt;
}

Result<SafetensorsEntry> parse_entry(const std::string& name, const Json& json,
                                     std::uint64_t room) {
  const auto wrong = [&](const std::string& what) {
    return damaged("tensor " + quoted(name) + " " + what);
  };
  if (!json.is_object()) return wrong("is not described by an object");
  SafetensorsEntry entry;
  const auto dtype = find_string(json, "dtype");
  if (!dtype) return wrong("has no dtype");
  const auto storage = parse_storage(*dtype);
  if (!storage) return wrong("has the unknown dtype " + quoted(*dtype));
  entry.storage = *storage;
  const auto shape = json.find("shape");
  if (shape == json.end() || !shape->is_array() || shape->size() > kMaxDimensions)
    return wrong("has no shape, or one of too many dimensions");
  std::uint64_t bytes = static_cast<std::uint64_t>(size_bytes(*storage));
  for (const Json& extent : *shape) {
    const auto n = whole(extent);
    if (!n || *n > static_cast<std::uint64_t>(INT64_MAX))
      return wrong("has a shape that is not made of whole numbers");
    if (*n != 0 && bytes > static_cast<std::uint64_t>(INT64_MAX) / *n)
      return wrong("has a shape larger than any memory");
    bytes *= *n;
    entry.shape.push_back(static_cast<std::int64_t>(*n));
  }
  const auto offsets = json.find("data_offsets");
  if (offsets == json.end() || !offsets->is_array() || offsets->size() != 2)
    return wrong("has no pair of data_offsets");
  const auto begin = whole((*offsets)[0]), end = whole((*offsets)[1]);
  if (!begin || !end || *begin > *end) return wrong("has data_offsets that are no range");
  if (*end > room) return wrong("ends behind the end of the file, which was cut off");
  if (*end - *begin != bytes) return wrong("has data_offsets that do not match its shape");
  entry.begin = *begin, entry.end = *end;
  return entry;
}

/// Every byte belongs to exactly one tensor.
Status check_coverage(const SafetensorsHeader& header, std::uint64_t room) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, e] : header) ranges.emplace_back(e.begin, e.end);
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin < at) return damaged("two of its tensors overlap");
    if (begin > at) return damaged("it has bytes that belong to no tensor");
    at = end;
  }
  if (at != room) return damaged("it has bytes that belong to no tensor");
  return Done{};
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors(std::string_view start, std::uint64_t file_bytes) {
  if (start.size() < 8 || file_bytes < 8) return damaged("it is too short for a safetensors file");
  std::uint64_t length = 0;
  std::memcpy(&length, start.data(), sizeof(length));
  if (length > kMaxHeaderBytes) return damaged("its header claims more than 100 MB");
  if (length > file_bytes - 8 || length > start.size() - 8)
    return damaged("its header is longer than the file, which was cut off");
  const auto json = parse_json(start.substr(8, length));
  if (!json || !json->is_object()) return damaged("its header is not a JSON object");
  SafetensorsHeader header;
  const std::uint64_t room = file_bytes - 8 - length;
  for (const auto& [name, value] : json->items()) {
    if (name == "__metadata__") continue;
    auto entry = parse_entry(name, value, room);
    if (!entry) return entry.error();
    header.emplace(name, *std::move(entry));
  }
  if (auto ok = check_coverage(header, room); !ok) return ok.error();
  return header;
}

Result<std::map<std::string, HostTensor>> map_safetensors(const std::string& path) {
  const auto file = map_file(path);
  if (!file) return file.error();
  auto header = parse_safetensors(file->text(), file->bytes);
  if (!header) return std::move(header.error()).in(path);
  std::uint64_t length = 0;
  std::memcpy(&length, file->data, sizeof(length));
  std::map<std::string, HostTensor> tensors;
  for (auto& [name, entry] : *header) {
    const std::byte* data = file->data + 8 + length + entry.begin;
    HostTensor tensor{
        .storage = entry.storage, .shape = entry.shape, .data = data, .owner = file->owner};
    if (reinterpret_cast<std::uintptr_t>(data) %
            static_cast<std::uintptr_t>(size_bytes(entry.storage)) !=
        0) {
      auto aligned = new_tensor(entry.storage, entry.shape);  // old writers did not pad
      std::memcpy(aligned.data, data, static_cast<std::size_t>(tensor.bytes()));
      tensor = aligned.tensor;
    }
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

Result<std::map<std::string, std::string>> parse_shard_index(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object())
    return fail(ErrorKind::usage, "it is not a JSON object; fetch the file again");
  const auto map = json->find("weight_map");
  if (map == json->end() || !map->is_object())
    return fail(ErrorKind::usage, "it has no weight_map; fetch the file again");
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    const auto name = file.is_string() ? file.get<std::string>() : "";
    const bool plain = !name.empty() &&
                       name.find_first_of(std::string("/\\\0", 3)) == std::string::npos &&
                       name != "." && name != "..";
    if (!plain) {
      return fail(ErrorKind::usage, "it names the file " + quoted(name) +
                                        " for a tensor; only files beside it are read");
    }
    files.emplace(tensor, name);
  }
  if (files.empty()) return fail(ErrorKind::usage, "its weight_map is empty; fetch the file again");
  return files;
}

}  // namespace mlbench::model
