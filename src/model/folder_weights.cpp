#include "model/safetensors.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace mlbench::model {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxIndexBytes = std::uintmax_t{256} << 20;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto n : shape) text += (text.empty() ? "" : "x") + std::to_string(n);
  return text.empty() ? "one number" : text;
}

class FolderWeights final : public Weights {
 public:
  FolderWeights(std::string folder, std::map<std::string, HostTensor> tensors)
      : folder_(std::move(folder)), tensors_(std::move(tensors)) {}

  [[nodiscard]] bool has(const std::string& name) const override { return find(name) != nullptr; }

  [[nodiscard]] Result<HostTensor> get(const std::string& name,
                                       const std::vector<std::int64_t>& shape,
                                       std::int64_t fan_in) const override {
    static_cast<void>(fan_in);
    auto tensor = raw(name);
    if (!tensor) return tensor;
    if (tensor->shape != shape) {
      return fail(ErrorKind::usage, folder_ + ": tensor " + name + " is " +
                                        shape_text(tensor->shape) + ", but config.json implies " +
                                        shape_text(shape) + "; do both belong to one model?");
    }
    if (!is_floating(tensor->storage)) {
      return fail(
          ErrorKind::usage,
          folder_ + ": tensor " + name + " is " + std::string(name_of(tensor->storage)) +
              ", which is no float16, bfloat16 or float32, and nothing says how to read it");
    }
    return tensor;
  }

  [[nodiscard]] Result<HostTensor> raw(const std::string& name) const override {
    const HostTensor* found = find(name);
    if (found == nullptr) {
      return fail(ErrorKind::usage, folder_ + ": there is no tensor " + name +
                                        ", which config.json implies; is a file missing?");
    }
    return *found;
  }

  [[nodiscard]] std::string description() const override { return "weights of " + folder_; }

 private:
  /// Image-and-text models keep the language model one level down.
  [[nodiscard]] const HostTensor* find(const std::string& name) const {
    for (const char* prefix : {"", "language_model.", "model.language_model."}) {
      std::string full = prefix + name;
      if (std::string_view(prefix) == "model.language_model." && name.starts_with("model."))
        full = prefix + name.substr(6);
      if (const auto it = tensors_.find(full); it != tensors_.end()) return &it->second;
    }
    return nullptr;
  }

  std::string folder_;
  std::map<std::string, HostTensor> tensors_;
};

Result<std::map<std::string, std::string>> read_index(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size > kMaxIndexBytes)
    return fail(ErrorKind::usage, path.string() + ": larger than any index; fetch it again");
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  auto index = parse_shard_index(text.str());
  if (!index) return std::move(index.error()).in(path.string());
  return index;
}

}  // namespace

Result<std::map<std::string, HostTensor>> folder_tensors(const std::string& folder) {
  std::error_code ignored;
  const fs::path root(folder);
  std::set<std::string> files;
  std::map<std::string, std::string> index;
  if (const auto path = root / "model.safetensors.index.json"; fs::exists(path, ignored)) {
    auto read = read_index(path);
    if (!read) return read.error();
    index = *std::move(read);
    for (const auto& [tensor, file] : index) files.insert(file);
  } else if (fs::exists(root / "model.safetensors", ignored)) {
    files.insert("model.safetensors");
  } else {
    return fail(ErrorKind::usage, folder +
                                      ": there is neither model.safetensors nor "
                                      "model.safetensors.index.json; give config.json alone to "
                                      "measure with invented weights");
  }
  std::map<std::string, HostTensor> all;
  for (const auto& file : files) {
    auto tensors = map_safetensors((root / file).string());
    if (!tensors) return tensors.error();
    for (auto& [name, tensor] : *tensors) {
      // Where there is an index, it decides which file a tensor comes from.
      const auto it = index.find(name);
      if (index.empty() || (it != index.end() && it->second == file))
        all.emplace(name, std::move(tensor));
    }
  }
  return all;
}

Result<std::unique_ptr<Weights>> folder_weights(const std::string& folder) {
  auto all = folder_tensors(folder);
  if (!all) return all.error();
  return std::unique_ptr<Weights>(std::make_unique<FolderWeights>(folder, *std::move(all)));
}

}  // namespace mlbench::model
