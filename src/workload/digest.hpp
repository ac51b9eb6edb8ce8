#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mlbench::workload {

/// 16 hexadecimal digits that tell two outputs apart: four FNV-1a hashes of 64 bits, over the bytes
/// of every fourth word of eight bytes each, hashed together. It finds accidents, not forgery.
///
/// Source of FNV-1a and its constants: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV
/// Non-Cryptographic Hash Algorithm", IETF draft-eastlake-fnv. A word is taken at once here, in
/// place of a byte: gigabytes are hashed between blocks.
[[nodiscard]] std::string digest_of(std::span<const std::byte> bytes);

}  // namespace mlbench::workload
