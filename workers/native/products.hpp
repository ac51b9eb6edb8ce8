#pragma once

#include "native/thread_pool.hpp"
#include "workload/dtype.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Our own loops for y = x·wᵀ, where no BLAS has any or where a BLAS is slow. Sums are in float32.
namespace mlbench::native {

/// x [m, k], w [n, k], y [m, n], row-major, all of one dtype.
struct Product {
  std::size_t m = 0, n = 0, k = 0;
  const void* x = nullptr;
  const void* w = nullptr;
  void* y = nullptr;
};

/// For few rows: reads each row of w once, from where it lies, against several rows of x. Bound by
/// memory.
struct RowLoops {
  std::string name;  ///< "row loops, AVX-512".
  workload::DType dtype = workload::DType::float32;
  /// Columns [first, first + count) of y.
  void (*columns)(const Product& product, Range columns) = nullptr;
};

/// For many rows: both sides are packed into blocks that fit the caches, as in K. Goto, R. van de
/// Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008).
///
/// A packed group is 16 rows of a matrix side by side: unit p of row r of the group at [16·p + r].
/// A unit is 32 bits: what one multiply-add takes of a row (one float32, or two bfloat16).
struct PackedLoops {
  std::string name;  ///< "packed loops, AVX512-BF16".
  workload::DType dtype = workload::DType::float32;
  std::size_t elements_per_unit = 1;
  /// Packs elements [first, first + count) of rows [row, rows) of `matrix` (row length k) as one
  /// group of `units` units; rows and elements that do not exist become 0.
  void (*pack)(const void* matrix, std::size_t k, std::size_t row, std::size_t rows,
               std::size_t first, std::size_t count, std::size_t units,
               std::uint32_t* group) = nullptr;
  /// c [8, 16·groups] (+)= 8 rows of the group `x` · `groups` (1 to 3) groups `w`, which lie
  /// 16·units apart. Adds when `add`, else overwrites.
  void (*multiply)(std::size_t units, const std::uint32_t* x, const std::uint32_t* w,
                   std::size_t groups, float* c, std::size_t c_stride, bool add) = nullptr;
  /// Rounds `n` sums to the dtype.
  void (*store)(const float* sums, void* y, std::size_t y_first, std::size_t n) = nullptr;
};

/// Those that this CPU can run, the best first.
[[nodiscard]] std::vector<RowLoops> row_loops(workload::DType dtype);
[[nodiscard]] std::vector<PackedLoops> packed_loops(workload::DType dtype);

void add_x86_row_loops(std::vector<RowLoops>& loops);
void add_arm64_row_loops(std::vector<RowLoops>& loops);
void add_x86_packed_loops(std::vector<PackedLoops>& loops);

/// Runs `loops` on all threads of `pool`, columns split among them.
void multiply_rows(const RowLoops& loops, ThreadPool& pool, const Product& product);

/// Workspace of a packed product; made once, used by every call.
class PackedProduct {
 public:
  PackedProduct(const PackedLoops& loops, ThreadPool& pool);
  ~PackedProduct();
  PackedProduct(const PackedProduct&) = delete;
  PackedProduct& operator=(const PackedProduct&) = delete;

  /// The output is cut into one tile a thread.
  void multiply(const Product& product);

 private:
  struct Workspace;
  PackedLoops loops_;
  ThreadPool& pool_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;
};

/// How `parts` threads share an output of m by n: rows·columns = parts, and the sides of a tile add
/// up to the least.
struct Grid {
  int rows = 1, columns = 1;
};
[[nodiscard]] Grid grid_for(std::size_t m, std::size_t n, int parts) noexcept;

}  // namespace mlbench::native
