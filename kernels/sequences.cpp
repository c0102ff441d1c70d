#include <xgrad/kernels/sequences.hpp>

#include <xgrad/kernels/moves.hpp>
#include <xgrad/kernels/pool.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t together = 1 << 15;

/// out[i] = value(i), i as a double, which counts in 32 bits inside a chunk: that is what vectors can convert.
template <class T, class Value>
void each(T* out, std::int64_t count, Value&& value) {
  parallel((count + together - 1) / together, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * together;
    const auto length = static_cast<std::int32_t>(std::min(together, count - first));
    const auto base = static_cast<double>(first);
    T* to = out + first;
    for (std::int32_t i = 0; i < length; ++i) to[i] = static_cast<T>(value(base + static_cast<double>(i)));
  });
}

template <class Value>
void each_real(const char* name, DType type, void* out, std::int64_t count, Value&& value) {
  if (type == DType::float32) each(static_cast<float*>(out), count, value);
  else if (type == DType::float64) each(static_cast<double*>(out), count, value);
  else throw std::invalid_argument(std::string(name) + ": expected float32 or float64");
}

}  // namespace

void count_up(DType type, void* out, std::int64_t count) {
  if (type != DType::int64) return each_real("count_up", type, out, count, [](double i) { return i; });
  auto* whole = static_cast<std::int64_t*>(out);
  parallel((count + together - 1) / together, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * together, last = std::min(count, first + together);
    for (std::int64_t i = first; i < last; ++i) whole[i] = i;
  });
}

void steps(DType type, void* out, std::int64_t count, double start, double step) {
  each_real("steps", type, out, count, [=](double i) { return start + i * step; });
}

void shares(DType type, void* out, std::int64_t count, double start, double distance, std::int64_t gaps) {
  const auto all = static_cast<double>(gaps);
  each_real("shares", type, out, count, [=](double i) { return start + i / all * distance; });
}

void shift(std::size_t bytes, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
           bool back, const void* fill_with) {
  if (count == 0) return;
  const auto step = static_cast<std::size_t>(inner) * bytes, kept = static_cast<std::size_t>(count - 1) * step;
  const auto* from = static_cast<const char*>(in);
  auto* to = static_cast<char*>(out);
  for (std::int64_t o = 0; o < outer; ++o, from += kept + step, to += kept + step) {
    if (kept) copy_bytes(to + (back ? 0 : step), from + (back ? step : 0), kept);
    fill(bytes, to + (back ? kept : 0), fill_with, inner);
  }
}

void differences(DType type, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner) {
  const std::int64_t line = (count - 1) * inner;
  if (outer == 0 || line <= 0) return;
  with_dtype(type, [&]<class T>(T) {
    const std::int64_t rows = std::max<std::int64_t>(1, together / line), pieces = (line + together - 1) / together;
    const auto piece = [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
      const T* from = static_cast<const T*>(in) + o * count * inner;
      T* to = static_cast<T*>(out) + o * line;
      for (std::int64_t i = begin; i < end; ++i) {
        const T after = from[i + inner], before = from[i];
        if constexpr (std::is_same_v<T, bool>) to[i] = after != before;
        else if constexpr (std::is_integral_v<T>)
          to[i] = static_cast<T>(static_cast<std::make_unsigned_t<T>>(after) -
                                 static_cast<std::make_unsigned_t<T>>(before));
        else to[i] = after - before;
      }
    };
    if (pieces > 1)
      parallel(outer * pieces, [&](std::int64_t chunk) {
        const std::int64_t begin = chunk % pieces * together;
        piece(chunk / pieces, begin, std::min(line, begin + together));
      });
    else
      parallel((outer + rows - 1) / rows, [&](std::int64_t chunk) {
        for (std::int64_t o = chunk * rows; o < std::min(outer, (chunk + 1) * rows); ++o) piece(o, 0, line);
      });
  });
}

std::int64_t count_values(DType index_type, const void* in, std::int64_t length, std::int64_t* out,
                          std::int64_t count) {
  return with_dtype(index_type, [&]<class T>(T) -> std::int64_t {
    if constexpr (std::is_floating_point_v<T>) {
      throw std::invalid_argument("count_values: expected integers");
    } else {
      const T* values = static_cast<const T*>(in);
      const auto limit = static_cast<std::uint64_t>(count);
      // Equal neighbours would wait for each other's additions: four tables take turns where they fit the cache.
      constexpr std::int64_t small = 4096;
      std::vector<std::int64_t> tables(count <= small && length >= 4 * count ? 3 * static_cast<std::size_t>(count) : 0);
      std::array<std::int64_t*, 4> table = {out, out, out, out};
      for (std::size_t k = 0; k < 3 && !tables.empty(); ++k)
        table[k + 1] = tables.data() + k * static_cast<std::size_t>(count);
      std::int64_t i = 0;
      for (; i + 4 <= length; i += 4) {
        std::uint64_t at[4];
        bool inside = true;
        for (int k = 0; k < 4; ++k) {
          at[k] = static_cast<std::uint64_t>(values[i + k]);
          inside &= at[k] < limit;
        }
        if (!inside) break;
        for (std::size_t k = 0; k < 4; ++k) ++table[k][at[k]];
      }
      for (; i < length; ++i) {
        const auto at = static_cast<std::uint64_t>(values[i]);
        if (at >= limit) return i;
        ++out[at];
      }
      for (std::size_t k = 0; k < tables.size(); ++k) out[k % static_cast<std::size_t>(count)] += tables[k];
      return -1;
    }
  });
}

}  // namespace xgrad::kernels
