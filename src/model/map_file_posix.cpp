#include "model/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlbench::model {
namespace {

struct Mapping {
  void* address = MAP_FAILED;
  std::size_t bytes = 0;
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (address != MAP_FAILED) munmap(address, bytes);
  }
};

Error trouble(const std::string& path, const std::string& what) {
  return fail(ErrorKind::io, path + ": " + what + ": " + std::strerror(errno));
}

Result<std::shared_ptr<Mapping>> map_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return trouble(path, "cannot be opened");
  struct stat facts {};
  const bool known = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  auto mapping = std::make_shared<Mapping>();
  if (known && facts.st_size >= 8) {
    mapping->bytes = static_cast<std::size_t>(facts.st_size);
    // Private and writable: a framework that writes into a weight by mistake gets its own page
    // instead of killing the process.
    mapping->address = mmap(nullptr, mapping->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  }
  const int reason = errno;
  close(fd);
  if (!known) return fail(ErrorKind::usage, path + ": it is not a file");
  if (mapping->bytes == 0)
    return fail(ErrorKind::usage,
                path + ": it is too short for a safetensors file; fetch it again");
  errno = reason;
  if (mapping->address == MAP_FAILED) return trouble(path, "cannot be mapped");
  return mapping;
}

}  // namespace

Result<std::map<std::string, HostTensor>> map_safetensors(const std::string& path) {
  auto mapping = map_file(path);
  if (!mapping) return mapping.error();
  const auto* start = static_cast<const char*>((*mapping)->address);
  const std::size_t size = (*mapping)->bytes;
  auto header = parse_safetensors({start, size}, size);
  if (!header) return std::move(header.error()).in(path);
  std::uint64_t length = 0;
  std::memcpy(&length, start, sizeof(length));
  std::map<std::string, HostTensor> tensors;
  for (auto& [name, entry] : *header) {
    const auto* data = reinterpret_cast<const std::byte*>(start) + 8 + length + entry.begin;
    HostTensor tensor{
        .storage = entry.storage, .shape = entry.shape, .data = data, .owner = *mapping};
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

}  // namespace mlbench::model
