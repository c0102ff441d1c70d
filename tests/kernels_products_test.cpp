#include <xgrad/kernels/blas.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/products.hpp>
#include <xgrad/kernels/tile.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

struct Threads {
  int before = num_threads();
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
};

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

std::vector<std::uint8_t> bools(std::int64_t count, unsigned seed) {
  std::vector<std::uint8_t> out = numbers<std::uint8_t>(count, seed);
  for (auto& x : out) x = x % 5 == 0;
  return out;
}

/// The element (row, col) of op(matrix), where op(matrix) has `rows` rows and `cols` columns.
std::int64_t place(bool transposed, std::int64_t rows, std::int64_t cols, std::int64_t row, std::int64_t col) {
  return transposed ? col * rows + row : row * cols + col;
}

template <class T>
void check_float_product(Product p) {
  p.type = dtype_of<T>;
  const auto a = numbers<T>(p.m * p.k, 1);
  const auto b = numbers<T>(p.k * p.n, 2);
  std::vector<T> c(static_cast<std::size_t>(p.m * p.n), std::numeric_limits<T>::quiet_NaN());
  multiply(p, a.data(), b.data(), c.data());
  const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
  std::int64_t bad = 0;
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      double sum = 0, size = 0;
      for (std::int64_t l = 0; l < p.k; ++l) {
        const double term = static_cast<double>(a[place(p.transpose_a, p.m, p.k, i, l)]) *
                            static_cast<double>(b[place(p.transpose_b, p.k, p.n, l, j)]);
        sum += term;
        size += std::abs(term);
      }
      const double bound = unit * (static_cast<double>(p.k) + 2) * size;
      if (!(std::abs(sum - static_cast<double>(c[i * p.n + j])) <= bound)) ++bad;
    }
  }
  INFO(p.m << "x" << p.n << "x" << p.k << " transposed " << p.transpose_a << p.transpose_b);
  CHECK(bad == 0);
}

template <class T>
void check_integer_product(Product p) {
  using Bits = std::make_unsigned_t<T>;
  p.type = dtype_of<T>;
  const auto a = numbers<T>(p.m * p.k, 3);
  const auto b = numbers<T>(p.k * p.n, 4);
  std::vector<T> c(static_cast<std::size_t>(p.m * p.n), T{77}), expected(c.size());
  multiply(p, a.data(), b.data(), c.data());
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      std::uint64_t sum = 0;
      for (std::int64_t l = 0; l < p.k; ++l) {
        sum += static_cast<std::uint64_t>(a[place(p.transpose_a, p.m, p.k, i, l)]) *
               static_cast<std::uint64_t>(b[place(p.transpose_b, p.k, p.n, l, j)]);
      }
      expected[i * p.n + j] = static_cast<T>(static_cast<Bits>(sum));
    }
  }
  INFO(p.m << "x" << p.n << "x" << p.k << " transposed " << p.transpose_a << p.transpose_b);
  CHECK((c == expected));
}

}  // namespace

TEST_CASE("float products agree with a sum in double", "[kernels][products]") {
  const std::int64_t shapes[][3] = {
      {1, 1, 1},       {2, 3, 4},       {8, 8, 8},        {7, 5, 8},        {9, 8, 8},       {1, 8, 9},
      {16, 16, 16},    {33, 17, 65},    {1, 100, 50},     {100, 1, 50},     {1, 1, 500},     {64, 3, 200},
      {3, 64, 200},    {200, 200, 100}, {32, 300, 400},   {300, 32, 400},   {2, 2000, 1000}, {1, 1000, 1000},
      {1000, 1, 1000}, {40, 20000, 5},  {300, 1100, 600}, {2500, 70, 1100}, {20, 40, 9000},  {1, 3, 300000}};
  for (const auto& shape : shapes) {
    for (const int flags : {0, 1, 2, 3}) {
      Product p;
      p.m = shape[0], p.n = shape[1], p.k = shape[2];
      p.transpose_a = (flags & 1) != 0;
      p.transpose_b = (flags & 2) != 0;
      check_float_product<float>(p);
      check_float_product<double>(p);
    }
  }
}

TEST_CASE("integer products wrap around and are exact in int64", "[kernels][products]") {
  const std::int64_t shapes[][3] = {{1, 1, 1},    {2, 3, 4},      {8, 8, 8},   {33, 17, 65},  {1, 100, 50},
                                    {100, 1, 50}, {70, 300, 130}, {1, 1, 500}, {300, 300, 70}};
  for (const auto& shape : shapes) {
    for (const int flags : {0, 1, 2, 3}) {
      Product p;
      p.m = shape[0], p.n = shape[1], p.k = shape[2];
      p.transpose_a = (flags & 1) != 0;
      p.transpose_b = (flags & 2) != 0;
      check_integer_product<std::uint8_t>(p);
      check_integer_product<std::int32_t>(p);
      check_integer_product<std::int64_t>(p);
    }
  }
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const std::int64_t one = 1;
  std::int64_t out = 0;
  multiply({.type = DType::int64, .m = 1, .n = 1, .k = 1}, &big, &one, &out);
  CHECK(out == big);
}

TEST_CASE("a product of bools is an 'or' of 'and's", "[kernels][products]") {
  for (const int flags : {0, 1, 2, 3}) {
    Product p{.type = DType::bool_, .transpose_a = (flags & 1) != 0, .transpose_b = (flags & 2) != 0};
    p.m = 21, p.n = 30, p.k = 12;
    const auto a = bools(p.m * p.k, 5), b = bools(p.k * p.n, 6);
    std::vector<std::uint8_t> c(static_cast<std::size_t>(p.m * p.n), 9), expected(c.size());
    multiply(p, a.data(), b.data(), c.data());
    for (std::int64_t i = 0; i < p.m; ++i) {
      for (std::int64_t j = 0; j < p.n; ++j) {
        for (std::int64_t l = 0; l < p.k; ++l) {
          expected[i * p.n + j] |= a[place(p.transpose_a, p.m, p.k, i, l)] & b[place(p.transpose_b, p.k, p.n, l, j)];
        }
      }
    }
    CHECK((c == expected));
  }
}

TEST_CASE("products without rows, columns or terms", "[kernels][products]") {
  for (const DType type : {DType::bool_, DType::uint8, DType::int32, DType::int64, DType::float32, DType::float64}) {
    std::vector<std::uint64_t> c(100, ~std::uint64_t{0});
    multiply({.type = type, .m = 0, .n = 5, .k = 3}, nullptr, nullptr, nullptr);
    multiply({.type = type, .m = 5, .n = 0, .k = 3}, nullptr, nullptr, nullptr);
    multiply({.type = type, .m = 5, .n = 5, .k = 3, .batches = 0}, nullptr, nullptr, nullptr);
    multiply({.type = type, .m = 5, .n = 4, .k = 0, .batches = 2}, nullptr, nullptr, c.data());
    const auto* bytes = reinterpret_cast<const unsigned char*>(c.data());
    CHECK(std::all_of(bytes, bytes + 40 * size_of(type), [](unsigned char byte) { return byte == 0; }));
    CHECK(bytes[40 * size_of(type)] == 0xFF);
  }
}

TEST_CASE("NaN and infinity spread through products, and zero times infinity is NaN", "[kernels][products]") {
  const std::int64_t shapes[][3] = {{4, 4, 4}, {20, 20, 20}, {1, 40, 40}, {40, 1, 40}, {1, 1, 64}, {300, 300, 100}};
  for (const auto& shape : shapes) {
    for (const int flags : {0, 1, 2, 3}) {
      Product p{.transpose_a = (flags & 1) != 0, .transpose_b = (flags & 2) != 0};
      p.m = shape[0], p.n = shape[1], p.k = shape[2];
      for (const float special : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        for (const bool in_a : {true, false}) {
          std::vector<float> a(static_cast<std::size_t>(p.m * p.k)), b(static_cast<std::size_t>(p.k * p.n));
          std::vector<float> c(static_cast<std::size_t>(p.m * p.n), 5.0F);
          (in_a ? a : b)[0] = special;
          multiply(p, a.data(), b.data(), c.data());
          const auto nans = std::count_if(c.begin(), c.end(), [](float x) { return std::isnan(x); });
          INFO(p.m << "x" << p.n << "x" << p.k << " transposed " << flags << " in a " << in_a << " " << special);
          CHECK(nans == (in_a ? p.n : p.m));
        }
      }
    }
  }
}

TEST_CASE("a batch has the bits of its single products, with repeated offsets too", "[kernels][products]") {
  const std::int64_t shapes[][3] = {{2, 2, 2}, {5, 7, 3}, {1, 30, 40}, {40, 50, 60}, {150, 150, 200}};
  for (const auto& shape : shapes) {
    Product p{.batches = 9};
    p.m = shape[0], p.n = shape[1], p.k = shape[2];
    const auto a = numbers<float>(3 * p.m * p.k, 7), b = numbers<float>(9 * p.k * p.n, 8);
    std::vector<std::int64_t> offsets;
    for (std::int64_t batch = 0; batch < 9; ++batch) offsets.push_back(batch % 3 * p.m * p.k);
    p.offsets_a = offsets.data();
    std::vector<float> together(static_cast<std::size_t>(9 * p.m * p.n)), alone(together.size());
    multiply(p, a.data(), b.data(), together.data());
    for (std::int64_t batch = 0; batch < 9; ++batch) {
      Product single{.m = p.m, .n = p.n, .k = p.k};
      multiply(single, a.data() + offsets[batch], b.data() + batch * p.k * p.n, alone.data() + batch * p.m * p.n);
    }
    CHECK((together == alone));
  }
}

TEST_CASE("a product has the same bits on one, two and three threads", "[kernels][products]") {
  const std::int64_t shapes[][3] = {{256, 256, 256},  {32, 128, 784},  {128, 700, 300}, {1, 2000, 700},
                                    {2000, 1, 700},   {10, 784, 2000}, {784, 10, 128},  {64, 96, 1020},
                                    {300, 3000, 600}, {1500, 1300, 70}};
  for (const auto& shape : shapes) {
    Product p;
    p.m = shape[0], p.n = shape[1], p.k = shape[2];
    const auto a = numbers<float>(p.m * p.k, 9), b = numbers<float>(p.k * p.n, 10);
    std::vector<float> one(static_cast<std::size_t>(p.m * p.n)), other(one.size());
    {
      const Threads set(1);
      multiply(p, a.data(), b.data(), one.data());
    }
    for (const int threads : {2, 3}) {
      const Threads set(threads);
      for (int round = 0; round < 5; ++round) {
        std::fill(other.begin(), other.end(), 0.0F);
        multiply(p, a.data(), b.data(), other.data());
        CHECK((other == one));
      }
    }
  }
}

TEST_CASE("products of many threads at once are right", "[kernels][products]") {
  Product p{.m = 200, .n = 200, .k = 150};
  const auto a = numbers<float>(p.m * p.k, 11), b = numbers<float>(p.k * p.n, 12);
  std::vector<float> expected(static_cast<std::size_t>(p.m * p.n));
  multiply(p, a.data(), b.data(), expected.data());
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      std::vector<float> c(expected.size());
      for (int round = 0; round < 20; ++round) {
        multiply(p, a.data(), b.data(), c.data());
        if (c != expected) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("an element of a product has the same bits whatever rows, columns and products stand beside it",
          "[kernels][products]") {
  const auto check = [&]<class T>(T) {
    for (const int flags : {0, 1, 2, 3}) {
      for (const std::int64_t k : {9, 700, 1300}) {
        Product whole{.type = dtype_of<T>, .transpose_a = (flags & 1) != 0, .transpose_b = (flags & 2) != 0};
        whole.m = 203, whole.n = 700, whole.k = k;
        const auto a = numbers<T>(whole.m * k, 21), b = numbers<T>(k * whole.n, 22);
        std::vector<T> all(static_cast<std::size_t>(whole.m * whole.n));
        multiply(whole, a.data(), b.data(), all.data());
        for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{2, 3}, {13, 33}, {100, 130}}) {
          Product part = whole;
          part.m = rows, part.n = columns;
          part.row_a = part.transpose_a ? whole.m : k;
          part.row_b = part.transpose_b ? k : whole.n;
          part.row_c = columns;
          const std::int64_t row = 50, column = 11;
          std::vector<T> some(static_cast<std::size_t>(rows * columns));
          multiply(part, a.data() + row * (part.transpose_a ? 1 : k), b.data() + column * (part.transpose_b ? k : 1),
                   some.data());
          std::int64_t different = 0;
          for (std::int64_t i = 0; i < rows; ++i) {
            for (std::int64_t j = 0; j < columns; ++j) {
              different += some[static_cast<std::size_t>(i * columns + j)] !=
                           all[static_cast<std::size_t>((row + i) * whole.n + column + j)];
            }
          }
          INFO(rows << "x" << columns << "x" << k << " transposed " << flags);
          CHECK(different == 0);
        }
      }
    }
  };
  if (std::string_view(instruction_set()) == "baseline") return;  // OpenBLAS promises nothing like it
  check(float{});
  check(double{});
}

TEST_CASE("a product writes nothing but its elements and reads nothing but its operands", "[kernels][products]") {
  for (const std::int64_t columns : {2, 7, 15, 16, 17, 31, 47, 63, 65, 100}) {
    for (const int flags : {0, 1, 2, 3}) {
      Product p{.transpose_a = (flags & 1) != 0, .transpose_b = (flags & 2) != 0};
      p.m = 29, p.n = columns, p.k = 40;
      p.row_a = (p.transpose_a ? p.m : p.k) + 3;
      p.row_b = (p.transpose_b ? p.k : p.n) + 5;
      p.row_c = p.n + 7;
      // What lies between the rows would make every sum it got into NaN.
      const auto spread = [](std::int64_t rows, std::int64_t columns, std::int64_t row, unsigned seed) {
        const auto values = numbers<float>(rows * columns, seed);
        std::vector<float> out(static_cast<std::size_t>((rows - 1) * row + columns),
                               std::numeric_limits<float>::quiet_NaN());
        for (std::int64_t i = 0; i < rows; ++i) {
          std::copy_n(values.begin() + i * columns, columns, out.begin() + i * row);
        }
        return out;
      };
      const auto a = p.transpose_a ? spread(p.k, p.m, p.row_a, 23) : spread(p.m, p.k, p.row_a, 23);
      const auto b = p.transpose_b ? spread(p.n, p.k, p.row_b, 24) : spread(p.k, p.n, p.row_b, 24);
      std::vector<float> c(static_cast<std::size_t>((p.m - 1) * p.row_c + p.n), 77.0F);
      multiply(p, a.data(), b.data(), c.data());
      std::int64_t nans = 0, written = 0;
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(c.size()); ++i) {
        nans += std::isnan(c[static_cast<std::size_t>(i)]);
        if (i % p.row_c >= p.n) written += c[static_cast<std::size_t>(i)] != 77.0F;
      }
      INFO(columns << " columns, transposed " << flags);
      CHECK(nans == 0);
      CHECK(written == 0);
    }
  }
}

TEST_CASE("sizes OpenBLAS cannot take and negative sizes are errors", "[kernels][products]") {
  CHECK_THROWS_AS(multiply({.m = std::int64_t{1} << 31, .n = 1, .k = 1}, nullptr, nullptr, nullptr), std::length_error);
  CHECK_THROWS_AS(multiply({.m = 1, .n = -1, .k = 1}, nullptr, nullptr, nullptr), std::invalid_argument);
  CHECK(blas_description().find("core type") != std::string::npos);
}
