#pragma once

#include "model/weights.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace mlbench::model {

/// Where a tensor of a safetensors file lies, as its header says, checked.
struct SafetensorsEntry {
  Storage storage = Storage::F32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< Bytes, from the end of the header.
};
using SafetensorsHeader = std::map<std::string, SafetensorsEntry>;

/// Reads the header of a file of `file_bytes` bytes whose beginning is `start` (at least its length
/// and header). Errors: `usage`, one sentence, for anything that the format does not allow: a file
/// or header that is cut off, a header of more than 100 MB, bad JSON, an unknown dtype, a shape
/// that is negative or overflows, offsets that do not match the shape, lie outside the file,
/// overlap, or leave a gap.
///
/// Source: github.com/huggingface/safetensors, README, "Format".
[[nodiscard]] Result<SafetensorsHeader> parse_safetensors(std::string_view start,
                                                          std::uint64_t file_bytes);

/// The tensors of one file, mapped into memory; pages are read when they are touched.
/// Errors: `io` when it cannot be opened or mapped, else those of parse_safetensors().
[[nodiscard]] Result<std::map<std::string, HostTensor>> map_safetensors(const std::string& path);

/// Files named by a model.safetensors.index.json: "weight_map" of tensor to file name. Errors:
/// `usage` for bad JSON, or a file name that leads out of the folder.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_shard_index(std::string_view text);

/// The tensors of a folder with model.safetensors, or with shards and their index. Errors as above,
/// and `usage` when there are neither.
[[nodiscard]] Result<std::map<std::string, HostTensor>> folder_tensors(const std::string& folder);
[[nodiscard]] Result<std::unique_ptr<Weights>> folder_weights(const std::string& folder);

}  // namespace mlbench::model
