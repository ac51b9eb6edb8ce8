#include "model/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

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

}  // namespace

Result<MappedFile> map_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return trouble(path, "cannot be opened");
  struct stat facts {};
  const bool known = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  auto mapping = std::make_shared<Mapping>();
  if (known && facts.st_size > 0) {
    mapping->bytes = static_cast<std::size_t>(facts.st_size);
    // Private and writable: a framework that writes into a weight by mistake gets its own page
    // instead of killing the process.
    mapping->address = mmap(nullptr, mapping->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  }
  const int reason = errno;
  close(fd);
  if (!known) return fail(ErrorKind::usage, path + ": it is not a file");
  if (mapping->bytes == 0) return fail(ErrorKind::usage, path + ": it is empty; fetch it again");
  errno = reason;
  if (mapping->address == MAP_FAILED) return trouble(path, "cannot be mapped");
  return MappedFile{.data = static_cast<const std::byte*>(mapping->address),
                    .bytes = mapping->bytes,
                    .owner = mapping};
}

}  // namespace mlbench::model
