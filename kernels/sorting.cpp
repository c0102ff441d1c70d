#include <xgrad/kernels/sorting.hpp>

#include <xgrad/kernels/pool.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <type_traits>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t elements_a_chunk = 16 << 10;

/// Where NaN goes among the keys of a descending order.
enum class NotANumber : std::uint8_t { last, first };

/// Unsigned integers in the order of the elements: float bits read as numbers once negative ones are turned around.
template <class T>
using Key = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T>
Key<T> ascending_key(T value) {
  using K = Key<T>;
  if constexpr (std::is_floating_point_v<T>) {
    if (value != value) return ~K{0};
    constexpr K sign = K{1} << (sizeof(T) * 8 - 1);
    const K bits = std::bit_cast<K>(value + T{0});  // -0 becomes 0
    return bits & sign ? ~bits : bits | sign;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<K>(value) ^ (K{1} << (sizeof(T) * 8 - 1));
  } else {
    return static_cast<K>(value);
  }
}

template <class T>
Key<T> descending_key(T value, NotANumber nan) {
  if (nan == NotANumber::last && value != value) return ~Key<T>{0};
  return static_cast<Key<T>>(~ascending_key(value));
}

/// A key with its place in one word where both fit, in two otherwise. Entries of one array all differ, and comparing
/// them compares keys first and places second: any way of sorting them is stable.
struct Short {
  std::uint64_t word;
  static constexpr int key_bytes = 4;
  static Short make(std::uint64_t key, std::uint64_t place) { return {key << 32 | place}; }
  std::int64_t place() const { return static_cast<std::int64_t>(word & 0xFFFFFFFFu); }
  unsigned digit(int byte) const { return static_cast<unsigned>(word >> (32 + 8 * byte)) & 255; }
  bool operator<(const Short& other) const { return word < other.word; }
};
struct Long {
  std::uint64_t key, at;
  static constexpr int key_bytes = 8;
  static Long make(std::uint64_t key, std::uint64_t place) { return {key, place}; }
  std::int64_t place() const { return static_cast<std::int64_t>(at); }
  unsigned digit(int byte) const { return static_cast<unsigned>(key >> (8 * byte)) & 255; }
  bool operator<(const Long& other) const { return key != other.key ? key < other.key : at < other.at; }
};

/// Sorts n entries whose places ascend: by comparison if they are few, else by counting, from the lowest byte up.
/// Returns the array of the two that holds the result.
template <class Entry>
Entry* sort_entries(Entry* entries, Entry* other, std::int64_t n) {
  constexpr std::int64_t few = 192;
  if (n <= few) {
    std::sort(entries, entries + n);
    return entries;
  }
  std::array<std::array<std::int64_t, 256>, Entry::key_bytes> counts{};
  for (std::int64_t j = 0; j < n; ++j)
    for (int byte = 0; byte < Entry::key_bytes; ++byte)
      ++counts[static_cast<std::size_t>(byte)][entries[j].digit(byte)];
  for (int byte = 0; byte < Entry::key_bytes; ++byte) {
    auto& count = counts[static_cast<std::size_t>(byte)];
    if (count[entries[0].digit(byte)] == n) continue;  // all alike in this byte
    std::int64_t begin = 0;
    for (std::int64_t& number : count) {
      const std::int64_t next = begin + number;
      number = begin;
      begin = next;
    }
    for (std::int64_t j = 0; j < n; ++j) other[count[entries[j].digit(byte)]++] = entries[j];
    std::swap(entries, other);
  }
  return entries;
}

/// Calls order(entries, spare, n) -> entries for each line, whose first `kept` places are written.
template <class Entry, class T, class MakeKey, class Order>
void order_lines(const T* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
                 std::int64_t kept, MakeKey&& make_key, Order&& order) {
  const std::int64_t lines = outer * inner;
  const std::int64_t together = std::max<std::int64_t>(1, elements_a_chunk / std::max<std::int64_t>(1, count));
  parallel((lines + together - 1) / together, [&](std::int64_t chunk) {
    const auto memory = std::make_unique_for_overwrite<Entry[]>(static_cast<std::size_t>(2 * count));
    for (std::int64_t line = chunk * together; line < std::min(lines, (chunk + 1) * together); ++line) {
      const std::int64_t o = line / inner, i = line % inner;
      const T* from = in + o * count * inner + i;
      Entry* entries = memory.get();
      for (std::int64_t j = 0; j < count; ++j)
        entries[j] = Entry::make(make_key(from[j * inner]), static_cast<std::uint64_t>(j));
      entries = order(entries, entries + count, count);
      std::int64_t* to = out + o * kept * inner + i;
      for (std::int64_t j = 0; j < kept; ++j) to[j * inner] = entries[j].place();
    }
  });
}

/// order_lines with the smaller entries where a place fits in 32 bits beside its key.
template <class T, class MakeKey, class Order>
void order_any(const T* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
               std::int64_t kept, MakeKey&& make_key, Order&& order) {
  if (outer == 0 || inner == 0 || kept == 0) return;
  if (sizeof(Key<T>) == 4 && count <= INT64_C(0xFFFFFFFF))
    order_lines<Short>(in, out, outer, count, inner, kept, make_key, order);
  else
    order_lines<Long>(in, out, outer, count, inner, kept, make_key, order);
}

/// How many of the ascending elements come before the value.
template <class T>
std::int64_t place_of(const T* sorted, std::int64_t count, T value, bool right) {
  const auto less = [](T a, T b) { return a < b || (b != b && a == a); };
  std::int64_t begin = 0;
  while (count > 0) {
    const std::int64_t half = count / 2;
    const T middle = sorted[begin + half];
    const bool before = right ? !less(value, middle) : less(middle, value);
    begin = before ? begin + half + 1 : begin;
    count = before ? count - half - 1 : half;
  }
  return begin;
}

}  // namespace

void argsort(DType type, const void* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
             bool descending) {
  const auto by_key = [](auto* entries, auto* spare, std::int64_t n) { return sort_entries(entries, spare, n); };
  with_dtype(type, [&]<class T>(T) {
    const auto* from = static_cast<const T*>(in);
    const auto key = [descending](T x) { return descending ? descending_key(x, NotANumber::last) : ascending_key(x); };
    order_any(from, out, outer, count, inner, count, key, by_key);
  });
}

namespace {

/// The k best of one line whose elements are side by side, best first, for small k: an ordered list of the best so far,
/// and blocks of elements of which none gets into it are passed over.
template <class T>
void top_of_line(const T* from, std::int64_t* out, std::int64_t count, std::int64_t k, Key<T>* keys, Key<T>* best) {
  constexpr std::int64_t block = 32;
  for (std::int64_t j = 0; j < count; ++j) keys[j] = descending_key(from[j], NotANumber::first);
  std::int64_t found = 0;
  const auto insert = [&](std::int64_t j) {
    std::int64_t at = found < k ? found++ : k - 1;
    for (; at > 0 && keys[j] < best[at - 1]; --at) {
      best[at] = best[at - 1];
      out[at] = out[at - 1];
    }
    best[at] = keys[j];
    out[at] = j;
  };
  std::int64_t j = 0;
  for (; j < k; ++j) insert(j);
  while (j < count) {
    const std::int64_t end = std::min(count, j + block);
    unsigned better = 0;
    for (std::int64_t i = j; i < end; ++i) better |= keys[i] < best[k - 1];
    for (; better && j < end; ++j)
      if (keys[j] < best[k - 1]) insert(j);
    j = end;
  }
}

}  // namespace

void arg_top(DType type, const void* in, std::int64_t* out, std::int64_t outer, std::int64_t count, std::int64_t inner,
             std::int64_t k) {
  constexpr std::int64_t few = 64;
  if (inner == 1 && k > 0 && k <= few && k <= count / 4) {
    with_dtype(type, [&]<class T>(T) {
      const T* from = static_cast<const T*>(in);
      const std::int64_t together = std::max<std::int64_t>(1, elements_a_chunk / count);
      parallel((outer + together - 1) / together, [&](std::int64_t chunk) {
        const auto keys = std::make_unique_for_overwrite<Key<T>[]>(static_cast<std::size_t>(count + k));
        for (std::int64_t line = chunk * together; line < std::min(outer, (chunk + 1) * together); ++line)
          top_of_line(from + line * count, out + line * k, count, k, keys.get(), keys.get() + count);
      });
    });
    return;
  }
  const auto first_k = [k](auto* entries, auto* spare, std::int64_t n) {
    // A heap of the best costs little while most elements are worse than all of them.
    if (k > n / 4) return sort_entries(entries, spare, n);
    std::make_heap(entries, entries + k);
    for (std::int64_t j = k; j < n; ++j) {
      if (!(entries[j] < entries[0])) continue;
      std::pop_heap(entries, entries + k);
      entries[k - 1] = entries[j];
      std::push_heap(entries, entries + k);
    }
    std::sort_heap(entries, entries + k);
    return entries;
  };
  with_dtype(type, [&]<class T>(T) {
    order_any(
        static_cast<const T*>(in), out, outer, count, inner, k,
        [](T x) { return descending_key(x, NotANumber::first); }, first_k);
  });
}

void search_sorted(DType type, const void* sorted, const void* values, std::int64_t* out, std::int64_t rows,
                   std::int64_t count, std::int64_t length, bool right) {
  with_dtype(type, [&]<class T>(T) {
    const auto* among = static_cast<const T*>(sorted);
    const auto* from = static_cast<const T*>(values);
    const std::int64_t total = rows * length;
    parallel((total + elements_a_chunk - 1) / elements_a_chunk, [&](std::int64_t chunk) {
      for (std::int64_t at = chunk * elements_a_chunk; at < std::min(total, (chunk + 1) * elements_a_chunk); ++at)
        out[at] = place_of(among + at / length * count, count, from[at], right);
    });
  });
}

}  // namespace xgrad::kernels
