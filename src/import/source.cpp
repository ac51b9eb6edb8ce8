#include "import/source.hpp"

#include "core/text.hpp"
#include "core/units.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace mlbench::importing {
namespace {

namespace fs = std::filesystem;

Error refuse(const fs::path& path, const std::string& why) {
  return fail(ErrorKind::io, path.string() + ": " + why);
}

}  // namespace

Result<std::string> read_source(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error))
    return refuse(path, "is a folder; name its files, for example " + (path / "*.json").string());
  if (!fs::exists(path, error)) return refuse(path, "there is no such file");
  if (!fs::is_regular_file(path, error)) return refuse(path, "is not a regular file");
  const auto size = fs::file_size(path, error);
  if (error) return refuse(path, "cannot be read: " + error.message());
  if (size > kMaxFileBytes) {
    return refuse(path, "is " + format_bytes(static_cast<double>(size)) +
                            ", more than any result file (at most " +
                            format_bytes(static_cast<double>(kMaxFileBytes)) + " are read)");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(size)))
    return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (trim(text).empty()) return refuse(path, "is empty");
  if (text.find('\0') != std::string::npos)
    return refuse(path, "is binary, not JSON, CSV, SQL or Markdown");
  return text;
}

}  // namespace mlbench::importing
