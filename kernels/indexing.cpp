#include <xgrad/kernels/indexing.hpp>

#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/words.hpp>

#include <algorithm>
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
    case DType::uint8:
      return f(static_cast<const std::uint8_t*>(indices));
    case DType::int32:
      return f(static_cast<const std::int32_t*>(indices));
    case DType::int64:
      return f(static_cast<const std::int64_t*>(indices));
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
    case 1:
      return gather_fixed<1>(in, indices, out, count, length);
    case 2:
      return gather_fixed<2>(in, indices, out, count, length);
    case 4:
      return gather_fixed<4>(in, indices, out, count, length);
    case 8:
      return gather_fixed<8>(in, indices, out, count, length);
    case 12:
      return gather_fixed<12>(in, indices, out, count, length);
    case 16:
      return gather_fixed<16>(in, indices, out, count, length);
    case 32:
      return gather_fixed<32>(in, indices, out, count, length);
    case 64:
      return gather_fixed<64>(in, indices, out, count, length);
    default:
      break;
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

/// An element of the target after an element of the source has come to it. NaN is the largest and the smallest.
template <Combine combine, class T>
[[gnu::always_inline]] inline T combined(T old, T next) {
  if constexpr (combine == Combine::set)
    return next;
  else if constexpr (combine == Combine::minimum)
    return old < next || old != old ? old : next;
  else if constexpr (combine == Combine::maximum)
    return old > next || old != old ? old : next;
  else if constexpr (std::is_same_v<T, bool>)
    return combine == Combine::add ? old | next : old & next;
  else
    return static_cast<T>(combine == Combine::add ? old + next : old * next);
}

/// Slices begin to end of the target, and columns c0 to c1 of them.
template <Combine combine, bool fresh, class T, class I>
void scatter_part(const T* in, const I* indices, T* out, std::int64_t count, std::int64_t length, std::int64_t inner,
                  std::int64_t begin, std::int64_t end, std::int64_t c0, std::int64_t c1) {
  if constexpr (fresh)
    for (std::int64_t slice = begin; slice < end; ++slice) std::fill_n(out + slice * inner + c0, c1 - c0, T{});
  for (std::int64_t j = 0; j < length; ++j) {
    const std::int64_t slice = position(indices[j], count);
    if (slice < begin || slice >= end) continue;
    T* __restrict to = out + slice * inner;
    const T* __restrict from = in + j * inner;
    for (std::int64_t i = c0; i < c1; ++i) to[i] = combined<combine>(to[i], from[i]);
  }
}

template <Combine combine, bool fresh, class T, class I>
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
      scatter_part<combine, fresh>(in + o * length * inner, indices, out + o * count * inner, count, length, inner,
                                   count / slices * range, range + 1 == slices ? count : count / slices * (range + 1),
                                   inner / columns * column,
                                   column + 1 == columns ? inner : inner / columns * (column + 1));
    }
  });
}

/// Lines of (outer, length, inner) arrays that take from or add to lines of (outer, count, inner) ones, one or more
/// blocks of columns a task, whose lines no other task has.
template <class F>
void for_each_block(std::int64_t outer, std::int64_t count, std::int64_t length, std::int64_t inner, F&& block) {
  constexpr std::int64_t elements_a_chunk = 16 << 10;
  const std::int64_t line = std::max<std::int64_t>(count + length, 1);
  const std::int64_t least = std::min<std::int64_t>(inner, 16);
  const std::int64_t width = std::clamp<std::int64_t>(elements_a_chunk / line, least, inner);
  const std::int64_t blocks = divide_up(inner, width);
  const std::int64_t together = std::max<std::int64_t>(1, elements_a_chunk / (line * width));
  const std::int64_t tasks = outer * blocks;
  parallel(divide_up(tasks, together), [&](std::int64_t chunk) {
    for (std::int64_t task = chunk * together; task < std::min(tasks, (chunk + 1) * together); ++task) {
      const std::int64_t begin = task % blocks * width;
      block(task / blocks, begin, std::min(inner, begin + width));
    }
  });
}

/// An unsigned integer of an element's size.
template <std::size_t bytes>
using Bits = std::conditional_t<bytes == 1, std::uint8_t, std::conditional_t<bytes == 4, std::uint32_t, std::uint64_t>>;

/// Calls f with an element of the type that sums and products are computed in: overflow is defined for unsigned ones.
template <class F>
void with_wrapping(DType type, F&& f) {
  with_dtype(type, [&]<class T>(T) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>)
      f(std::make_unsigned_t<T>{});
    else
      f(T{});
  });
}

/// Calls f with the way to combine as a constant and an element of the type to compute in.
template <class F>
void with_combine(Combine combine, DType type, F&& f) {
  using std::integral_constant;
  switch (combine) {
    case Combine::set:
      return with_wrapping(type, [&](auto x) { f(integral_constant<Combine, Combine::set>{}, x); });
    case Combine::add:
      return with_wrapping(type, [&](auto x) { f(integral_constant<Combine, Combine::add>{}, x); });
    case Combine::multiply:
      return with_wrapping(type, [&](auto x) { f(integral_constant<Combine, Combine::multiply>{}, x); });
    case Combine::minimum:
      return with_dtype(type, [&](auto x) { f(integral_constant<Combine, Combine::minimum>{}, x); });
    default:
      return with_dtype(type, [&](auto x) { f(integral_constant<Combine, Combine::maximum>{}, x); });
  }
}

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
    with_wrapping(type, [&]<class T>(T) {
      scatter_typed<Combine::add, true>(static_cast<const T*>(in), typed, static_cast<T*>(out), outer, count, length,
                                        inner);
    });
  });
}

void scatter(Combine combine, DType type, const void* in, const std::int64_t* places, void* out, std::int64_t count,
             std::int64_t length, std::int64_t inner) {
  if (count == 0 || inner == 0 || length == 0) return;
  with_combine(combine, type, [&]<class How, class T>(How, T) {
    scatter_typed<How::value, false>(static_cast<const T*>(in), places, static_cast<T*>(out), 1, count, length, inner);
  });
}

std::int64_t flatten_indices(DType index_type, const void* indices, const std::int64_t* lengths, std::int64_t width,
                             std::int64_t batches, std::int64_t length, std::int64_t* places) {
  return with_indices("flatten_indices", index_type, indices, [&](const auto* typed) -> std::int64_t {
    for (std::int64_t batch = 0, j = 0; batch < batches; ++batch) {
      for (const std::int64_t end = j + length; j < end; ++j) {
        std::int64_t place = batch;
        for (std::int64_t k = 0; k < width; ++k) {
          const auto index = static_cast<std::int64_t>(typed[j * width + k]);
          if (index < -lengths[k] || index >= lengths[k]) return j * width + k;
          place = place * lengths[k] + position(index, lengths[k]);
        }
        places[j] = place;
      }
    }
    return -1;
  });
}

void gather_along(DType index_type, const void* in, const void* indices, void* out, std::int64_t outer,
                  std::int64_t count, std::int64_t length, std::int64_t inner, std::size_t bytes) {
  const auto typed_gather = [&]<std::size_t size>(std::integral_constant<std::size_t, size>, const auto* typed) {
    const auto* from = static_cast<const Bits<size>*>(in);
    auto* to = static_cast<Bits<size>*>(out);
    for_each_block(outer, count, length, inner, [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = 0; j < length; ++j) {
        const std::int64_t row = (o * length + j) * inner;
        for (std::int64_t i = begin; i < end; ++i)
          to[row + i] = from[(o * count + position(typed[row + i], count)) * inner + i];
      }
    });
  };
  with_indices("gather_along", index_type, indices, [&](const auto* typed) {
    if (outer == 0 || length == 0 || inner == 0) return;
    if (bytes == 1)
      typed_gather(std::integral_constant<std::size_t, 1>{}, typed);
    else if (bytes == 4)
      typed_gather(std::integral_constant<std::size_t, 4>{}, typed);
    else
      typed_gather(std::integral_constant<std::size_t, 8>{}, typed);
  });
}

void scatter_along(Combine combine, DType type, DType index_type, const void* in, const void* indices, void* out,
                   std::int64_t outer, std::int64_t count, std::int64_t length, std::int64_t inner) {
  const auto typed_scatter = [&]<class How, class T>(How, T, const auto* typed) {
    const auto* from = static_cast<const T*>(in);
    auto* to = static_cast<T*>(out);
    for_each_block(outer, count, length, inner, [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = 0; j < length; ++j) {
        const std::int64_t row = (o * length + j) * inner;
        for (std::int64_t i = begin; i < end; ++i) {
          T& target = to[(o * count + position(typed[row + i], count)) * inner + i];
          target = combined<How::value>(target, from[row + i]);
        }
      }
    });
  };
  with_indices("scatter_along", index_type, indices, [&](const auto* typed) {
    if (outer == 0 || length == 0 || inner == 0) return;
    with_wrapping(type, [&](auto x) {
      if (combine == Combine::set)
        typed_scatter(std::integral_constant<Combine, Combine::set>{}, x, typed);
      else
        typed_scatter(std::integral_constant<Combine, Combine::add>{}, x, typed);
    });
  });
}

void permutation(Draw draw, std::int64_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = i;
  WordStream words(draw);
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::swap(out[i], out[words.below(static_cast<std::uint64_t>(i) + 1)]);
  }
}

}  // namespace xgrad::kernels
