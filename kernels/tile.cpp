#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/tile.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace xgrad::kernels {

namespace {

constexpr std::int64_t most_chunks = 16;
constexpr double chunk_cost = 25000;  // nanoseconds
constexpr std::size_t most_dims = 8;

struct AlignedDelete {
  void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{64}); }
};

// Scratch that a thread keeps from one run to the next.
class Scratch {
 public:
  std::byte* get(std::int64_t bytes) {
    if (bytes > bytes_) {
      data_.reset();
      bytes_ = 0;
      data_.reset(static_cast<std::byte*>(::operator new(static_cast<std::size_t>(bytes), std::align_val_t{64})));
      bytes_ = bytes;
    }
    return data_.get();
  }

 private:
  std::unique_ptr<std::byte, AlignedDelete> data_;
  std::int64_t bytes_ = 0;
};

// A walk over the rows of the iteration space: an index for each outer dimension.
struct RowIndex {
  std::int64_t at[most_dims] = {};

  void set(const std::vector<std::int64_t>& dims, std::int64_t row) {
    for (std::size_t d = dims.size(); d-- > 0;) {
      at[d] = row % dims[d];
      row /= dims[d];
    }
  }

  void advance(const std::vector<std::int64_t>& dims, std::int64_t rows) {
    for (std::size_t d = dims.size(); d-- > 0 && rows != 0;) {
      at[d] += rows;
      if (at[d] < dims[d]) return;
      rows = at[d] / dims[d];
      at[d] %= dims[d];
    }
  }

  std::int64_t offset(const std::vector<std::int64_t>& dims, const std::int64_t* strides) const {
    std::int64_t sum = 0;
    for (std::size_t d = 0; d < dims.size(); ++d) sum += at[d] * strides[d];
    return sum;
  }
};

struct Tile {
  std::int64_t row, col, rows, cols;
};

// Calls f(offset) for each row of a tile, with the offset of its first element in a strided port.
template <class F>
void for_each_row(const TileProgram& p, const std::int64_t* strides, RowIndex index, const Tile& tile, F f) {
  const std::size_t n = p.dims.size();
  std::int64_t offset = index.offset(p.dims, strides) + tile.col * strides[n];
  for (std::int64_t r = 0;;) {
    f(offset, r);
    if (++r == tile.rows) return;
    for (std::size_t d = n; d-- > 0;) {
      offset += strides[d];
      if (++index.at[d] < p.dims[d]) break;
      offset -= strides[d] * p.dims[d];
      index.at[d] = 0;
    }
  }
}

template <class T>
void gather(const TileProgram& p, const Port& port, bool row, const T* from, T* to, const RowIndex& index,
            const Tile& tile) {
  const std::int64_t step = port.strides[p.dims.size()], cols = tile.cols;
  if (row) {
    for_each_row(p, port.strides, index, {tile.row, 0, tile.rows, 1},
                 [=](std::int64_t offset, std::int64_t r) { to[r] = from[offset]; });
  } else if (step == 1 && cols >= 16) {
    for_each_row(p, port.strides, index, tile, [=](std::int64_t offset, std::int64_t r) {
      std::memcpy(to + r * cols, from + offset, static_cast<std::size_t>(cols) * sizeof(T));
    });
  } else if (step == 0) {
    for_each_row(p, port.strides, index, tile, [=](std::int64_t offset, std::int64_t r) {
      std::fill_n(to + r * cols, cols, from[offset]);
    });
  } else {
    for_each_row(p, port.strides, index, tile, [=](std::int64_t offset, std::int64_t r) {
      const T* in = from + offset;
      T* out = to + r * cols;
      for (std::int64_t i = 0; i < cols; ++i) out[i] = in[i * step];
    });
  }
}

template <class T>
void scatter(const TileProgram& p, const Port& port, bool row, T* to, const T* from, const RowIndex& index,
             const Tile& tile) {
  const std::int64_t step = port.strides[p.dims.size()], cols = row ? 1 : tile.cols;
  for_each_row(p, port.strides, index, {tile.row, row ? 0 : tile.col, tile.rows, cols},
               [=](std::int64_t offset, std::int64_t r) {
                 if (step == 1 && cols >= 16) {
                   std::memcpy(to + offset, from + r * cols, static_cast<std::size_t>(cols) * sizeof(T));
                   return;
                 }
                 for (std::int64_t i = 0; i < cols; ++i) to[offset + i * step] = from[r * cols + i];
               });
}

// Calls f with a pointer to unsigned elements of this size.
template <class F>
void with_size(int size, F f) {
  if (size == 1) f(static_cast<std::uint8_t*>(nullptr));
  else if (size == 4) f(static_cast<std::uint32_t*>(nullptr));
  else f(static_cast<std::uint64_t*>(nullptr));
}

std::int64_t pieces_of(const TileProgram& p) { return (p.cols + p.piece - 1) / p.piece; }
// Blocks of rows are walked row by row, if there are enough of them for the threads; else piece by piece.
std::int64_t pieces_of_block(const TileProgram& p) { return fold_blocks(p.rows) >= most_chunks ? pieces_of(p) : 1; }

class Runner {
 public:
  Runner(const TileProgram& program, void* const* slots, const Draw* draws, std::byte* scratch)
      : p_(program), slots_(slots), scratch_(scratch), table_(reinterpret_cast<void**>(scratch)),
        states_(reinterpret_cast<DrawState*>(table_ + program.table_places)) {
    const std::size_t count = p_.registers.size();
    for (std::size_t r = 0; r < count; ++r) {
      const std::int64_t offset = p_.registers[r].offset;
      table_[r] = offset >= 0 ? scratch_ + offset : nullptr;
    }
    std::fill(table_ + count, table_ + p_.table_places, static_cast<void*>(nullptr));
    table_[count] = &tile_.cols;
    table_[count + 1] = &counts_[static_cast<int>(Extent::full)];
    table_[count + 2] = &counts_[static_cast<int>(Extent::row)];
    for (std::size_t d = 0; d < p_.draws.size(); ++d) {
      const Draw& draw = draws[p_.draws[d]];
      states_[d] = {draw.seed, draw.number, 0};
      table_[count + 3 + d] = states_ + d;
    }
    if (p_.folds_columns && pieces_of_block(p_) == 1) rows_ahead_ = p_.tile_rows * p_.cols;
    for (const TileTransfer& read : p_.reads) walks_ = walks_ || p_.loads[read.port].access == Access::strided;
    for (const TileTransfer& write : p_.writes) walks_ = walks_ || write.how == TileTransfer::How::strided;
    find_moves();
  }

  // Tiles, or blocks of rows where columns are folded.
  void run(std::int64_t first, std::int64_t last) {
    if (p_.folds_columns) return run_blocks(first, last);
    const bool pieces = p_.piece < p_.cols;
    const std::int64_t in_row = pieces ? pieces_of(p_) : 1;
    std::int64_t row = pieces ? first / in_row : first * p_.tile_rows;
    std::int64_t piece = pieces ? first % in_row : 0;
    if (walks_) index_.set(p_.dims, row);
    for (std::int64_t t = first; t < last; ++t) {
      tile_.row = row;
      tile_.col = piece * p_.piece;
      tile_.rows = std::min(p_.tile_rows, p_.rows - row);
      tile_.cols = std::min(p_.piece, p_.cols - tile_.col);
      run_tile(t == first, t == 0, row * in_row + piece);
      if (++piece == in_row) {
        piece = 0;
        row += p_.tile_rows;
        if (walks_) index_.advance(p_.dims, p_.tile_rows);
      }
    }
  }

  void run_blocks(std::int64_t first, std::int64_t last) {
    const std::int64_t in_row = pieces_of(p_), width = pieces_of_block(p_);
    bool first_of_chunk = true;
    for (std::int64_t t = first; t < last; ++t) {
      const std::int64_t parts = in_row / width, begin = t % parts * width;
      const std::int64_t row = t / parts * fold_rows, end = std::min(row + fold_rows, p_.rows);
      if (walks_) index_.set(p_.dims, row);
      for (tile_.row = row; tile_.row < end; tile_.row += p_.tile_rows) {
        tile_.rows = std::min(p_.tile_rows, end - tile_.row);
        for (std::int64_t piece = begin; piece < begin + width; ++piece) {
          tile_.col = piece * p_.piece;
          tile_.cols = std::min(p_.piece, p_.cols - tile_.col);
          run_tile(first_of_chunk, first_of_chunk && t == 0, tile_.row * in_row + piece);
          first_of_chunk = false;
        }
        if (walks_) index_.advance(p_.dims, p_.tile_rows);
      }
    }
  }

 private:
  void call(const TileStep& step) {
    if (step.code) return step.code(table_, counts_[static_cast<int>(step.count)]);
    step.kernel(table_[step.out], table_[step.a], table_[step.b], table_[step.c],
                counts_[static_cast<int>(step.count)]);
  }

  // Most tiles lie below the one before: if all that the steps use moves by as much every time, or stays, `steady_`.
  void find_moves() {
    const std::int64_t rows = p_.tile_rows, elements = rows * p_.cols;
    steady_ = p_.draws.empty() && p_.dims.size() == 1;
    const auto move = [&](std::uint16_t place, std::int64_t bytes) {
      if (bytes == 0) return;
      if (moves_ == std::size(move_)) steady_ = false;
      else move_[moves_++] = {table_ + place, bytes};
    };
    for (const TileTransfer& read : p_.reads) {
      const Port& port = p_.loads[read.port];
      if (read.once) continue;
      if (read.how != TileTransfer::How::address) steady_ = false;
      const std::int64_t step = port.access == Access::full      ? elements
                                : port.access == Access::row     ? rows
                                : port.access == Access::strided ? port.strides[0] * rows
                                                                 : 0;
      move(port.reg, step * read.size);
      if (read.next != 0) move(read.next, elements * read.size);
      if (read.ahead && read.next == 0) steady_ = false;
    }
    for (const TileTransfer& write : p_.writes) {
      if (write.next != 0) move(write.next, elements * write.size);
      if (write.how == TileTransfer::How::address && aims(write))
        move(p_.stores[write.port].reg, elements * write.size);
      else if (write.how == TileTransfer::How::fold || write.once) steady_ = false;
    }
  }

  bool below(const Tile& before) const {
    return tile_.row == before.row + p_.tile_rows && tile_.col == before.col && tile_.rows == before.rows;
  }

  void run_next_tile(std::int64_t row_value) {
    for (std::size_t m = 0; m < moves_; ++m) *move_[m].at = static_cast<std::byte*>(*move_[m].at) + move_[m].bytes;
    place_ += p_.tile_rows * p_.cols;
    const bool begins = tile_.row % fold_rows == 0;
    for (const TileTransfer& write : p_.writes)
      if (begins && write.how == TileTransfer::How::inside) aim_fold(write);
    const TileStep* const end = p_.steps.data() + p_.steps.size();
    for (const TileStep* step = p_.steps.data() + p_.first_steps; step != end; ++step) call(*step);
    for (const TileTransfer& write : p_.writes)
      if (write.how != TileTransfer::How::inside) store(write, row_value);
  }

  void run_tile(bool first_of_chunk, bool first_of_all, std::int64_t row_value) {
    const Tile before = std::exchange(before_, tile_);
    if (steady_ && !first_of_chunk && below(before)) return run_next_tile(row_value);
    const std::int64_t elements = tile_.rows * tile_.cols;
    place_ = tile_.row * p_.cols + tile_.col;
    counts_[static_cast<int>(Extent::full)] = elements;
    counts_[static_cast<int>(Extent::row)] = tile_.rows;
    counts_[static_cast<int>(Extent::scalar)] = 1;
    for (const TileTransfer& read : p_.reads) {
      if (!read.once || first_of_chunk) load(read);
    }
    for (const TileTransfer& write : p_.writes) {
      if (write.how == TileTransfer::How::address) aim(write);
      else if (write.how == TileTransfer::How::inside) aim_fold(write);
      else if (write.first) store(write, row_value);
    }
    for (std::size_t d = 0; d < p_.draws.size(); ++d) states_[d].first = place_;
    const TileStep* const begin = p_.steps.data();
    const TileStep* const end = begin + p_.steps.size();
    for (const TileStep* step = first_of_chunk ? begin : begin + p_.first_steps; step != end; ++step) call(*step);
    for (const TileTransfer& write : p_.writes) {
      if ((!write.once || first_of_all) && !write.first && write.how != TileTransfer::How::inside)
        store(write, row_value);
    }
  }

  // The same elements of the next tile are wanted soon: fetched now, or by the code of a step as it goes.
  void fetch_next(const TileTransfer& transfer, std::byte* here) {
    std::byte* const next = here + (rows_ahead_ ? rows_ahead_ : tile_.rows * tile_.cols) * transfer.size;
    if (transfer.next != 0) {
      table_[transfer.next] = next;
      return;
    }
    const std::int64_t bytes = tile_.rows * tile_.cols * transfer.size;
    for (std::int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(next + at, 0, 2);
  }

  void load(const TileTransfer& read) {
    const Port& port = p_.loads[read.port];
    std::byte* base = static_cast<std::byte*>(slots_[port.slot]);
    if (read.how == TileTransfer::How::strided) {
      with_size(read.size, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        gather(p_, port, read.row, reinterpret_cast<const T*>(base), static_cast<T*>(table_[port.reg]), index_, tile_);
      });
      return;
    }
    std::int64_t offset = 0, count = 1;
    switch (port.access) {
      case Access::full: offset = place_, count = tile_.rows * tile_.cols; break;
      case Access::row: offset = tile_.row, count = tile_.rows; break;
      case Access::scalar: break;
      case Access::strided:
        offset = index_.offset(p_.dims, port.strides) + tile_.col * last_stride(port, read.row);
        break;
      case Access::column: break;  // stores only
    }
    base += offset * read.size;
    if (read.ahead) fetch_next(read, base);
    if (read.how == TileTransfer::How::address) table_[port.reg] = base;
    else if (count != 0) std::memcpy(table_[port.reg], base, static_cast<std::size_t>(count * read.size));
  }

  std::int64_t last_stride(const Port& port, bool row) const { return row ? 0 : port.strides[p_.dims.size()]; }

  // Whether a result goes straight to its memory: unless that is memory which later instructions still read.
  bool aims(const TileTransfer& write) const {
    const void* const base = slots_[p_.stores[write.port].slot];
    for (std::uint32_t i = write.shared_begin; i < write.shared_end; ++i)
      if (slots_[p_.shared[i]] == base) return false;
    return true;
  }

  void aim(const TileTransfer& write) {
    const Port& port = p_.stores[write.port];
    std::byte* const here = static_cast<std::byte*>(slots_[port.slot]) + place_ * write.size;
    if (write.ahead) fetch_next(write, here);
    if (aims(write)) table_[port.reg] = here;
  }

  // Lets a step find the block's row that it folds the tile's row into.
  void aim_fold(const TileTransfer& write) {
    std::byte* base = static_cast<std::byte*>(slots_[p_.stores[write.port].slot]);
    base += (tile_.row / fold_rows * p_.cols + tile_.col) * write.size;
    if (tile_.row % fold_rows == 0) write.start(tile_.cols, base);
    table_[write.place] = base;
  }

  void store(const TileTransfer& write, std::int64_t row_value) {
    const Port& port = p_.stores[write.port];
    std::byte* base = static_cast<std::byte*>(slots_[port.slot]);
    const std::byte* from = static_cast<const std::byte*>(table_[port.reg]);
    if (write.how == TileTransfer::How::fold) {
      base += (tile_.row / fold_rows * p_.cols + tile_.col) * write.size;
      write.fold(from, tile_.rows, tile_.cols, tile_.row % fold_rows == 0, base);
      return;
    }
    if (write.how == TileTransfer::How::strided) {
      with_size(write.size, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        scatter(p_, port, write.row, reinterpret_cast<T*>(base), reinterpret_cast<const T*>(from), index_, tile_);
      });
      return;
    }
    std::int64_t offset = 0, count = 1;
    switch (port.access) {
      case Access::full: offset = place_, count = tile_.rows * tile_.cols; break;
      case Access::row: offset = row_value, count = tile_.rows; break;
      default: break;
    }
    base += offset * write.size;
    if (from != base && count != 0) std::memcpy(base, from, static_cast<std::size_t>(count * write.size));
  }

  const TileProgram& p_;
  void* const* slots_;
  std::byte* scratch_;
  void** table_;  // addresses: registers, columns, elements, rows, draws
  DrawState* states_;
  Tile tile_{}, before_{};
  struct Move {
    void** at;
    std::int64_t bytes;
  };
  Move move_[32];
  std::size_t moves_ = 0;
  bool steady_ = false;
  std::int64_t place_ = 0;  // of the tile's first element
  std::int64_t counts_[3] = {};
  RowIndex index_;
  std::int64_t rows_ahead_ = 0;  ///< elements to the tile that comes next, if that is none beside this one
  bool walks_ = false;
};

Scratch& scratch() {
  static thread_local Scratch mine;
  return mine;
}

// What threads share out: tiles, or blocks of rows.
std::int64_t tiles_of(const TileProgram& program) {
  if (program.folds_columns) return fold_blocks(program.rows) * (pieces_of(program) / pieces_of_block(program));
  return program.piece < program.cols ? program.rows * pieces_of(program)
                                      : (program.rows + program.tile_rows - 1) / program.tile_rows;
}

std::int64_t chunks_of(const TileProgram& program, std::int64_t tiles) {
  double cost = program.tile_cost * static_cast<double>(tiles);
  if (program.folds_columns)
    cost *= static_cast<double>(std::min(fold_rows, program.rows) / program.tile_rows * pieces_of_block(program));
  if (cost < 2 * chunk_cost || num_threads() <= 1) return 1;
  return std::min({most_chunks, tiles, static_cast<std::int64_t>(std::min(cost / chunk_cost, 1e6))});
}

}  // namespace

void reserve(const TileProgram& program) {
  scratch().get(std::max<std::int64_t>(1, chunks_of(program, tiles_of(program))) * program.scratch_bytes);
}

void run(const TileProgram& program, void* const* slots, const Draw* draws) {
  if (program.rows == 0) return;
  const std::int64_t tiles = tiles_of(program), chunks = chunks_of(program, tiles);
  if (chunks <= 1) {
    Runner(program, slots, draws, scratch().get(program.scratch_bytes)).run(0, tiles);
    return;
  }
  // Every part of the scratch is there before the first chunk starts: nothing fails once something was written.
  std::byte* const parts = scratch().get(chunks * program.scratch_bytes);
  std::atomic<std::uint32_t> taken{0};
  parallel(chunks, [&](std::int64_t chunk) {
    std::uint32_t seen = taken.load(std::memory_order_relaxed);
    int part = std::countr_one(seen);
    while (!taken.compare_exchange_weak(seen, seen | (1u << part), std::memory_order_acquire)) {
      part = std::countr_one(seen);
    }
    Runner(program, slots, draws, parts + part * program.scratch_bytes)
        .run(tiles * chunk / chunks, tiles * (chunk + 1) / chunks);
    taken.fetch_and(~(1u << part), std::memory_order_release);
  });
}

}  // namespace xgrad::kernels
