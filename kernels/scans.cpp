#include <xgrad/kernels/scans.hpp>

#include <xgrad/kernels/pool.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t bytes_a_chunk = 256 << 10;
constexpr std::int64_t strip = 256;        // columns scanned side by side
constexpr std::int64_t rows_together = 8;  // rows of contiguous elements scanned side by side, to hide latency
constexpr std::int64_t product_block = 32768;
constexpr std::int64_t product_lanes = 32;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Calls f(task) for every task, several in one chunk of the pool if they are small.
template <class F>
void for_tasks(std::int64_t tasks, std::int64_t bytes_a_task, F&& f) {
  const std::int64_t together = std::max<std::int64_t>(1, bytes_a_chunk / std::max<std::int64_t>(1, bytes_a_task));
  parallel(divide_up(tasks, together), [&](std::int64_t chunk) {
    const std::int64_t last = std::min(tasks, (chunk + 1) * together);
    for (std::int64_t task = chunk * together; task < last; ++task) f(task);
  });
}

/// Wrapping arithmetic is that of unsigned integers; a bool is a byte.
template <class T>
struct Computed {
  using type = T;
};
template <>
struct Computed<bool> {
  using type = std::uint8_t;
};

template <class T>
using Wrapping = typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;

/// A running result: `start` with the first element, `next` with each other one; both give the result so far.
template <Scan kind, class T>
struct Running {
  T value;
  T start(T x) { return value = x; }
  T next(T x) {
    if constexpr (kind == Scan::sum) {
      value = static_cast<T>(static_cast<Wrapping<T>>(value) + static_cast<Wrapping<T>>(x));
    } else if constexpr (kind == Scan::product) {
      value = static_cast<T>(static_cast<Wrapping<T>>(value) * static_cast<Wrapping<T>>(x));
    } else {
      const bool better = kind == Scan::max ? x > value : x < value;
      value = better | (x != x) ? x : value;
    }
    return value;
  }
};

/// log(sum of exponentials) as the largest so far and the sum of exponentials relative to it.
template <class T>
struct Running<Scan::log_sum_exp, T> {
  double largest, total;
  T start(T x) {
    largest = static_cast<double>(x);
    total = 1;
    return x;
  }
  T next(T element) {
    const double x = static_cast<double>(element);
    // The first comparison is false for infinities of one sign too, whose difference is NaN.
    if (x == largest)
      total += 1;
    else if (x < largest)
      total += std::exp(x - largest);
    else if (x > largest) {
      total = total * std::exp(largest - x) + 1;
      largest = x;
    } else {
      largest = std::numeric_limits<double>::quiet_NaN();
    }
    return static_cast<T>(std::isinf(largest) ? largest : largest + std::log(total));
  }
};

/// `width` scans side by side: neighbours are `across` apart, steps along a scan `along`.
template <class State, std::int64_t most, class T>
[[gnu::always_inline]] inline void scan_side_by_side(const T* in, T* out, std::int64_t count, std::int64_t along,
                                                     std::int64_t width, std::int64_t across) {
  std::array<State, static_cast<std::size_t>(most)> states;
  State* const state = states.data();
  for (std::int64_t i = 0; i < width; ++i) out[i * across] = state[i].start(in[i * across]);
  for (std::int64_t j = 1; j < count; ++j) {
    const T* from = in + j * along;
    T* to = out + j * along;
    for (std::int64_t i = 0; i < width; ++i) to[i * across] = state[i].next(from[i * across]);
  }
}

template <Scan kind, class T>
void scan_typed(const T* in, T* out, std::int64_t outer, std::int64_t count, std::int64_t inner, bool back) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(T));
  using State = Running<kind, T>;
  const std::int64_t along = back ? -inner : inner, first = back ? (count - 1) * inner : 0;
  if (inner == 1) {
    for_tasks(divide_up(outer, rows_together), rows_together * count * size, [&](std::int64_t task) {
      const std::int64_t row = task * rows_together, width = std::min(rows_together, outer - row);
      const std::int64_t at = row * count + first;
      if (width == rows_together)
        scan_side_by_side<State, rows_together>(in + at, out + at, count, along, rows_together, count);
      else
        for (std::int64_t i = 0; i < width; ++i)
          scan_side_by_side<State, 1>(in + at + i * count, out + at + i * count, count, along, 1, 1);
    });
    return;
  }
  const std::int64_t strips = divide_up(inner, strip);
  for_tasks(outer * strips, count * std::min(inner, strip) * size, [&](std::int64_t task) {
    const std::int64_t column = task % strips * strip;
    const std::int64_t at = task / strips * count * inner + column + first;
    scan_side_by_side<State, strip>(in + at, out + at, count, along, std::min(strip, inner - column), 1);
  });
}

template <class T>
void recur_typed(const T* factors, const T* terms, T* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
                 bool back, bool late) {
  const std::int64_t along = back ? -inner : inner, lag = late ? along : 0;
  const std::int64_t strips = divide_up(inner, strip);
  for_tasks(outer * strips, 2 * count * std::min(inner, strip) * static_cast<std::int64_t>(sizeof(T)),
            [&](std::int64_t task) {
              const std::int64_t column = task % strips * strip, width = std::min(strip, inner - column);
              std::int64_t at = task / strips * count * inner + column + (back ? (count - 1) * inner : 0);
              std::copy_n(terms + at, width, out + at);
              for (std::int64_t j = 1; j < count; ++j) {
                at += along;
                const T *factor = factors + at - lag, *term = terms + at, *before = out + at - along;
                for (std::int64_t i = 0; i < width; ++i) out[at + i] = term[i] + factor[i] * before[i];
              }
            });
}

/// In the elements' own type: small integers would be multiplied, and overflow, as int.
template <class T>
T times(T a, T b) {
  return static_cast<T>(a * b);
}

/// The product of up to product_block rows of `width` columns, `step` apart.
template <class T>
void multiply_block(const T* in, std::int64_t rows, std::int64_t step, std::int64_t width, T* __restrict out) {
  if (step > 1) {
    std::copy_n(in, width, out);
    // Several rows in one pass: the running products are read and written less often, in the same order.
    constexpr std::int64_t together = 4;
    std::int64_t r = 1;
    for (; r + together <= rows; r += together) {
      const T *a = in + r * step, *b = a + step, *c = b + step, *d = c + step;
      for (std::int64_t i = 0; i < width; ++i) out[i] = times(times(times(times(out[i], a[i]), b[i]), c[i]), d[i]);
    }
    for (; r < rows; ++r)
      for (std::int64_t i = 0; i < width; ++i) out[i] = times(out[i], in[r * step + i]);
    return;
  }
  std::array<T, product_lanes> parts;
  parts.fill(1);
  std::int64_t r = 0;
  for (; r + product_lanes <= rows; r += product_lanes)
    for (std::size_t i = 0; i < product_lanes; ++i)
      parts[i] = static_cast<T>(parts[i] * in[r + static_cast<std::int64_t>(i)]);
  for (std::size_t i = 0; r < rows; ++r, ++i) parts[i] = static_cast<T>(parts[i] * in[r]);
  for (std::size_t half = product_lanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) parts[i] = static_cast<T>(parts[i] * parts[i + half]);
  *out = parts[0];
}

template <class T>
void product_typed(const T* in, T* out, std::int64_t outer, std::int64_t count, std::int64_t inner) {
  if (count == 0) {
    std::fill_n(out, outer * inner, T{1});
    return;
  }
  const std::int64_t blocks = divide_up(count, product_block), strips = divide_up(inner, strip);
  std::unique_ptr<T[]> partial;
  if (blocks > 1) partial = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(outer * blocks * inner));
  T* const parts = blocks > 1 ? partial.get() : out;
  const std::int64_t bytes = std::min(count, product_block) * std::min(inner, strip);
  for_tasks(outer * blocks * strips, bytes * static_cast<std::int64_t>(sizeof(T)), [&](std::int64_t task) {
    const std::int64_t column = task % strips * strip, block = task / strips % blocks, o = task / strips / blocks;
    const std::int64_t row = block * product_block;
    multiply_block(in + (o * count + row) * inner + column, std::min(product_block, count - row), inner,
                   std::min(strip, inner - column), parts + (o * blocks + block) * inner + column);
  });
  if (blocks == 1) return;
  for (std::int64_t o = 0; o < outer; ++o) {
    std::copy_n(parts + o * blocks * inner, inner, out + o * inner);
    for (std::int64_t block = 1; block < blocks; ++block)
      for (std::int64_t i = 0; i < inner; ++i)
        out[o * inner + i] = static_cast<T>(out[o * inner + i] * parts[(o * blocks + block) * inner + i]);
  }
}

template <class T>
struct Element {
  T value;
  std::int64_t place;
  bool operator<(const Element& other) const {
    return value < other.value || (value == other.value && place < other.place);
  }
};

template <class T>
void places_in_row(const T* in, std::int64_t count, std::vector<Element<T>>& row, const std::int64_t* ranks,
                   std::int64_t number, std::int64_t* places) {
  row.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    if (in[i] != in[i]) {
      std::fill_n(places, number, i);
      return;
    }
    row[static_cast<std::size_t>(i)] = {in[i], i};
  }
  auto from = row.begin();
  for (std::int64_t k = 0; k < number; ++k) {
    // What is before a rank that was found is smaller, so the next one is looked for behind it.
    if (k == 0 || ranks[k] != ranks[k - 1]) {
      std::nth_element(from, row.begin() + ranks[k], row.end());
      from = row.begin() + ranks[k] + 1;
    }
    places[k] = row[static_cast<std::size_t>(ranks[k])].place;
  }
}

void refuse(const char* function, const char* expected, DType type) {
  throw std::invalid_argument(std::string(function) + ": expected " + expected + ", got " + name_of(type));
}

}  // namespace

void scan(Scan kind, DType type, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
          Direction direction) {
  if (type == DType::bool_ && (kind == Scan::sum || kind == Scan::product)) refuse("scan", "numbers", type);
  if (kind == Scan::log_sum_exp && !is_floating(type)) refuse("scan", "floating-point numbers", type);
  if (outer == 0 || count == 0 || inner == 0) return;
  const bool back = direction == Direction::backward;
  with_dtype(type, [&]<class Stored>(Stored) {
    using T = typename Computed<Stored>::type;
    const auto* from = static_cast<const T*>(in);
    auto* to = static_cast<T*>(out);
    switch (kind) {
      case Scan::sum:
        return scan_typed<Scan::sum>(from, to, outer, count, inner, back);
      case Scan::product:
        return scan_typed<Scan::product>(from, to, outer, count, inner, back);
      case Scan::max:
        return scan_typed<Scan::max>(from, to, outer, count, inner, back);
      case Scan::min:
        return scan_typed<Scan::min>(from, to, outer, count, inner, back);
      case Scan::log_sum_exp:
        if constexpr (std::is_floating_point_v<T>)
          return scan_typed<Scan::log_sum_exp>(from, to, outer, count, inner, back);
    }
  });
}

void recur(DType type, const void* factors, const void* terms, void* out, std::int64_t outer, std::int64_t count,
           std::int64_t inner, Direction direction, bool late) {
  if (!is_floating(type)) refuse("recur", "floating-point numbers", type);
  if (outer == 0 || count == 0 || inner == 0) return;
  with_dtype(type, [&]<class T>(T) {
    if constexpr (std::is_floating_point_v<T>)
      recur_typed(static_cast<const T*>(factors), static_cast<const T*>(terms), static_cast<T*>(out), outer, count,
                  inner, direction == Direction::backward, late);
  });
}

void product(DType type, const void* in, void* out, std::int64_t outer, std::int64_t count, std::int64_t inner) {
  if (type == DType::bool_) refuse("product", "numbers", type);
  if (outer == 0 || inner == 0) return;
  with_dtype(type, [&]<class Stored>(Stored) {
    using T = Wrapping<typename Computed<Stored>::type>;
    product_typed(static_cast<const T*>(in), static_cast<T*>(out), outer, count, inner);
  });
}

void places_of_ranks(DType type, const void* in, std::int64_t* places, std::int64_t rows, std::int64_t count,
                     const std::int64_t* ranks, std::int64_t number) {
  if (rows == 0 || number == 0) return;
  with_dtype(type, [&]<class Stored>(Stored) {
    using T = typename Computed<Stored>::type;
    const auto* from = static_cast<const T*>(in);
    const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(Element<T>));
    const std::int64_t together = std::max<std::int64_t>(1, bytes_a_chunk / bytes);
    parallel(divide_up(rows, together), [&](std::int64_t chunk) {
      std::vector<Element<T>> row;
      for (std::int64_t r = chunk * together; r < std::min(rows, (chunk + 1) * together); ++r)
        places_in_row(from + r * count, count, row, ranks, number, places + r * number);
    });
  });
}

}  // namespace xgrad::kernels
