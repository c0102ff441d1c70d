#include <xgrad/kernels/indexing.hpp>

#include <xgrad/kernels/philox.hpp>
#include <xgrad/kernels/pool.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t bytes_a_chunk = 256 << 10;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Calls f with typed indices.
template <class F>
decltype(auto) with_indices(const char* function, DType type, const void* indices, F&& f) {
  switch (type) {
    case DType::uint8: return f(static_cast<const std::uint8_t*>(indices));
    case DType::int32: return f(static_cast<const std::int32_t*>(indices));
    case DType::int64: return f(static_cast<const std::int64_t*>(indices));
    default:
      throw std::invalid_argument(std::string(function) + ": expected indices of type uint8, int32 or int64, got " +
                                  name_of(type));
  }
}

template <class I>
std::int64_t position(I index, std::int64_t count) {
  const auto wide = static_cast<std::int64_t>(index);
  return wide < 0 ? wide + count : wide;
}

/// A slice of a size the compiler knows.
template <std::size_t bytes, class I>
void gather_fixed(const std::byte* in, const I* indices, std::byte* out, std::int64_t count, std::int64_t length) {
  for (std::int64_t j = 0; j < length; ++j) {
    std::memcpy(out + j * static_cast<std::int64_t>(bytes),
                in + position(indices[j], count) * static_cast<std::int64_t>(bytes), bytes);
  }
}

template <class I>
void gather_slices(const std::byte* in, const I* indices, std::byte* out, std::int64_t count, std::int64_t length,
                   std::size_t bytes) {
  switch (bytes) {
    case 1: return gather_fixed<1>(in, indices, out, count, length);
    case 2: return gather_fixed<2>(in, indices, out, count, length);
    case 4: return gather_fixed<4>(in, indices, out, count, length);
    case 8: return gather_fixed<8>(in, indices, out, count, length);
    case 12: return gather_fixed<12>(in, indices, out, count, length);
    case 16: return gather_fixed<16>(in, indices, out, count, length);
    case 32: return gather_fixed<32>(in, indices, out, count, length);
    case 64: return gather_fixed<64>(in, indices, out, count, length);
    default: break;
  }
  const auto step = static_cast<std::int64_t>(bytes);
  for (std::int64_t j = 0; j < length; ++j) {
    std::memcpy(out + j * step, in + position(indices[j], count) * step, bytes);
  }
}

/// Large slices, each cut into pieces; units are pieces.
template <class I>
void gather_large(const std::byte* in, const I* indices, std::byte* out, std::int64_t outer, std::int64_t count,
                  std::int64_t length, std::int64_t bytes) {
  const std::int64_t pieces = divide_up(bytes, bytes_a_chunk);
  parallel(outer * length * pieces, [&](std::int64_t unit) {
    const std::int64_t begin = unit % pieces * bytes_a_chunk;
    const std::int64_t slice = unit / pieces;
    const std::int64_t source = slice / length * count + position(indices[slice % length], count);
    std::memcpy(out + slice * bytes + begin, in + source * bytes + begin,
                static_cast<std::size_t>(std::min(bytes_a_chunk, bytes - begin)));
  });
}

template <class T>
[[gnu::always_inline]] inline T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return a | b;
  } else {
    return static_cast<T>(a + b);
  }
}

/// Slices begin to end of the target, and columns c0 to c1 of them.
template <class T, class I>
void scatter_part(const T* in, const I* indices, T* out, std::int64_t count, std::int64_t length, std::int64_t inner,
                  std::int64_t begin, std::int64_t end, std::int64_t c0, std::int64_t c1) {
  for (std::int64_t slice = begin; slice < end; ++slice) std::fill_n(out + slice * inner + c0, c1 - c0, T{});
  for (std::int64_t j = 0; j < length; ++j) {
    const std::int64_t slice = position(indices[j], count);
    if (slice < begin || slice >= end) continue;
    T* __restrict to = out + slice * inner;
    const T* __restrict from = in + j * inner;
    for (std::int64_t i = c0; i < c1; ++i) to[i] = sum_of(to[i], from[i]);
  }
}

template <class T, class I>
void scatter_typed(const T* in, const I* indices, T* out, std::int64_t outer, std::int64_t count, std::int64_t length,
                   std::int64_t inner) {
  constexpr std::int64_t most_parts = 8;
  constexpr std::int64_t least_columns = 256;
  const std::int64_t elements = (count + length) * inner;
  const std::int64_t wanted =
      std::clamp<std::int64_t>(elements * static_cast<std::int64_t>(sizeof(T)) / bytes_a_chunk, 1, most_parts);
  // Each part goes through all indices in order and adds to slices, or else to columns, that are its own.
  // Looking at an index costs about as much as adding a few elements.
  const std::int64_t useful = std::min({wanted, inner / 4, count / 8});
  const std::int64_t ranges = std::max<std::int64_t>(useful, 1);
  const std::int64_t columns = ranges > 1 ? 1 : std::clamp<std::int64_t>(inner / least_columns, 1, wanted);
  const std::int64_t parts = ranges * columns;
  const std::int64_t tasks = outer * parts;
  const std::int64_t task_bytes = std::max<std::int64_t>(1, elements / parts) * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t together = std::max<std::int64_t>(1, bytes_a_chunk / task_bytes);
  parallel(divide_up(tasks, together), [&](std::int64_t chunk) {
    for (std::int64_t task = chunk * together; task < std::min(tasks, (chunk + 1) * together); ++task) {
      const std::int64_t o = task / parts;
      const std::int64_t part = task % parts;
      const std::int64_t column = part % columns;
      const std::int64_t range = part / columns;
      const std::int64_t slices = parts / columns;
      scatter_part(in + o * length * inner, indices, out + o * count * inner, count, length, inner,
                   count / slices * range, range + 1 == slices ? count : count / slices * (range + 1),
                   inner / columns * column, column + 1 == columns ? inner : inner / columns * (column + 1));
    }
  });
}

__extension__ typedef unsigned __int128 Wide;

/// The words of one draw, in order.
class Words {
 public:
  explicit Words(Draw draw) : draw_(draw) {}

  std::uint32_t next() {
    if (used_ == block_.size()) {
      block_ = philox_block(draw_.seed, draw_.number, block_number_++);
      used_ = 0;
    }
    return block_[used_++];
  }

  /// Uniform below `bound`, which is at least 1: the high half of word * bound, rejecting the words that would make
  /// some results likelier (Lemire, "Fast random integer generation in an interval", 2019).
  std::uint64_t below(std::uint64_t bound) {
    if (bound <= 0xFFFFFFFFU) return below_32(static_cast<std::uint32_t>(bound));
    const std::uint64_t rejected = (0 - bound) % bound;
    for (;;) {
      const std::uint64_t low = next();
      const std::uint64_t word = std::uint64_t{next()} << 32 | low;
      const auto product = static_cast<Wide>(word) * bound;
      if (static_cast<std::uint64_t>(product) >= rejected) return static_cast<std::uint64_t>(product >> 64);
    }
  }

 private:
  std::uint64_t below_32(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t rejected = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < rejected) product = std::uint64_t{next()} * bound;
    }
    return product >> 32;
  }

  Draw draw_;
  std::uint64_t block_number_ = 0;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace

std::int64_t find_bad_index(DType index_type, const void* indices, std::int64_t length, std::int64_t count,
                            bool negative_ok) {
  return with_indices("find_bad_index", index_type, indices, [&](const auto* typed) -> std::int64_t {
    constexpr std::int64_t block = 1024;
    const std::int64_t lowest = negative_ok ? -count : 0;
    for (std::int64_t begin = 0; begin < length; begin += block) {
      const std::int64_t end = std::min(length, begin + block);
      bool bad = false;
      for (std::int64_t j = begin; j < end; ++j) {
        const auto index = static_cast<std::int64_t>(typed[j]);
        bad |= (index < lowest) | (index >= count);
      }
      if (!bad) continue;
      for (std::int64_t j = begin;; ++j) {
        const auto index = static_cast<std::int64_t>(typed[j]);
        if (index < lowest || index >= count) return j;
      }
    }
    return -1;
  });
}

void gather(DType index_type, const void* in, const void* indices, void* out, std::int64_t outer, std::int64_t count,
            std::int64_t length, std::size_t inner_bytes) {
  with_indices("gather", index_type, indices, [&](const auto* typed) {
    if (outer == 0 || length == 0 || inner_bytes == 0) return;
    const auto bytes = static_cast<std::int64_t>(inner_bytes);
    const auto* from = static_cast<const std::byte*>(in);
    auto* to = static_cast<std::byte*>(out);
    if (bytes >= bytes_a_chunk) return gather_large(from, typed, to, outer, count, length, bytes);
    // Short runs of indices are cheap per slice but not free, so small slices count as 16 bytes.
    const std::int64_t slices = std::max<std::int64_t>(1, bytes_a_chunk / std::max<std::int64_t>(bytes, 16));
    const std::int64_t runs = divide_up(length, slices);
    const std::int64_t units = outer * runs;
    const std::int64_t together = std::max<std::int64_t>(1, slices / std::min(length, slices));
    parallel(divide_up(units, together), [&](std::int64_t chunk) {
      for (std::int64_t unit = chunk * together; unit < std::min(units, (chunk + 1) * together); ++unit) {
        const std::int64_t o = unit / runs;
        const std::int64_t first = unit % runs * slices;
        gather_slices(from + o * count * bytes, typed + first, to + (o * length + first) * bytes, count,
                      std::min(slices, length - first), inner_bytes);
      }
    });
  });
}

void scatter_add(DType type, DType index_type, const void* in, const void* indices, void* out, std::int64_t outer,
                 std::int64_t count, std::int64_t length, std::int64_t inner) {
  with_indices("scatter_add", index_type, indices, [&](const auto* typed) {
    if (outer == 0 || count == 0 || inner == 0) return;
    with_dtype(type, [&]<class T>(T) {
      if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
        using Bits = std::make_unsigned_t<T>;  // whose overflow is defined
        scatter_typed(static_cast<const Bits*>(in), typed, static_cast<Bits*>(out), outer, count, length, inner);
      } else {
        scatter_typed(static_cast<const T*>(in), typed, static_cast<T*>(out), outer, count, length, inner);
      }
    });
  });
}

void permutation(Draw draw, std::int64_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = i;
  Words words(draw);
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::swap(out[i], out[words.below(static_cast<std::uint64_t>(i) + 1)]);
  }
}

}  // namespace xgrad::kernels
