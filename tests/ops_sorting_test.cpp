#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/sorting.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

using namespace xgrad;

namespace {

using Integers = std::vector<std::int64_t>;

Integers integers(const Tensor& x) { return x.to_vector<std::int64_t>(); }
Tensor ints(const Integers& values) { return tensor(values, Shape{static_cast<std::int64_t>(values.size())}); }
Tensor doubles(const std::vector<double>& values) {
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())});
}

/// Runs f with 1 and with 3 threads, which must give the same.
template <class F>
void on_any_threads(F&& f) {
  const int before = kernels::num_threads();
  std::vector<double> first;
  for (const int threads : {1, 3}) {
    kernels::set_num_threads(threads);
    const std::vector<double> found = f();
    if (threads == 1) first = found;
    CHECK(first.size() == found.size());
    CHECK(std::memcmp(first.data(), found.data(), found.size() * sizeof(double)) == 0);
  }
  kernels::set_num_threads(before);
}

/// Numbers with many equal ones, infinities, zeros of both signs and NaN.
template <class T>
std::vector<T> mixed(std::int64_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& x : values) {
    const std::uint64_t bits = random();
    if constexpr (std::is_floating_point_v<T>) {
      constexpr T inf = std::numeric_limits<T>::infinity();
      const T special[] = {-inf,
                           inf,
                           T(0),
                           -T(0),
                           std::numeric_limits<T>::quiet_NaN(),
                           std::numeric_limits<T>::denorm_min(),
                           -std::numeric_limits<T>::quiet_NaN()};
      x = bits % 5 == 0 ? special[bits / 5 % 7]
                        : static_cast<T>(static_cast<std::int64_t>(bits >> 20) % 300 - 150) * T(0.37);
    } else {
      x = static_cast<T>(bits % 3 == 0 ? bits >> 3 : bits % 100);
    }
  }
  return values;
}

template <class T>
bool is_nan(T x) {
  return x != x;
}

/// The order that std::stable_sort finds.
template <class T, class Less>
Integers expected_order(const std::vector<T>& x, Less&& less) {
  Integers order(x.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return less(x[static_cast<std::size_t>(a)], x[static_cast<std::size_t>(b)]);
  });
  return order;
}

template <class T>
void check_orders(DType type) {
  for (const std::int64_t n : {0, 1, 2, 17, 192, 193, 1000, 70000}) {
    INFO(name_of(type) << " of " << n);
    const std::vector<T> x = mixed<T>(n, static_cast<std::uint64_t>(n) + 3);
    Integers out(x.size());
    kernels::argsort(type, x.data(), out.data(), 1, n, 1, false);
    CHECK(out == expected_order(x, [](T a, T b) { return is_nan(a) ? false : is_nan(b) || a < b; }));
    kernels::argsort(type, x.data(), out.data(), 1, n, 1, true);
    CHECK(out == expected_order(x, [](T a, T b) { return is_nan(a) ? false : is_nan(b) || a > b; }));
    const Integers all = expected_order(x, [](T a, T b) { return is_nan(b) ? false : is_nan(a) || a > b; });
    for (const std::int64_t k : {std::int64_t{0}, std::min<std::int64_t>(n, 3), n / 8, n / 2, n}) {
      Integers top(static_cast<std::size_t>(k));
      kernels::arg_top(type, x.data(), top.data(), 1, n, 1, k);
      CHECK(std::equal(top.begin(), top.end(), all.begin()));
    }
  }
}

}  // namespace

TEST_CASE("any number of elements of any type is sorted as a stable sort does") {
  check_orders<float>(float32);
  check_orders<double>(float64);
  check_orders<std::int32_t>(int32);
  check_orders<std::int64_t>(int64);
  check_orders<std::uint8_t>(uint8);
}

TEST_CASE("sorting has the same bits on any number of threads, along any axis") {
  const Tensor x = tensor(mixed<float>(40 * 50 * 30, 8), Shape{40, 50, 30});
  for (const int axis : {0, 1, 2}) {
    on_any_threads([&] { return sort(x, axis).to_vector<double>(); });
    on_any_threads([&] { return cast(top_k(x, 7, axis).indices, float64).to_vector<double>(); });
    const Tensor last = swapaxes(sort(x, axis, true), axis, 2), straight = sort(swapaxes(x, axis, 2), 2, true);
    const std::vector<double> a = last.to_vector<double>(), b = straight.to_vector<double>();
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
  }
}

TEST_CASE("top_k chooses the first of equal elements, counts NaN as largest and has the elements' derivatives") {
  const double nan = std::nan("");
  const Tensor x = doubles({1, 4, nan, 4, 2, nan, 4});
  const TopK best = top_k(x, 4);
  CHECK(integers(best.indices) == Integers{2, 5, 1, 3});
  CHECK(std::isnan(best.values.to_vector<double>()[1]));
  const Tensor y = doubles({3, 1, 2, 5});
  const Tensor g = grad(sum(top_k(pow(y, 3), 2).values * doubles({1, 10})), y);
  CHECK(g.to_vector<double>() == std::vector<double>{270, 0, 0, 75});
  CHECK(top_k(zeros({3, 0}), 0).values.shape() == Shape{3, 0});
  CHECK(top_k(zeros({3, 4}), 2, 0).indices.shape() == Shape{2, 4});
  CHECK_THROWS_WITH(top_k(zeros({3}), 4), Catch::Contains("[top_k] expected k from 0 to 3, not 4"));
  CHECK_THROWS_WITH(top_k(zeros({3}), -1), Catch::Contains("k from 0 to 3"));
  CHECK_THROWS_WITH(top_k(zeros({3}), 1, 1), Catch::Contains("[top_k] expected an axis"));
}

TEST_CASE("integers are sorted, found and counted exactly up to 2^63") {
  const std::int64_t most = INT64_MAX, least = INT64_MIN;
  const Tensor x = ints({most, least, most - 1, 1LL << 53, (1LL << 53) + 1, 0});
  CHECK(integers(sort(x)) == Integers{least, 0, 1LL << 53, (1LL << 53) + 1, most - 1, most});
  CHECK(integers(sort(x, 0, true))[5] == least);
  CHECK(integers(searchsorted(sort(x), x)) == Integers{5, 0, 4, 2, 3, 1});
  CHECK(integers(digitize(x, sort(x, 0, true))) == Integers{0, 5, 1, 3, 2, 4});
  CHECK(integers(isin(x, ints({1LL << 53, most}))) == Integers{1, 0, 0, 1, 0, 0});
  const Unique found = unique(ints({most, most - 1, most, least}));
  CHECK(integers(found.values) == Integers{least, most - 1, most});
  CHECK(integers(found.index) == Integers{3, 1, 0});
  CHECK(integers(found.counts) == Integers{1, 1, 2});
}

TEST_CASE("unique finds each element once, with the first place, the number and the way back") {
  const double nan = std::nan("");
  const Tensor x = tensor({{2, nan, -0.0}, {0, 2, nan}}, {.dtype = float64});
  const Unique found = unique(x);
  const std::vector<double> values = found.values.to_vector<double>();
  REQUIRE(values.size() == 3);
  CHECK((values[0] == 0 && std::signbit(values[0]) && values[1] == 2 && std::isnan(values[2])));
  CHECK(integers(found.index) == Integers{2, 0, 1});
  CHECK(found.inverse.shape() == Shape{2, 3});
  CHECK(integers(found.inverse) == Integers{1, 2, 0, 0, 1, 2});
  CHECK(integers(found.counts) == Integers{2, 2, 2});
  CHECK(unique(zeros({0, 3})).values.shape() == Shape{0});
  CHECK(unique(zeros({0, 3})).inverse.shape() == Shape{0, 3});
  CHECK(integers(unique(tensor({1, 0, 1}, {.dtype = bool_})).values) == Integers{0, 1});
  CHECK(integers(unique(7).inverse) == Integers{0});
  const Tensor y = doubles({3, 1, 3});
  CHECK(grad(sum(square(unique(y).values)), y).to_vector<double>() == std::vector<double>{6, 2, 0});
}

TEST_CASE("a histogram counts what lies in its range, once") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const Histogram h = histogram(doubles({0, 0.5, 1, 1, 2, -1, nan, inf}), {.bins = 2, .low = 0, .high = 1});
  CHECK(integers(h.counts) == Integers{1, 3});
  CHECK(h.edges.to_vector<double>() == std::vector<double>{0, 0.5, 1});
  const Histogram uneven = histogram(ints({1, 2, 3, 4, 9}), {.edges = doubles({1, 3, 4})});
  CHECK(integers(uneven.counts) == Integers{2, 2});
  const Histogram same = histogram(doubles({5, 5}), {.bins = 4});
  CHECK(integers(same.counts) == Integers{0, 0, 2, 0});
  CHECK(integers(histogram(zeros({0, 2})).counts) == Integers(10, 0));
  const Histogram dense = histogram(doubles({0, 1, 1, 3}), {.edges = doubles({0, 1, 4}), .density = true});
  CHECK(dense.counts.to_vector<double>() == std::vector<double>{0.25, 0.25});
  const Tensor weights = doubles({1, 2, nan});
  const Histogram weighed = histogram(doubles({0, 1, 7}), {.edges = doubles({0, 1, 2}), .weights = weights});
  CHECK(weighed.counts.to_vector<double>() == std::vector<double>{1, 2});
  CHECK_THROWS_WITH(histogram(zeros({2}), {.weights = zeros({3})}), Catch::Contains("[histogram] expected a weight"));
  // Every element falls into the bin whose edges hold it.
  Generator generator(4);
  const Tensor x = normal({5000}, 0, 1, {.dtype = float32, .generator = &generator});
  const Histogram many = histogram(x, {.bins = 37});
  const std::vector<double> edges = many.edges.to_vector<double>(), elements = x.to_vector<double>();
  Integers expected(37);
  for (const double v : elements)
    for (std::size_t b = 0; b < 37; ++b)
      if (v >= edges[b] && (v < edges[b + 1] || (b == 36 && v == edges[37]))) ++expected[b];
  CHECK(integers(many.counts) == expected);
  CHECK(std::accumulate(expected.begin(), expected.end(), std::int64_t{0}) == 5000);
}

TEST_CASE("sorting follows a new batch size and element type when it is recorded again") {
  const Tensor x = tensor({{3., 1., 2.}, {0., 5., 4.}}, {.dtype = float64});
  const Tensor g = grad(sum(square(sort(x, 1)) * doubles({1, 2, 3})), x);
  const Tensor wider = tensor({{1., 2., 3.}, {3., 2., 1.}, {2., 1., 3.}, {0., 1., 5.}}, {.dtype = float32});
  const Tensor again = rerecord(g, {{x, wider}});
  CHECK(again.shape() == Shape{4, 3});
  CHECK(again.to_vector<double>() == std::vector<double>{2, 8, 18, 18, 8, 2, 8, 2, 18, 0, 4, 30});
}

TEST_CASE("top_k gives what a stable sort puts first, with ties, infinities and NaN, for few and many of long lines") {
  std::vector<double> values;
  for (int i = 0; i < 3 * 500; ++i) values.push_back(std::floor(40 * std::sin(12.9898 * i)) / 4);
  values[7] = values[600] = values[1499] = std::nan("");
  values[33] = std::numeric_limits<double>::infinity();
  values[1200] = -std::numeric_limits<double>::infinity();
  values[40] = -0.0;
  for (const DType dtype : {float64, float32, int32, int64}) {
    const Tensor x = cast(reshape(doubles(values), {3, 500}), dtype);
    // NaN counts as largest there, and sorts last here: infinity and a number more stand for both.
    const Tensor numbers = where(isnan(x), 1e6, where(isinf(x), where(less(x, 0), -1e5, 1e5), cast(x, float64)));
    const Tensor order = argsort(numbers, -1, true);
    for (const std::int64_t k : {1, 2, 10, 64, 65, 125, 126, 500}) {
      INFO(name_of(dtype) << " " << k);
      CHECK(top_k(x, k).indices.to_vector<std::int64_t>() ==
            slice_axis(order, -1, {0, k}).to_vector<std::int64_t>());
    }
  }
}
