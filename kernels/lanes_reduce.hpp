#pragma once
// Internal to kernels/.
// Folding rows. The order of a fold is a function of the row's length alone: blocks of fold_block elements, each in 32
// lanes (element i in lane i mod 32), lanes halved until one is left, then the blocks' results folded the same way.
// Internal linkage, as in lanes_simple.hpp.

#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/lanes_simple.hpp>

#include <xsimd/xsimd.hpp>

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace xgrad::kernels {
namespace {

// So many that additions of one vector need not wait for each other.
inline constexpr int fold_lanes = 32;

template <class T>
struct LaneVector {
  static constexpr int all = fold_lanes * int(sizeof(T));
  static constexpr int native = int(sizeof(xsimd::batch<float>));
  static constexpr int bytes = all < native ? all : native;
  static constexpr int count = all / bytes;  // vectors in which the lanes are held
  static constexpr int width = fold_lanes / count;
  using Index = std::conditional_t<sizeof(T) == 1, std::int8_t,
                                   std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>>;
  typedef T Type __attribute__((vector_size(bytes)));
  typedef Index Mask __attribute__((vector_size(bytes)));
};

// All ones for `fold_lanes` lanes, then none: loaded from `fold_lanes - n`, ones for n lanes.
template <class T>
struct FirstLanes {
  typename LaneVector<T>::Index on[2 * fold_lanes] = {};
  constexpr FirstLanes() {
    for (int i = 0; i < fold_lanes; ++i) on[i] = -1;
  }
};
template <class T>
inline constexpr FirstLanes<T> first_lanes{};

struct FoldSum {
  template <class T> static T start() { return T(0); }
  template <class V> static V many(V a, V b) { return a + b; }
};
template <bool maximum>
struct FoldExtreme {
  template <class T> static T start() {
    if constexpr (is_float<T>) {
      return maximum ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    } else {
      return maximum ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
    }
  }
  template <class V> static V many(V a, V b) {
    if constexpr (maximum) return ((a > b) | (a != a)) ? a : b;
    else return ((a < b) | (a != a)) ? a : b;
  }
};

// Halves the lanes of one vector until one is left.
template <class Fold, int half, class V, class Mask>
inline V halve(V x, Mask place) {
  if constexpr (half == 0) {
    return x;
  } else {
    constexpr decltype(place[0] + 0) step = half;
    return halve<Fold, half / 2>(Fold::many(x, static_cast<V>(__builtin_shuffle(x, place + step))), place);
  }
}

// The extreme of whole vectors without a NaN, for which the processor has one instruction; false if there is a NaN.
template <bool maximum, class T>
inline bool fold_plain_numbers(const T* x, std::int64_t count, typename LaneVector<T>::Type* extreme) {
  using Batch = xsimd::batch<T>;
  using V = typename LaneVector<T>::Type;
  constexpr int vectors = LaneVector<T>::count, width = LaneVector<T>::width;
  static_assert(sizeof(Batch) == sizeof(V));
  Batch found[vectors];
  for (int v = 0; v < vectors; ++v) std::memcpy(&found[v], &extreme[v], sizeof(V));
  xsimd::batch_bool<T> odd(false);
  for (std::int64_t i = 0; i < count; i += fold_lanes)
    for (int v = 0; v < vectors; ++v) {
      const Batch next = Batch::load_unaligned(x + i + v * width);
      odd = odd | xsimd::isnan(next);
      found[v] = maximum ? xsimd::max(found[v], next) : xsimd::min(found[v], next);
    }
  if (xsimd::any(odd)) return false;
  for (int v = 0; v < vectors; ++v) std::memcpy(&extreme[v], &found[v], sizeof(V));
  return true;
}

// `room` elements from x on may be read, wanted or not.
template <class Fold, class T>
inline T fold_one_block(const T* x, std::int64_t count, std::int64_t room) {
  using Lanes = LaneVector<T>;
  using V = typename Lanes::Type;
  using Mask = typename Lanes::Mask;
  constexpr int vectors = Lanes::count, width = Lanes::width;
  const V start = V{} + Fold::template start<T>();
  V sum[vectors];
  for (int v = 0; v < vectors; ++v) sum[v] = start;
  std::int64_t i = 0;
  if constexpr (is_float<T> && !std::is_same_v<Fold, FoldSum>)
    if (const std::int64_t whole = count - count % fold_lanes;
        fold_plain_numbers<std::is_same_v<Fold, FoldExtreme<true>>>(x, whole, sum))
      i = whole;
  for (; i + fold_lanes <= count; i += fold_lanes) {
    for (int v = 0; v < vectors; ++v) {
      V next;
      std::memcpy(&next, x + i + v * width, sizeof(V));
      sum[v] = Fold::many(sum[v], next);
    }
  }
  if (const std::int64_t left = count - i; left > 0) {
    T padded[fold_lanes] = {};
    const T* from = x + i;
    if (room - i < fold_lanes) {
      for (std::int64_t l = 0; l < left; ++l) padded[l] = from[l];
      from = padded;
    }
    for (int v = 0; v < vectors; ++v) {
      V next;
      Mask wanted;
      std::memcpy(&next, from + v * width, sizeof(V));
      std::memcpy(&wanted, first_lanes<T>.on + (fold_lanes - left) + v * width, sizeof(Mask));
      sum[v] = Fold::many(sum[v], wanted ? next : start);
    }
  }
  for (int half = vectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) sum[v] = Fold::many(sum[v], sum[v + half]);
  }
  Mask place;
  for (int l = 0; l < width; ++l) place[l] = static_cast<typename Lanes::Index>(l);
  return halve<Fold, width / 2>(sum[0], place)[0];
}

template <class Fold, class T>
inline T fold_row(const T* x, std::int64_t count, std::int64_t room) {
  if (count <= fold_block) return fold_one_block<Fold>(x, count, room);
  constexpr std::int64_t most = max_row / fold_block;
  T part[most];
  std::int64_t parts = 0;
  for (std::int64_t i = 0; i < count; i += fold_block, ++parts) {
    part[parts] = fold_one_block<Fold>(x + i, count - i < fold_block ? count - i : fold_block, room - i);
  }
  return fold_one_block<Fold>(part, parts, most);
}

template <class Fold, class T>
void fold_rows(void* out, const void* a, const void*, const void* c, std::int64_t rows) {
  auto* result = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  const std::int64_t cols = *static_cast<const std::int64_t*>(c);
  for (std::int64_t r = 0; r < rows; ++r, x += cols) result[r] = fold_row<Fold>(x, cols, (rows - r) * cols);
}

}  // namespace
}  // namespace xgrad::kernels
