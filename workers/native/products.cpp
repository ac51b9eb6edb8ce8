#include "native/products.hpp"

#include "native/buffer.hpp"

#include <algorithm>
#include <limits>

namespace mlbench::native {
namespace {

constexpr std::size_t kGroup = 16;          // rows of a packed group
constexpr std::size_t kStripGroups = 3;     // groups of w that one multiply takes
constexpr std::size_t kUnits = 192;         // depth of a block: a strip of w stays near the core
constexpr std::size_t kBlockRows = 512;     // rows of x of a block
constexpr std::size_t kBlockColumns = 768;  // columns of y of a block: its w stays in the L2 cache

template <class T>
std::vector<T> of_dtype(std::vector<T> loops, workload::DType dtype) {
  std::erase_if(loops, [&](const T& candidate) { return candidate.dtype != dtype; });
  return loops;
}

/// A rectangle of y.
struct Tile {
  Range rows, columns;
};

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Groups that the next multiply takes of `left`: 4 are better cut 2 + 2 than 3 + 1.
std::size_t strip_of(std::size_t left) {
  return left == 4 ? 2 : std::min(left, kStripGroups);
}

}  // namespace

std::vector<RowLoops> row_loops(workload::DType dtype) {
  std::vector<RowLoops> loops;
  add_x86_row_loops(loops);
  add_arm64_row_loops(loops);
  return of_dtype(std::move(loops), dtype);
}

std::vector<PackedLoops> packed_loops(workload::DType dtype) {
  std::vector<PackedLoops> loops;
  add_x86_packed_loops(loops);
  return of_dtype(std::move(loops), dtype);
}

void multiply_rows(const RowLoops& loops, ThreadPool& pool, const Product& product) {
  pool.run(
      [&](int part) { loops.columns(product, part_of(product.n, part, pool.size(), kGroup)); });
}

struct PackedProduct::Workspace {
  Buffer x{kBlockRows * kUnits * sizeof(std::uint32_t)};
  Buffer w{kBlockColumns * kUnits * sizeof(std::uint32_t)};
  Buffer sums{kBlockRows * kBlockColumns * sizeof(float)};

  /// The whole of one block of y: rows·columns at most kBlockRows·kBlockColumns.
  void block(const PackedLoops& loops, const Product& p, const Tile& tile) {
    const std::size_t stride = round_up(tile.columns.count, kGroup);
    const std::size_t depth = kUnits * loops.elements_per_unit;
    for (std::size_t first = 0; first < p.k; first += depth) {
      const std::size_t count = std::min(depth, p.k - first);
      const std::size_t units = (count + loops.elements_per_unit - 1) / loops.elements_per_unit;
      pack(loops, p.w, p.k, tile.columns, first, count, units, w);
      pack(loops, p.x, p.k, tile.rows, first, count, units, x);
      add(loops, tile, units, stride, first > 0);
    }
    const auto* const rows = sums.as<float>();
    for (std::size_t i = 0; i < tile.rows.count; ++i) {
      loops.store(rows + i * stride, p.y, (tile.rows.first + i) * p.n + tile.columns.first,
                  tile.columns.count);
    }
  }

 private:
  static void pack(const PackedLoops& loops, const void* matrix, std::size_t k, Range rows,
                   std::size_t first, std::size_t count, std::size_t units, Buffer& out) {
    auto* group = out.as<std::uint32_t>();
    const std::size_t end = rows.first + rows.count;
    for (std::size_t row = rows.first; row < end; row += kGroup, group += kGroup * units) {
      loops.pack(matrix, k, row, end, first, count, units, group);
    }
  }

  void add(const PackedLoops& loops, const Tile& tile, std::size_t units, std::size_t stride,
           bool add_to_sums) {
    const std::size_t groups = stride / kGroup;
    const auto* const xs = x.as<std::uint32_t>();
    const auto* const ws = w.as<std::uint32_t>();
    for (std::size_t row = 0; row < tile.rows.count; row += kGroup) {
      for (std::size_t g = 0; g < groups;) {
        const std::size_t strip = strip_of(groups - g);
        for (std::size_t half = 0; half < kGroup && row + half < tile.rows.count; half += 8) {
          loops.multiply(units, xs + row * units + half, ws + g * kGroup * units, strip,
                         sums.as<float>() + (row + half) * stride + g * kGroup, stride,
                         add_to_sums);
        }
        g += strip;
      }
    }
  }
};

PackedProduct::PackedProduct(const PackedLoops& loops, ThreadPool& pool)
    : loops_(loops), pool_(pool) {
  for (int i = 0; i < pool.size(); ++i) workspaces_.push_back(std::make_unique<Workspace>());
}

PackedProduct::~PackedProduct() = default;

void PackedProduct::multiply(const Product& product) {
  const auto grid = grid_for(product.m, product.n, pool_.size());
  pool_.run([&](int part) {
    auto& workspace = *workspaces_[static_cast<std::size_t>(part)];
    const auto rows = part_of(product.m, part / grid.columns, grid.rows, kGroup);
    const auto columns = part_of(product.n, part % grid.columns, grid.columns, kGroup);
    for (std::size_t j = 0; j < columns.count; j += kBlockColumns) {
      for (std::size_t i = 0; i < rows.count; i += kBlockRows) {
        workspace.block(
            loops_, product,
            {.rows = {rows.first + i, std::min(kBlockRows, rows.count - i)},
             .columns = {columns.first + j, std::min(kBlockColumns, columns.count - j)}});
      }
    }
  });
}

Grid grid_for(std::size_t m, std::size_t n, int parts) noexcept {
  Grid best;
  double least = std::numeric_limits<double>::infinity();
  for (int rows = 1; rows <= parts; ++rows) {
    if (parts % rows != 0) continue;
    const int columns = parts / rows;
    const double sides = static_cast<double>(m) / rows + static_cast<double>(n) / columns;
    if (sides < least) {
      least = sides;
      best = {rows, columns};
    }
  }
  return best;
}

}  // namespace mlbench::native
