#include <xgrad/kernels/product_blocks.hpp>

#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/product_tile.hpp>
#include <xgrad/kernels/single.hpp>

#include <algorithm>
#include <string_view>

namespace xgrad::kernels {
namespace {

template <class T>
const ProductTiles<T>& tiles() {
  static const ProductTiles<T> chosen =
      std::string_view(instruction_set()) == "avx512" ? product_tiles_avx512(T{}) : product_tiles_avx2(T{});
  return chosen;
}

constexpr std::int64_t most_terms = 512;                        // summed up in registers before they are added to C
constexpr std::int64_t packed_bytes = std::int64_t{4} << 20;    // of each operand at a time
constexpr std::int64_t cached_bytes = std::int64_t{512} << 10;  // of B, used again for every few rows
constexpr std::int64_t strips_a_packing = 48;
constexpr std::int64_t most_panels_at_once = 64;
constexpr std::int64_t operations_a_task = 1'500'000;
constexpr std::int64_t tasks_a_thread = 8;
constexpr std::int64_t operations_worth_splitting = 2'000'000;
// In clock cycles: what tasks cost beside their arithmetic.
constexpr double reading_a_number = .15;
constexpr double waiting_for_packed = 8000;

std::int64_t pieces(std::int64_t length, std::int64_t most) { return (length + most - 1) / most; }
std::int64_t cut(std::int64_t length, std::int64_t index, std::int64_t parts) { return length * index / parts; }

/// Numbers from `begin` to `end`.
struct Range {
  std::int64_t begin, end;
  std::int64_t size() const { return end - begin; }
};

/// How one product is cut. Panels are a few vectors of columns, strips a few rows. Of all cuts only those of k decide
/// bits.
template <class T>
struct Cuts {
  const Product& p;
  std::int64_t lanes, vectors, panels, strip_rows, k_pieces;
  bool packs_a, packs_b;

  explicit Cuts(const Product& product) : p(product) {
    const ProductTiles<T>& t = tiles<T>();
    lanes = t.lanes;
    vectors = pieces(p.n, lanes);
    panels = pieces(vectors, t.vectors);
    strip_rows = t.rows[pieces(vectors, panels) - 1];
    k_pieces = pieces(p.k, most_terms);
    constexpr std::int64_t near_rows = 2048 / sizeof(T);
    packs_b = p.transpose_b || (p.row_b > near_rows && p.m > 12 * strip_rows);
    packs_a = p.transpose_a && p.row_a > near_rows / 2 && p.k > 64 && panels > 2;
  }

  std::int64_t column(std::int64_t panel) const { return cut(vectors, panel, panels) * lanes; }
  std::int64_t term(std::int64_t piece) const { return cut(p.k, piece, k_pieces); }
  /// Terms of the longest piece.
  std::int64_t deepest() const { return pieces(p.k, k_pieces); }
  /// How many panels are packed at a time.
  std::int64_t panels_at_once() const {
    if (!packs_b) return panels;
    const std::int64_t bytes = deepest() * tiles<T>().vectors * lanes * static_cast<std::int64_t>(sizeof(T));
    return std::clamp<std::int64_t>(packed_bytes / bytes, 1, panels);
  }
  std::int64_t packed_width() const {
    return packs_b ? std::min(vectors, panels_at_once() * tiles<T>().vectors) * lanes : 0;
  }
  std::int64_t rows_at_once() const {
    if (!packs_a) return p.m;
    const std::int64_t rows = packed_bytes / (deepest() * static_cast<std::int64_t>(sizeof(T)));
    return std::clamp<std::int64_t>(rows, strip_rows, p.m);
  }
  /// Elements of scratch memory for one piece of k: packed B, then packed A.
  std::int64_t scratch_of_b() const { return packed_width() * deepest(); }
  std::int64_t scratch_of_piece() const { return scratch_of_b() + (packs_a ? rows_at_once() * deepest() : 0); }
  std::int64_t pieces_at_once() const { return fitting(scratch_of_piece(), k_pieces); }
  std::int64_t scratch() const { return scratch_of_piece() * pieces_at_once(); }
  std::int64_t batches_at_once() const { return fitting(scratch(), p.batches); }

 private:
  /// How many of `count` things of so many numbers are packed at a time.
  static std::int64_t fitting(std::int64_t numbers, std::int64_t count) {
    const std::int64_t bytes = numbers * static_cast<std::int64_t>(sizeof(T));
    return bytes == 0 ? count : std::clamp<std::int64_t>(packed_bytes / bytes, 1, count);
  }
};

/// A part of a batch of products whose packed operands fit into scratch memory.
template <class T>
struct Region {
  const Cuts<T>& cuts;
  const T *a, *b;
  T *c, *scratch;
  Range batches, panels, pieces, rows;

  const Product& p() const { return cuts.p; }
  Range terms(std::int64_t piece) const { return {cuts.term(piece), cuts.term(piece + 1)}; }
  T* packed(std::int64_t batch, std::int64_t piece) const {
    return scratch + (batch - batches.begin) * cuts.scratch() + (piece - pieces.begin) * cuts.scratch_of_piece();
  }
  T* packed_rows(std::int64_t batch, std::int64_t piece, std::int64_t row) const {
    return packed(batch, piece) + cuts.scratch_of_b() + (row - rows.begin) * terms(piece).size();
  }
  std::int64_t strips() const { return kernels::pieces(rows.size(), cuts.strip_rows); }
  std::int64_t row(std::int64_t strip) const { return rows.begin + cut(rows.size(), strip, strips()); }
  const T* left(std::int64_t batch) const { return a + start(p().offsets_a, batch, p().m * p().k); }
  const T* right(std::int64_t batch) const { return b + start(p().offsets_b, batch, p().k * p().n); }
  T* out(std::int64_t batch) const { return c + start(p().offsets_c, batch, p().m * p().n); }
  static std::int64_t start(const std::int64_t* offsets, std::int64_t batch, std::int64_t size) {
    return offsets != nullptr ? offsets[batch] : batch * size;
  }

  void pack_panel(std::int64_t batch, std::int64_t piece, std::int64_t panel) const;
  void pack_strips(std::int64_t batch, std::int64_t piece, Range of_strips) const;
  void multiply(std::int64_t batch, Range of_strips, Range of_panels, bool packs_panels) const;
  void multiply(std::int64_t batch, std::int64_t piece, Range of_strips, Range of_panels) const;
};

template <class T>
void Region<T>::pack_panel(std::int64_t batch, std::int64_t piece, std::int64_t panel) const {
  const std::int64_t k_step = p().transpose_b ? 1 : p().row_b, step = p().transpose_b ? p().row_b : 1;
  const std::int64_t column = cuts.column(panel), end = cuts.column(panel + 1);
  const Range range = terms(piece);
  tiles<T>().pack_columns({.b = right(batch) + range.begin * k_step + column * step,
                           .b_k = k_step,
                           .b_column = step,
                           .k = range.size(),
                           .columns = std::min(end, p().n) - column,
                           .width = end - column,
                           .out = packed(batch, piece) + (column - cuts.column(panels.begin)) * range.size()});
}

template <class T>
void Region<T>::pack_strips(std::int64_t batch, std::int64_t piece, Range of_strips) const {
  const Range range = terms(piece);
  std::int64_t starts[strips_a_packing + 1];
  for (std::int64_t first = of_strips.begin; first < of_strips.end; first += strips_a_packing) {
    const std::int64_t count = std::min(strips_a_packing, of_strips.end - first);
    for (std::int64_t s = 0; s <= count; ++s) starts[s] = row(first + s);
    tiles<T>().pack_strips({.a = left(batch) + range.begin * p().row_a + starts[0],
                            .a_k = p().row_a,
                            .k = range.size(),
                            .starts = starts,
                            .strips = count,
                            .out = packed_rows(batch, piece, starts[0])});
  }
}

/// The columns of some panels for some strips of rows, a few panels at a time, which stay in the cache.
template <class T>
void Region<T>::multiply(std::int64_t batch, Range of_strips, Range of_panels, bool packs_panels) const {
  const std::int64_t panel_bytes =
      cuts.deepest() * tiles<T>().vectors * cuts.lanes * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t together = std::clamp<std::int64_t>(cached_bytes / panel_bytes, 1, most_panels_at_once);
  for (std::int64_t piece = pieces.begin; piece < pieces.end; ++piece) {
    for (std::int64_t begin = of_panels.begin; begin < of_panels.end; begin += together) {
      const std::int64_t end = std::min(of_panels.end, begin + together);
      for (std::int64_t panel = begin; packs_panels && panel < end; ++panel) pack_panel(batch, piece, panel);
      multiply(batch, piece, of_strips, {begin, end});
    }
  }
}

template <class T>
void Region<T>::multiply(std::int64_t batch, std::int64_t piece, Range of_strips, Range of_panels) const {
  const ProductTiles<T>& table = tiles<T>();
  const Range range = terms(piece);
  const T *left_matrix = left(batch), *right_matrix = right(batch), *packed_columns = packed(batch, piece);
  const std::int64_t first_column = cuts.column(panels.begin);
  T* result = out(batch);
  std::int64_t columns[most_panels_at_once + 1];
  for (std::int64_t i = 0; i <= of_panels.size(); ++i) columns[i] = cuts.column(of_panels.begin + i);
  ProductTile<T> tile{.c_row = p().row_c, .k = range.size(), .add = piece > 0};
  for (std::int64_t strip = of_strips.begin; strip < of_strips.end; ++strip) {
    const std::int64_t first = row(strip), count = row(strip + 1) - first;
    if (cuts.packs_a) {
      tile.a = packed_rows(batch, piece, first);
      tile.a_row = 1;
      tile.a_k = count;
    } else {
      tile.a_row = p().transpose_a ? 1 : p().row_a;
      tile.a_k = p().transpose_a ? p().row_a : 1;
      tile.a = left_matrix + first * tile.a_row + range.begin * tile.a_k;
    }
    for (std::int64_t i = 0; i < of_panels.size(); ++i) {
      const std::int64_t column = columns[i], width = columns[i + 1] - column;
      tile.b_k = cuts.packs_b ? width : p().row_b;
      tile.b = cuts.packs_b ? packed_columns + (column - first_column) * tile.k
                            : right_matrix + range.begin * p().row_b + column;
      tile.c = result + first * p().row_c + column;
      tile.columns = std::min(width, p().n - column);
      const auto vectors = static_cast<std::size_t>(width) / static_cast<std::size_t>(cuts.lanes);
      (tile.columns == width ? table.whole : table.cut)[vectors - 1][count - 1](tile);
    }
  }
}

/// Calls f(0), ..., f(count - 1), a few at a time on each thread where there is work for several.
template <class F>
void spread(std::int64_t count, std::int64_t operations, F&& f) {
  const std::int64_t chunks = operations < operations_worth_splitting
                                  ? 1
                                  : std::clamp<std::int64_t>(operations / operations_a_task, 1,
                                                             std::min(count, tasks_a_thread * num_threads()));
  parallel(chunks, [&](std::int64_t chunk) {
    for (std::int64_t i = cut(count, chunk, chunks); i < cut(count, chunk + 1, chunks); ++i) f(i);
  });
}

/// Into how many tasks the strips and the panels of each product are cut.
struct Grid {
  std::int64_t rows = 1, cols = 1;
};

/// The grid that takes the least time, a tile's multiplications and the reading of its operands counted.
template <class T>
Grid grid_of(const Cuts<T>& cuts, std::int64_t strips, std::int64_t panels, std::int64_t batches, std::int64_t terms,
             std::int64_t operations) {
  const std::int64_t threads = num_threads();
  Grid best;
  if (operations < operations_worth_splitting || threads == 1) return best;
  const std::int64_t wanted =
      std::clamp<std::int64_t>(operations / operations_a_task / batches, 1, tasks_a_thread * threads);
  // Per term of the sums: a tile takes half a cycle for each of its vectors.
  const std::int64_t panel_vectors = pieces(cuts.vectors, cuts.panels), panel_columns = panel_vectors * cuts.lanes;
  const double tile = static_cast<double>(cuts.strip_rows * panel_vectors) / 2;
  const double reading = reading_a_number / static_cast<double>(threads);
  const double waiting = waiting_for_packed / static_cast<double>(terms);
  double least = 0;
  for (std::int64_t cols = 1; cols <= std::min(wanted, panels); ++cols) {
    for (std::int64_t rows = pieces(wanted, 2 * cols); rows <= std::min(wanted / cols, strips); ++rows) {
      const std::int64_t tiles = pieces(strips, rows) * pieces(panels, cols);
      const std::int64_t read = rows * panels * panel_columns + cols * strips * cuts.strip_rows;
      const bool waits = (cuts.packs_b && rows > 1) || (cuts.packs_a && cols > 1);
      const double time = tile * static_cast<double>(pieces(batches * rows * cols, threads) * tiles) +
                          reading * static_cast<double>(read) + (waits ? waiting : 0);
      if (least == 0 || time < least) {
        best = {rows, cols};
        least = time;
      }
    }
  }
  return best;
}

template <class T>
void run(const Region<T>& region) {
  const Cuts<T>& cuts = region.cuts;
  const std::int64_t batches = region.batches.size(), strips = region.strips(), panels = region.panels.size();
  const std::int64_t columns = std::min(cuts.column(region.panels.end), cuts.p.n) - cuts.column(region.panels.begin);
  const std::int64_t terms = cuts.term(region.pieces.end) - cuts.term(region.pieces.begin);
  const std::int64_t operations = 2 * batches * region.rows.size() * columns * terms;
  const Grid grid = grid_of(cuts, strips, panels, batches, terms, operations);
  // What only one task reads that task packs, in its own cache; the rest is packed before.
  const bool packs_a = cuts.packs_a && region.panels.begin == 0;
  const bool own_panels = cuts.packs_b && grid.rows == 1, own_strips = packs_a && grid.cols == 1;
  const std::int64_t packed_panels = cuts.packs_b && !own_panels ? panels : 0;
  const std::int64_t packings = packed_panels + (packs_a && !own_strips ? pieces(strips, strips_a_packing) : 0);
  if (packings > 0) {
    spread(batches * region.pieces.size() * packings, operations, [&](std::int64_t task) {
      const std::int64_t part = task % packings, matrix = task / packings;
      const std::int64_t batch = region.batches.begin + matrix / region.pieces.size();
      const std::int64_t piece = region.pieces.begin + matrix % region.pieces.size();
      if (part < packed_panels) return region.pack_panel(batch, piece, region.panels.begin + part);
      const std::int64_t first = (part - packed_panels) * strips_a_packing;
      region.pack_strips(batch, piece, {first, std::min(strips, first + strips_a_packing)});
    });
  }
  const std::int64_t parts = grid.rows * grid.cols;
  spread(batches * parts, operations, [&](std::int64_t task) {
    const std::int64_t batch = region.batches.begin + task / parts, i = task % parts / grid.cols, j = task % grid.cols;
    const Range of_strips{cut(strips, i, grid.rows), cut(strips, i + 1, grid.rows)};
    for (std::int64_t piece = region.pieces.begin; own_strips && piece < region.pieces.end; ++piece) {
      region.pack_strips(batch, piece, of_strips);
    }
    region.multiply(
        batch, of_strips,
        {region.panels.begin + cut(panels, j, grid.cols), region.panels.begin + cut(panels, j + 1, grid.cols)},
        own_panels);
  });
}

}  // namespace

bool has_product_tiles() { return std::string_view(instruction_set()) != "baseline"; }

template <class T>
std::size_t tile_scratch(const Product& product) {
  const Cuts<T> cuts(product);
  return static_cast<std::size_t>(cuts.scratch() * cuts.batches_at_once()) * sizeof(T);
}

template <class T>
void multiply_in_tiles(const Product& p, const T* a, const T* b, T* c, T* scratch) {
  const Cuts<T> cuts(p);
  const std::int64_t batches = cuts.batches_at_once(), rows = cuts.rows_at_once(), some_pieces = cuts.pieces_at_once();
  const std::int64_t panels = pieces(cuts.panels, pieces(cuts.panels, cuts.panels_at_once()));
  for (std::int64_t batch = 0; batch < p.batches; batch += batches) {
    for (std::int64_t row = 0; row < p.m; row += rows) {
      for (std::int64_t piece = 0; piece < cuts.k_pieces; piece += some_pieces) {
        for (std::int64_t panel = 0; panel < cuts.panels; panel += panels) {
          run(Region<T>{cuts,
                        a,
                        b,
                        c,
                        scratch,
                        {batch, std::min(p.batches, batch + batches)},
                        {panel, std::min(cuts.panels, panel + panels)},
                        {piece, std::min(cuts.k_pieces, piece + some_pieces)},
                        {row, std::min(p.m, row + rows)}});
        }
      }
    }
  }
}

template std::size_t tile_scratch<float>(const Product&);
template std::size_t tile_scratch<double>(const Product&);
template void multiply_in_tiles(const Product&, const float*, const float*, float*, float*);
template void multiply_in_tiles(const Product&, const double*, const double*, double*, double*);

}  // namespace xgrad::kernels
