#include "model/gguf.hpp"

#include "model/damaged_file.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace mlbench::model {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is little-endian");

constexpr std::uint64_t kMaxEntries = 1'000'000;
constexpr std::uint64_t kMaxDimensions = 4;
constexpr std::uint64_t kKeptNumbers = 4096;  ///< Of an array in the metadata.

/// Reads on from where it stands; after the first thing that is cut off, only zeros.
class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  template <class T>
  T number() {
    T value{};
    if (!take(sizeof(T))) return value;
    std::memcpy(&value, file_.data() + at_ - sizeof(T), sizeof(T));
    return value;
  }

  std::string text() {
    const auto length = number<std::uint64_t>();
    if (!take(length)) return {};
    return std::string(file_.substr(at_ - length, length));
  }

  void skip(std::uint64_t bytes) { static_cast<void>(take(bytes)); }
  [[nodiscard]] bool is_cut_off() const { return cut_off_; }
  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] std::uint64_t left() const { return file_.size() - at_; }

 private:
  [[nodiscard]] bool take(std::uint64_t bytes) {
    cut_off_ = cut_off_ || bytes > left();
    if (!cut_off_) at_ += bytes;
    return !cut_off_;
  }

  std::string_view file_;
  std::uint64_t at_ = 0;
  bool cut_off_ = false;
};

enum class Kind : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  text,
  array,
  u64,
  i64,
  f64
};

/// Bytes of a number; 0 for what has no fixed size.
std::uint64_t size_of(Kind kind) {
  switch (kind) {
    case Kind::u8:
    case Kind::i8:
    case Kind::boolean: return 1;
    case Kind::u16:
    case Kind::i16: return 2;
    case Kind::u32:
    case Kind::i32:
    case Kind::f32: return 4;
    case Kind::u64:
    case Kind::i64:
    case Kind::f64: return 8;
    case Kind::text:
    case Kind::array: break;
  }
  return 0;
}

Json read_number(Reader& r, Kind kind) {
  switch (kind) {
    case Kind::u8: return r.number<std::uint8_t>();
    case Kind::i8: return r.number<std::int8_t>();
    case Kind::u16: return r.number<std::uint16_t>();
    case Kind::i16: return r.number<std::int16_t>();
    case Kind::u32: return r.number<std::uint32_t>();
    case Kind::i32: return r.number<std::int32_t>();
    case Kind::f32: return static_cast<double>(r.number<float>());
    case Kind::boolean: return r.number<std::uint8_t>() != 0;
    case Kind::u64: return r.number<std::uint64_t>();
    case Kind::i64: return r.number<std::int64_t>();
    case Kind::f64: return r.number<double>();
    case Kind::text:
    case Kind::array: break;
  }
  return nullptr;
}

std::optional<Kind> read_kind(Reader& r) {
  const auto kind = r.number<std::uint32_t>();
  if (kind > static_cast<std::uint32_t>(Kind::f64)) return std::nullopt;
  return static_cast<Kind>(kind);
}

/// The array's numbers, or how many elements it has. nullopt: of a kind that does not exist.
std::optional<Json> read_array(Reader& r) {
  const auto kind = read_kind(r);
  const auto count = r.number<std::uint64_t>();
  if (!kind || *kind == Kind::array) return std::nullopt;
  if (*kind == Kind::text) {
    for (std::uint64_t i = 0; i < count && !r.is_cut_off(); ++i) r.skip(r.number<std::uint64_t>());
    return Json(count);
  }
  if (count > kKeptNumbers) {
    const bool fits = count <= r.left() / size_of(*kind);
    r.skip(fits ? count * size_of(*kind) : r.left() + 1);
    return Json(count);
  }
  Json list = Json::array();
  for (std::uint64_t i = 0; i < count; ++i) list.push_back(read_number(r, *kind));
  return list;
}

Status read_metadata(Reader& r, std::uint64_t count, Json& metadata) {
  for (std::uint64_t i = 0; i < count && !r.is_cut_off(); ++i) {
    const std::string key = r.text();
    const auto kind = read_kind(r);
    if (!kind) return damaged("its entry " + quoted(key) + " has a kind that GGUF does not have");
    if (*kind == Kind::array) {
      auto list = read_array(r);
      if (!list)
        return damaged("its entry " + quoted(key) + " is an array of a kind not known here");
      metadata[key] = *std::move(list);
    } else if (*kind == Kind::text) {
      metadata[key] = r.text();
    } else {
      metadata[key] = read_number(r, *kind);
    }
  }
  return Done{};
}

/// All but whether it lies inside the file; `begin` from the start of the data.
Result<GgufEntry> read_entry(Reader& r, const std::string& name) {
  const auto wrong = [&](const std::string& what) {
    return damaged("tensor " + quoted(name) + " " + what);
  };
  const auto dimensions = r.number<std::uint32_t>();
  if (dimensions > kMaxDimensions) return wrong("has too many dimensions");
  GgufEntry entry;
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto extent = r.number<std::uint64_t>();
    if (extent == 0 || extent > static_cast<std::uint64_t>(INT64_MAX) / 256 / elements)
      return wrong("has an empty shape, or one larger than any memory");
    elements *= extent;
    entry.shape.insert(entry.shape.begin(), static_cast<std::int64_t>(extent));
  }
  const auto id = r.number<std::uint32_t>();
  entry.type = find_gguf_type(id);
  if (entry.type == nullptr)
    return fail(ErrorKind::usage, "tensor " + quoted(name) + " has the type " + std::to_string(id) +
                                      ", which is not known here");
  if ((entry.shape.empty() ? 1 : entry.shape.back()) % entry.type->block != 0)
    return wrong("has rows that are no whole blocks");
  entry.begin = r.number<std::uint64_t>();
  return entry;
}

}  // namespace

std::int64_t GgufEntry::elements() const {
  std::int64_t n = 1;
  for (const auto extent : shape) n *= extent;
  return n;
}

Result<GgufHeader> parse_gguf(std::string_view file) {
  Reader r(file);
  if (!file.starts_with("GGUF")) return damaged("it is no GGUF file");
  r.skip(4);
  const auto version = r.number<std::uint32_t>();
  if (version != 2 && version != 3)
    return fail(ErrorKind::usage, "it is GGUF of version " + std::to_string(version) +
                                      "; only versions 2 and 3 are known here");
  const auto tensors = r.number<std::uint64_t>(), entries = r.number<std::uint64_t>();
  if (tensors > kMaxEntries || entries > kMaxEntries)
    return damaged("its header claims more tensors or entries than any model has");
  GgufHeader header;
  if (auto ok = read_metadata(r, entries, header.metadata); !ok) return ok.error();
  for (std::uint64_t i = 0; i < tensors && !r.is_cut_off(); ++i) {
    const std::string name = r.text();
    auto entry = read_entry(r, name);
    if (r.is_cut_off()) break;
    if (!entry) return entry.error();
    if (!header.tensors.emplace(name, *std::move(entry)).second)
      return damaged("it has the tensor " + quoted(name) + " twice");
  }
  if (r.is_cut_off()) return damaged("its header is longer than the file, which was cut off");
  const auto alignment = find_int(header.metadata, "general.alignment").value_or(32);
  if (alignment <= 0 || alignment > 1 << 20) return damaged("its alignment is out of range");
  const auto step = static_cast<std::uint64_t>(alignment);
  const std::uint64_t data = (r.at() + step - 1) / step * step;
  for (auto& [name, entry] : header.tensors) {
    const auto bytes = static_cast<std::uint64_t>(entry.bytes());
    if (data > file.size() || entry.begin > file.size() - data ||
        bytes > file.size() - data - entry.begin)
      return damaged("tensor " + quoted(name) +
                     " ends behind the end of the file, which was cut off");
    if (entry.begin % step != 0) return damaged("tensor " + quoted(name) + " is not aligned");
    entry.begin += data;
  }
  return header;
}

}  // namespace mlbench::model
