#include <xgrad/kernels/moves.hpp>
#include <xgrad/kernels/pool.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

struct Threads {
  int before = num_threads();
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
};

using Sizes = std::vector<std::int64_t>;

template <class T>
std::vector<T> numbers(std::int64_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<T> out(static_cast<std::size_t>(count));
  for (T& x : out) {
    if constexpr (std::is_floating_point_v<T>) {
      x = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(random));
    } else {
      x = static_cast<T>(random());
    }
  }
  return out;
}

std::string text(const Sizes& sizes) {
  std::string out;
  for (const std::int64_t size : sizes) out += std::to_string(size) + " ";
  return out;
}

/// Lowest and highest offset the strides reach.
std::pair<std::int64_t, std::int64_t> reach(const Sizes& shape, const Sizes& strides) {
  std::int64_t low = 0, high = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return {0, 0};
    (strides[d] < 0 ? low : high) += (shape[d] - 1) * strides[d];
  }
  return {low, high};
}

template <class T>
void check_copy(const Sizes& shape, const Sizes& from, const Sizes& to) {
  const auto [from_low, from_high] = reach(shape, from);
  const auto [to_low, to_high] = reach(shape, to);
  const auto source = numbers<T>(from_high - from_low + 1, 1);
  std::vector<T> target(static_cast<std::size_t>(to_high - to_low + 1), T{99}), expected = target;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, a = -from_low, b = -to_low;
    for (std::size_t d = shape.size(); d-- > 0;) {
      a += rest % shape[d] * from[d];
      b += rest % shape[d] * to[d];
      rest /= shape[d];
    }
    expected[b] = source[a];
  }
  copy_strided(sizeof(T), shape, source.data() - from_low, from, target.data() - to_low, to);
  INFO("shape " << text(shape) << "from " << text(from) << "to " << text(to) << "bytes " << sizeof(T));
  CHECK((target == expected));
}

void check_copies(const Sizes& shape, const Sizes& from, const Sizes& to) {
  check_copy<std::uint8_t>(shape, from, to);
  check_copy<std::int32_t>(shape, from, to);
  check_copy<std::int64_t>(shape, from, to);
}

Sizes contiguous(const Sizes& shape) {
  Sizes strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

template <Fold fold, class T>
T combine(T a, T x) {
  if constexpr (fold == Fold::sum) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(x));
    } else {
      return a + x;
    }
  } else {
    if (x != x) return x;
    return (fold == Fold::max ? x > a : x < a) ? x : a;
  }
}

/// The documented order: blocks of 64 one after another, then neighbours level by level.
template <Fold fold, class T>
T fold_column(const T* in, std::int64_t count, std::int64_t step) {
  std::vector<T> level;
  for (std::int64_t begin = 0; begin < count; begin += 64) {
    T value = in[begin * step];
    for (std::int64_t j = begin + 1; j < std::min(count, begin + 64); ++j) value = combine<fold>(value, in[j * step]);
    level.push_back(value);
  }
  while (level.size() > 1) {
    std::vector<T> next;
    for (std::size_t i = 0; i < level.size(); i += 2) {
      next.push_back(i + 1 < level.size() ? combine<fold>(level[i], level[i + 1]) : level[i]);
    }
    level = next;
  }
  return level[0];
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <Fold fold, class T>
void check_fold(std::int64_t outer, std::int64_t count, std::int64_t inner, double nan_share = 0) {
  auto in = numbers<T>(outer * count * inner, 2);
  if constexpr (std::is_floating_point_v<T>) {
    std::mt19937 random(3);
    for (T& x : in) {
      if (std::uniform_real_distribution<double>(0, 1)(random) < nan_share) x = std::numeric_limits<T>::quiet_NaN();
    }
  }
  std::vector<T> expected;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      expected.push_back(fold_column<fold>(in.data() + o * count * inner + i, count, inner));
    }
  }
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    std::vector<T> out(expected.size(), T{55});
    const std::size_t bytes = fold_scratch(dtype_of<T>, outer, count, inner);
    std::vector<T> scratch(bytes / sizeof(T) + 1, T{77});
    fold_middle(fold, dtype_of<T>, in.data(), out.data(), outer, count, inner, scratch.data());
    CHECK(scratch.back() == T{77});
    INFO(outer << " x " << count << " x " << inner << " " << name_of(dtype_of<T>) << " threads " << threads);
    CHECK(same_bits(out, expected));
  }
}

template <Fold fold, class T>
void check_arg(std::int64_t outer, std::int64_t count, std::int64_t inner, bool few_values, double nan_share) {
  auto in = numbers<T>(outer * count * inner, 4);
  std::mt19937 random(5);
  for (T& x : in) {
    if (few_values) x = static_cast<T>(random() % 3);
    if constexpr (std::is_floating_point_v<T>) {
      if (std::uniform_real_distribution<double>(0, 1)(random) < nan_share) x = std::numeric_limits<T>::quiet_NaN();
    }
  }
  std::vector<std::int64_t> expected, out(static_cast<std::size_t>(outer * inner), -7);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      std::int64_t best = 0;
      const auto at = [&](std::int64_t j) { return in[(o * count + j) * inner + i]; };
      for (std::int64_t j = 1; j < count && at(best) == at(best); ++j) {
        if (at(j) != at(j) || (fold == Fold::max ? at(j) > at(best) : at(j) < at(best))) best = j;
      }
      expected.push_back(best);
    }
  }
  arg_fold(fold, dtype_of<T>, in.data(), out.data(), outer, count, inner);
  INFO(outer << " x " << count << " x " << inner << " " << name_of(dtype_of<T>));
  CHECK((out == expected));
}

}  // namespace

TEST_CASE("copies of contiguous, reversed, repeated and stepped arrays", "[kernels][moves]") {
  check_copies({}, {}, {});
  check_copies({1}, {5}, {-3});
  check_copies({0}, {1}, {1});
  check_copies({3, 0, 2}, {0, 2, 1}, {0, 2, 1});
  check_copies({7}, {1}, {1});
  check_copies({7}, {-1}, {1});
  check_copies({7}, {1}, {-1});
  check_copies({7}, {0}, {1});
  check_copies({7}, {3}, {2});
  check_copies({300000}, {1}, {1});
  check_copies({300000}, {-1}, {1});
  check_copies({300000}, {-2}, {1});
  check_copies({50, 1021}, {1021, -1}, {1021, 1});
  check_copies({300000}, {0}, {-1});
  check_copies({3, 4, 5}, {20, 5, 1}, {20, 5, 1});
  check_copies({3, 4, 5}, {-20, 5, -1}, {20, 5, 1});
  check_copies({3, 4, 5}, {0, 5, 0}, {20, 5, 1});
  check_copies({1000, 3}, {4, 1}, {3, 1});
  check_copies({100000, 3}, {4, 1}, {3, 1});
  check_copies({2, 3, 2, 2, 3, 2, 2, 2}, {1, 2, 6, 12, 24, 72, 144, 288}, contiguous({2, 3, 2, 2, 3, 2, 2, 2}));
}

TEST_CASE("bytes are copied from and to every alignment, and nothing beside them", "[kernels][moves]") {
  const auto source = numbers<std::uint8_t>((3 << 20) / 2, 1);
  for (const std::size_t bytes : {0, 1, 1023, 1024, 1025, 1087, 4000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1}) {
    for (const std::size_t from : {0, 1, 63}) {
      for (const std::size_t to : {0, 4, 63, 64}) {
        std::vector<std::uint8_t> target(bytes + to + 64, 99), expected = target;
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(from), bytes,
                    expected.begin() + static_cast<std::ptrdiff_t>(to));
        copy_bytes(target.data() + to, source.data() + from, bytes);
        INFO(bytes << " bytes from " << from << " to " << to);
        CHECK((target == expected));
      }
    }
  }
}

TEST_CASE("transposes of every shape, into contiguous arrays and into slices", "[kernels][moves]") {
  for (const std::int64_t rows : {1, 2, 3, 4, 8, 15, 16, 17, 63, 64, 65, 130}) {
    for (const std::int64_t cols : {1, 2, 4, 5, 16, 31, 64, 66, 129}) {
      check_copies({cols, rows}, {1, cols}, {rows, 1});
      check_copies({cols, rows}, {1, cols + 3}, {rows + 5, 1});
      check_copies({rows, cols}, {cols, 1}, {1, rows});
    }
  }
  check_copies({1000, 700}, {1, 1000}, {700, 1});
  check_copies({3, 1000, 70}, {70000, 1, 1000}, {70000, 70, 1});
  check_copies({1000, 700}, {-1, 1000}, {700, 1});
  check_copies({5, 28, 28, 3}, {28 * 28 * 3, 28, 1, 28 * 28}, contiguous({5, 28, 28, 3}));
  check_copies({5, 3, 28, 28}, {28 * 28 * 3, 1, 28 * 3, 3}, contiguous({5, 3, 28, 28}));
  check_copies({4000, 6, 4}, {24, 1, 6}, {24, 4, 1});
}

TEST_CASE("random shapes and strides copy like the naive loop", "[kernels][moves]") {
  std::mt19937 random(6);
  for (int round = 0; round < 300; ++round) {
    const std::size_t dims = random() % 5;
    Sizes shape, order, from(dims), to(dims);
    for (std::size_t d = 0; d < dims; ++d) {
      shape.push_back(1 + static_cast<std::int64_t>(random() % 9));
      order.push_back(static_cast<std::int64_t>(d));
    }
    const auto choose = [&](Sizes& strides, bool may_repeat) {
      std::shuffle(order.begin(), order.end(), random);
      std::int64_t step = 1 + static_cast<std::int64_t>(random() % 2);
      for (const std::int64_t d : order) {
        strides[d] = may_repeat && random() % 5 == 0 ? 0 : random() % 3 == 0 ? -step : step;
        step = step * shape[d] + static_cast<std::int64_t>(random() % 2);
      }
    };
    choose(from, true);
    choose(to, false);
    check_copies(shape, from, to);
  }
}

TEST_CASE("copies refuse other sizes of elements and too many dimensions", "[kernels][moves]") {
  std::int64_t x = 0, y = 0;
  CHECK_THROWS_AS(copy_strided(2, Sizes{1}, &x, Sizes{1}, &y, Sizes{1}), std::invalid_argument);
  CHECK_THROWS_AS(copy_strided(4, Sizes(9, 1), &x, Sizes(9, 1), &y, Sizes(9, 1)), std::invalid_argument);
  CHECK_THROWS_AS(copy_strided(4, Sizes(2, 1), &x, Sizes(1, 1), &y, Sizes(2, 1)), std::invalid_argument);
}

TEST_CASE("fill sets exactly the elements asked for", "[kernels][moves]") {
  for (const std::int64_t count : {0, 1, 5, 1000, 300000}) {
    std::vector<double> doubles(static_cast<std::size_t>(count) + 1, 1.0), d = doubles;
    const double negative_zero = -0.0;
    fill(8, doubles.data(), &negative_zero, count);
    std::fill_n(d.begin(), count, negative_zero);
    CHECK(same_bits(doubles, d));
    std::vector<float> floats(static_cast<std::size_t>(count) + 1, 1.0F), f = floats;
    const float half = 0.5F;
    fill(4, floats.data(), &half, count);
    std::fill_n(f.begin(), count, half);
    CHECK(same_bits(floats, f));
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count) + 1, 1), b = bytes;
    const std::uint8_t seven = 7;
    fill(1, bytes.data(), &seven, count);
    std::fill_n(b.begin(), count, seven);
    CHECK(same_bits(bytes, b));
  }
}

TEST_CASE("folds have the documented order in every shape and dtype, on any number of threads", "[kernels][folds]") {
  const std::int64_t shapes[][3] = {{1, 1, 2},    {1, 5, 3},     {2, 63, 8},   {3, 64, 9},     {1, 65, 10},
                                    {2, 129, 16}, {1, 1000, 17}, {4, 200, 33}, {1, 300, 1000}, {2, 70, 2500},
                                    {1, 2, 20000}, {1, 60000, 10}, {1, 40001, 2}, {3, 20000, 7}, {5000, 4, 6},
                                    {1, 448, 5},  {1, 321, 64},  {7, 100, 1}};
  for (const auto& s : shapes) {
    check_fold<Fold::sum, float>(s[0], s[1], s[2]);
    check_fold<Fold::sum, double>(s[0], s[1], s[2]);
    check_fold<Fold::sum, std::int32_t>(s[0], s[1], s[2]);
    check_fold<Fold::sum, std::int64_t>(s[0], s[1], s[2]);
    check_fold<Fold::sum, std::uint8_t>(s[0], s[1], s[2]);
    check_fold<Fold::max, float>(s[0], s[1], s[2]);
    check_fold<Fold::min, double>(s[0], s[1], s[2]);
    check_fold<Fold::max, float>(s[0], s[1], s[2], 0.01);
    check_fold<Fold::min, float>(s[0], s[1], s[2], 0.01);
    check_fold<Fold::max, std::int32_t>(s[0], s[1], s[2]);
    check_fold<Fold::min, std::int64_t>(s[0], s[1], s[2]);
    check_fold<Fold::max, std::uint8_t>(s[0], s[1], s[2]);
    check_fold<Fold::min, std::uint8_t>(s[0], s[1], s[2]);
  }
}

TEST_CASE("a fold of a few bools is their 'or' and 'and'; empty folds", "[kernels][folds]") {
  const std::uint8_t in[] = {0, 1, 0, 0, 1, 1};  // 3 x 2
  std::uint8_t out[2] = {9, 9};
  fold_middle(Fold::max, DType::bool_, in, out, 1, 3, 2, nullptr);
  CHECK((out[0] == 1 && out[1] == 1));
  fold_middle(Fold::min, DType::bool_, in, out, 1, 3, 2, nullptr);
  CHECK((out[0] == 0 && out[1] == 0));
  CHECK_THROWS_AS(fold_middle(Fold::sum, DType::bool_, in, out, 1, 3, 2, nullptr), std::invalid_argument);
  std::vector<double> zeros(6, 1.0);
  fold_middle(Fold::sum, DType::float64, nullptr, zeros.data(), 2, 0, 3, nullptr);
  CHECK(same_bits(zeros, std::vector<double>(6, 0.0)));
  CHECK_THROWS_AS(fold_middle(Fold::max, DType::float64, nullptr, zeros.data(), 2, 0, 3, nullptr),
                  std::invalid_argument);
  fold_middle(Fold::max, DType::float64, nullptr, nullptr, 0, 0, 3, nullptr);
  fold_middle(Fold::sum, DType::float64, nullptr, nullptr, 2, 5, 0, nullptr);
}

TEST_CASE("sums keep signed zeros, infinities and what int64 holds", "[kernels][folds]") {
  const double zeros[] = {-0.0, -0.0, 0.0, -0.0};  // 2 x 2
  double sum[2];
  fold_middle(Fold::sum, DType::float64, zeros, sum, 1, 2, 2, nullptr);
  CHECK((sum[0] == 0 && !std::signbit(sum[0])));
  CHECK((sum[1] == 0 && std::signbit(sum[1])));
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const std::int64_t in[] = {big, std::numeric_limits<std::int64_t>::max(), 1, 1};
  std::int64_t out[2];
  fold_middle(Fold::sum, DType::int64, in, out, 1, 2, 2, nullptr);
  CHECK(out[0] == big + 1);
  CHECK(out[1] == std::numeric_limits<std::int64_t>::min());
  const float inf = std::numeric_limits<float>::infinity();
  const float mixed[] = {inf, inf, -inf, 1.0F};
  float float_sum[2];
  fold_middle(Fold::sum, DType::float32, mixed, float_sum, 1, 2, 2, nullptr);
  CHECK(std::isnan(float_sum[0]));
  CHECK(float_sum[1] == inf);
}

TEST_CASE("arg_fold gives the first of equals and the first NaN", "[kernels][folds]") {
  const std::int64_t shapes[][3] = {{1, 1, 1},   {3, 5, 1},     {100, 10, 1},  {2, 3000, 1},  {1, 100000, 1},
                                    {2, 7, 3},   {3, 100, 600}, {1, 1000, 17}, {1, 2, 20000}, {5000, 4, 2}};
  for (const auto& s : shapes) {
    for (const bool few_values : {false, true}) {
      for (const double nan_share : {0.0, 0.001, 0.2}) {
        check_arg<Fold::max, float>(s[0], s[1], s[2], few_values, nan_share);
        check_arg<Fold::min, float>(s[0], s[1], s[2], few_values, nan_share);
        check_arg<Fold::max, double>(s[0], s[1], s[2], few_values, nan_share);
        check_arg<Fold::min, double>(s[0], s[1], s[2], few_values, nan_share);
      }
      check_arg<Fold::max, std::int32_t>(s[0], s[1], s[2], few_values, 0);
      check_arg<Fold::min, std::int64_t>(s[0], s[1], s[2], few_values, 0);
      check_arg<Fold::max, std::uint8_t>(s[0], s[1], s[2], few_values, 0);
    }
  }
  const std::uint8_t bools[] = {0, 1, 1, 0};
  std::int64_t place = -1;
  arg_fold(Fold::max, DType::bool_, bools, &place, 1, 4, 1);
  CHECK(place == 1);
  arg_fold(Fold::min, DType::bool_, bools, &place, 1, 4, 1);
  CHECK(place == 0);
  const double zeros[] = {-0.0, 0.0};
  arg_fold(Fold::max, DType::float64, zeros, &place, 1, 2, 1);
  CHECK(place == 0);
  CHECK_THROWS_AS(arg_fold(Fold::max, DType::float32, nullptr, &place, 1, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(arg_fold(Fold::sum, DType::float64, zeros, &place, 1, 2, 1), std::invalid_argument);
  arg_fold(Fold::max, DType::float32, nullptr, &place, 0, 0, 1);
}
