#include <xgrad/kernels/buffer.hpp>
#include <xgrad/kernels/indexing.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/products.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif

#ifdef __SANITIZE_THREAD__
constexpr bool may_fork = false;
#else
constexpr bool may_fork = true;
#endif

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

TEST_CASE("a buffer is aligned, writable, non-null for zero bytes, and counted", "[kernels][buffer]") {
  const MemoryStats before = memory_stats();
  std::vector<Buffer*> all;
  std::size_t capacity = 0;
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 256, 257, 320, 321, 4095, 4096, 65536, 65537, 1 << 20, 2097151,
                                  2097152, 2097153, 5 << 20}) {
    Buffer* buffer = allocate(bytes);
    all.push_back(buffer);
    REQUIRE(buffer->data != nullptr);
    CHECK(buffer->refs == 1);
    CHECK_FALSE(buffer->pinned);
    CHECK(buffer->bytes == bytes);
    CHECK(buffer->capacity >= bytes);
    CHECK(buffer->capacity <= std::max<std::size_t>(bytes + 64, bytes + bytes / 4));
    CHECK(reinterpret_cast<std::uintptr_t>(buffer->data) % 64 == 0);
    if (pooled && bytes >= (2 << 20)) CHECK(reinterpret_cast<std::uintptr_t>(buffer->data) % (2 << 20) == 0);
    std::memset(buffer->data, 1, bytes);
    capacity += buffer->capacity;
  }
  const MemoryStats held = memory_stats();
  CHECK(held.live - before.live == capacity);
  CHECK(held.peak >= held.live);
  for (Buffer* buffer : all) release(buffer);
  CHECK(memory_stats().live == before.live);
  CHECK(memory_stats().peak == held.peak);
  if (pooled) CHECK(memory_stats().cached >= capacity);
  release_cached();
  CHECK(memory_stats().cached == 0);
}

TEST_CASE("a released buffer is used again, and not before its last release", "[kernels][buffer]") {
  for (const std::size_t bytes : {100, 100000, 3 << 20}) {
    Buffer* first = allocate(bytes);
    first->pinned = true;
    retain(first);
    release(first);
    Buffer* second = allocate(bytes);
    CHECK(second->data != first->data);
    std::byte* freed = first->data;
    release(first);
    Buffer* third = allocate(bytes);
    if (pooled) CHECK(third->data == freed);
    CHECK_FALSE(third->pinned);
    release(second);
    release(third);
  }
  retain(nullptr);
  release(nullptr);
}

TEST_CASE("a request that cannot be met throws and changes nothing", "[kernels][buffer]") {
  if (!pooled) return;
  const MemoryStats before = memory_stats();
  CHECK_THROWS_AS(allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  CHECK_THROWS_AS(allocate(std::numeric_limits<std::size_t>::max() - 64), std::bad_alloc);
  CHECK_THROWS_AS(allocate(std::size_t{1} << 60), std::bad_alloc);
  CHECK_THROWS_AS(allocate(std::size_t{1} << 50), std::bad_alloc);
  CHECK(memory_stats().live == before.live);
  CHECK(memory_stats().peak == before.peak);
}

TEST_CASE("borrowed memory is pinned, not counted, and stays as it was", "[kernels][buffer]") {
  const MemoryStats before = memory_stats();
  set_poison(true);
  std::vector<float> memory(10, 2.0F);
  Buffer* buffer = borrow(memory.data(), 40);
  CHECK(buffer->data == reinterpret_cast<std::byte*>(memory.data()));
  CHECK(buffer->pinned);
  CHECK(buffer->capacity == 0);
  CHECK(memory_stats().live == before.live);
  release(buffer);
  set_poison(false);
  CHECK((memory == std::vector<float>(10, 2.0F)));
}

TEST_CASE("poison fills a block that is given up with NaN", "[kernels][buffer]") {
  if (!pooled) return;
  set_poison(true);
  Buffer* buffer = allocate(800);
  auto* values = reinterpret_cast<double*>(buffer->data);
  std::fill_n(values, 100, 1.0);
  release(buffer);
  set_poison(false);
  Buffer* again = allocate(800);
  REQUIRE(again == buffer);
  CHECK(std::isnan(reinterpret_cast<double*>(again->data)[0]));
  CHECK(std::isnan(reinterpret_cast<double*>(again->data)[99]));
  release(again);
}

TEST_CASE("buffers pass between threads and come back when threads end", "[kernels][buffer]") {
  release_cached();
  const MemoryStats before = memory_stats();
  for (int round = 0; round < 3; ++round) {
    constexpr int threads = 8, per_thread = 300;
    std::vector<std::atomic<Buffer*>> slots(threads * per_thread);
    std::vector<std::thread> workers;
    std::atomic<int> wrong = 0;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        for (int i = 0; i < per_thread; ++i) {
          Buffer* made = allocate(static_cast<std::size_t>(1 + (i * 37 + t) % 3000));
          std::memset(made->data, t, made->bytes);
          made->data[0] = static_cast<std::byte>(t);
          slots[t * per_thread + i].store(made);
          Buffer* taken = slots[((t + 3) % threads) * per_thread + i].exchange(nullptr);
          if (taken != nullptr) {
            if (taken->data[taken->bytes - 1] != static_cast<std::byte>((t + 3) % threads)) ++wrong;
            release(taken);
          }
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
    CHECK(wrong == 0);
    for (auto& slot : slots) release(slot.load());
    CHECK(memory_stats().live == before.live);
  }
  release_cached();
  CHECK(memory_stats().cached == 0);
}

TEST_CASE("what is cached stays below the larger of the peak and 256 MB", "[kernels][buffer]") {
  if (!pooled) return;
  for (std::size_t megabytes = 20; megabytes < 200; megabytes += 7) release(allocate(megabytes << 20));
  const MemoryStats stats = memory_stats();
  CHECK(stats.cached <= std::max(stats.peak, std::size_t{256} << 20));
  CHECK(stats.cached > 0);
  release_cached();
}

TEST_CASE("every chunk runs once, for any number of threads and chunks", "[kernels][pool]") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads set(threads);
    CHECK(num_threads() == threads);
    for (const std::int64_t chunks : {0, 1, 2, 3, 17, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
      for (int round = 0; round < 20; ++round) parallel(chunks, [&](std::int64_t chunk) { ++runs[chunk]; });
      CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& count) { return count == 20; }));
    }
  }
}

TEST_CASE("workers take part", "[kernels][pool]") {
  const Threads set(2);
  std::atomic<int> waiting = 0, met = 0;
  parallel(2, [&](std::int64_t) {
    ++waiting;
    for (int i = 0; i < 5000 && waiting < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (waiting == 2) ++met;
  });
  CHECK(met == 2);
}

TEST_CASE("an exception of a chunk reaches the caller, and the pool works on", "[kernels][pool]") {
  for (const int threads : {1, 2, 4}) {
    const Threads set(threads);
    for (int round = 0; round < 50; ++round) {
      std::atomic<int> running = 0;
      CHECK_THROWS_WITH(parallel(100,
                                 [&](std::int64_t chunk) {
                                   ++running;
                                   if (chunk % 10 == 3) {
                                     --running;
                                     throw std::runtime_error("chunk failed");
                                   }
                                   --running;
                                 }),
                        "chunk failed");
      CHECK(running == 0);
      std::atomic<std::int64_t> sum = 0;
      parallel(10, [&](std::int64_t chunk) { sum += chunk; });
      CHECK(sum == 45);
    }
  }
}

TEST_CASE("after an exception, chunks that nobody has claimed are not run", "[kernels][pool]") {
  for (const int threads : {1, 2}) {
    const Threads set(threads);
    std::atomic<std::int64_t> runs = 0;
    CHECK_THROWS_AS(parallel(10'000'000,
                             [&](std::int64_t) {
                               if (++runs == 1) throw std::runtime_error("first");
                             }),
                    std::runtime_error);
    CHECK(runs < 10'000'000);
  }
}

TEST_CASE("calls inside a chunk and calls of many threads at once run", "[kernels][pool]") {
  const Threads set(3);
  std::atomic<std::int64_t> sum = 0;
  parallel(8, [&](std::int64_t i) { parallel(8, [&](std::int64_t j) { sum += 10 * i + j; }); });
  CHECK(sum == 10 * 28 * 8 + 28 * 8);
  std::vector<std::thread> callers;
  std::atomic<int> caught = 0;
  std::vector<std::int64_t> sums(8, 0);
  for (int t = 0; t < 8; ++t) {
    callers.emplace_back([&, t] {
      for (int round = 0; round < 200; ++round) {
        std::vector<std::int64_t> parts(16, 0);
        parallel(16, [&](std::int64_t chunk) { parts[chunk] = chunk + t; });
        sums[t] += std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
        if (round % 50 == 49) {
          try {
            parallel(4, [](std::int64_t) { throw std::logic_error("x"); });
          } catch (const std::logic_error&) {
            ++caught;
          }
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (int t = 0; t < 8; ++t) CHECK(sums[t] == 200 * (120 + 16 * t));
  CHECK(caught == 32);
}

TEST_CASE("the number of threads may change at any time and is checked", "[kernels][pool]") {
  const Threads keep(1);
  std::thread changer([] {
    for (int i = 0; i < 200; ++i) set_num_threads(1 + i % 4);
  });
  std::atomic<int> runs = 0;
  for (int i = 0; i < 200; ++i) parallel(5, [&](std::int64_t) { ++runs; });
  changer.join();
  CHECK(runs == 1000);
  CHECK_THROWS_AS(set_num_threads(0), std::invalid_argument);
  CHECK_THROWS_AS(set_num_threads(-3), std::invalid_argument);
}

TEST_CASE("a child made by fork computes and ends", "[kernels][pool]") {
  if (!may_fork) return;
  const Threads set(2);
  std::atomic<int> runs = 0;
  parallel(4, [&](std::int64_t) { ++runs; });
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> own = 0;
    for (int i = 0; i < 10; ++i) parallel(4, [&](std::int64_t) { ++own; });
    Buffer* buffer = allocate(100);
    release(buffer);
    _exit(own == 40 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("float products agree with a sum in double", "[kernels][products]") {
  const std::int64_t shapes[][3] = {{1, 1, 1},   {2, 3, 4},    {8, 8, 8},    {7, 5, 8},    {9, 8, 8},   {1, 8, 9},
                                    {16, 16, 16}, {33, 17, 65}, {1, 100, 50}, {100, 1, 50}, {1, 1, 500}, {64, 3, 200},
                                    {3, 64, 200}, {200, 200, 100}, {32, 300, 400}, {300, 32, 400}, {2, 2000, 1000},
                                    {1, 1000, 1000}, {1000, 1, 1000}, {40, 20000, 5}, {1, 3, 300000}};
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
  const std::int64_t shapes[][3] = {{1, 1, 1}, {2, 3, 4}, {8, 8, 8}, {33, 17, 65}, {1, 100, 50}, {100, 1, 50},
                                    {70, 300, 130}, {1, 1, 500}, {300, 300, 70}};
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
          expected[i * p.n + j] |=
              a[place(p.transpose_a, p.m, p.k, i, l)] & b[place(p.transpose_b, p.k, p.n, l, j)];
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
  const std::int64_t shapes[][3] = {{256, 256, 256}, {32, 128, 784}, {128, 700, 300}, {1, 2000, 700}, {2000, 1, 700},
                                    {10, 784, 2000}};
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

TEST_CASE("sizes OpenBLAS cannot take and negative sizes are errors", "[kernels][products]") {
  CHECK_THROWS_AS(multiply({.m = std::int64_t{1} << 31, .n = 1, .k = 1}, nullptr, nullptr, nullptr),
                  std::length_error);
  CHECK_THROWS_AS(multiply({.m = 1, .n = -1, .k = 1}, nullptr, nullptr, nullptr), std::invalid_argument);
  CHECK(blas_description().find("core type") != std::string::npos);
}

TEST_CASE("gather takes slices of any size, by any index type, from the end too", "[kernels][indexing]") {
  const auto check = [](auto index, std::int64_t outer, std::int64_t count, std::int64_t length, std::size_t bytes) {
    using I = decltype(index);
    const auto in = numbers<std::uint8_t>(outer * count * static_cast<std::int64_t>(bytes), 13);
    std::vector<I> indices(static_cast<std::size_t>(length));
    std::mt19937 random(14);
    for (I& i : indices) {
      i = static_cast<I>(random() % static_cast<std::uint64_t>(count));
      if constexpr (std::is_signed_v<I>) {
        if (random() % 2 == 0) i = static_cast<I>(i - static_cast<I>(count));
      }
    }
    std::vector<std::uint8_t> out(static_cast<std::size_t>(outer * length) * bytes, 1), expected(out.size());
    gather(dtype_of<I>, in.data(), indices.data(), out.data(), outer, count, length, bytes);
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t j = 0; j < length; ++j) {
        auto from = static_cast<std::int64_t>(indices[j]);
        if (from < 0) from += count;
        for (std::size_t i = 0; i < bytes; ++i) {
          expected[(o * length + j) * bytes + i] = in[(o * count + from) * bytes + i];
        }
      }
    }
    INFO(outer << " " << count << " " << length << " " << bytes);
    CHECK((out == expected));
  };
  for (const std::size_t bytes : {0, 1, 2, 3, 4, 8, 12, 16, 20, 32, 64, 400, 4096}) {
    check(std::int32_t{}, 3, 11, 40, bytes);
    check(std::int64_t{}, 2, 100, 500, bytes);
    check(std::uint8_t{}, 1, 200, 300, bytes);
  }
  check(std::int64_t{}, 2, 5, 0, 8);
  check(std::int32_t{}, 1, 50000, 100000, 4);
  check(std::int32_t{}, 2, 3, 4, 600000);
  check(std::int64_t{}, 5000, 4, 3, 8);
  std::int32_t x = 0;
  CHECK_THROWS_AS(gather(DType::float32, &x, &x, &x, 1, 1, 1, 4), std::invalid_argument);
}

TEST_CASE("scatter_add adds in the order of the indices, the same on any number of threads", "[kernels][indexing]") {
  const auto check = [](auto value, DType type, std::int64_t outer, std::int64_t count, std::int64_t length,
                        std::int64_t inner) {
    using T = decltype(value);
    auto in = numbers<T>(outer * length * inner, 15);
    if (type == DType::bool_) {
      for (T& x : in) x = static_cast<std::int64_t>(x) % 2 != 0;
    }
    std::vector<std::int32_t> indices(static_cast<std::size_t>(length));
    std::mt19937 random(16);
    for (auto& i : indices) {
      const auto any = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * count));
      i = static_cast<std::int32_t>(any - count);
    }
    std::vector<T> expected(static_cast<std::size_t>(outer * count * inner));
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t j = 0; j < length; ++j) {
        const std::int64_t to = indices[j] < 0 ? indices[j] + count : indices[j];
        for (std::int64_t i = 0; i < inner; ++i) {
          T& sum = expected[(o * count + to) * inner + i];
          const T x = in[(o * length + j) * inner + i];
          if constexpr (std::is_floating_point_v<T>) {
            sum += x;
          } else {
            const std::uint64_t wrapped = static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(x);
            sum = static_cast<T>(type == DType::bool_ ? static_cast<std::uint64_t>(sum | x) : wrapped);
          }
        }
      }
    }
    for (const int threads : {1, 3}) {
      const Threads set(threads);
      std::vector<T> out(expected.size(), T{5});
      scatter_add(type, DType::int32, in.data(), indices.data(), out.data(), outer, count, length, inner);
      INFO(outer << " " << count << " " << length << " " << inner << " " << name_of(type));
      CHECK((out == expected));
    }
  };
  const std::int64_t shapes[][4] = {{1, 10, 30, 1}, {3, 7, 20, 5},      {1, 4, 0, 3},        {1, 1000, 20000, 64},
                                    {1, 1, 50000, 8}, {2, 300, 500, 700}, {1, 50, 200000, 1}, {4000, 3, 5, 4}};
  for (const auto& s : shapes) {
    check(float{}, DType::float32, s[0], s[1], s[2], s[3]);
    check(double{}, DType::float64, s[0], s[1], s[2], s[3]);
    check(std::int32_t{}, DType::int32, s[0], s[1], s[2], s[3]);
    check(std::int64_t{}, DType::int64, s[0], s[1], s[2], s[3]);
    check(std::uint8_t{}, DType::uint8, s[0], s[1], s[2], s[3]);
    check(std::uint8_t{}, DType::bool_, s[0], s[1], s[2], s[3]);
  }
}

TEST_CASE("find_bad_index gives the first index outside", "[kernels][indexing]") {
  std::vector<std::int64_t> indices(5000, 3);
  CHECK(find_bad_index(DType::int64, indices.data(), 5000, 4, true) == -1);
  CHECK(find_bad_index(DType::int64, indices.data(), 5000, 3, true) == 0);
  indices[4321] = -5;
  indices[4322] = 9;
  CHECK(find_bad_index(DType::int64, indices.data(), 5000, 4, true) == 4321);
  CHECK(find_bad_index(DType::int64, indices.data(), 5000, 5, true) == 4322);
  CHECK(find_bad_index(DType::int64, indices.data(), 5000, 5, false) == 4321);
  CHECK(find_bad_index(DType::int64, indices.data(), 0, 0, true) == -1);
  const std::int32_t lowest = std::numeric_limits<std::int32_t>::min();
  CHECK(find_bad_index(DType::int32, &lowest, 1, 100, true) == 0);
  const std::uint8_t byte = 255;
  CHECK(find_bad_index(DType::uint8, &byte, 1, 255, true) == 0);
  CHECK(find_bad_index(DType::uint8, &byte, 1, 256, true) == -1);
  CHECK_THROWS_AS(find_bad_index(DType::bool_, &byte, 1, 2, true), std::invalid_argument);
}

TEST_CASE("a permutation holds every number once and depends on seed and number", "[kernels][indexing]") {
  permutation({1, 2}, nullptr, 0);
  for (const std::int64_t count : {1, 2, 5, 1000, 100000}) {
    std::vector<std::int64_t> out(static_cast<std::size_t>(count)), again(out.size()), other(out.size());
    permutation({7, 1}, out.data(), count);
    permutation({7, 1}, again.data(), count);
    permutation({7, 2}, other.data(), count);
    CHECK((out == again));
    if (count >= 1000) CHECK((out != other));
    std::sort(out.begin(), out.end());
    bool whole = true;
    for (std::int64_t i = 0; i < count; ++i) whole &= out[i] == i;
    CHECK(whole);
  }
}

TEST_CASE("permutations of four things are equally likely", "[kernels][indexing]") {
  constexpr int draws = 48000;
  std::vector<int> counts(256, 0);
  for (int draw = 0; draw < draws; ++draw) {
    std::int64_t out[4];
    permutation({2026, static_cast<std::uint64_t>(draw)}, out, 4);
    ++counts[static_cast<std::size_t>(out[0] * 64 + out[1] * 16 + out[2] * 4 + out[3])];
  }
  double chi_square = 0;
  int kinds = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    ++kinds;
    chi_square += (count - draws / 24.0) * (count - draws / 24.0) / (draws / 24.0);
  }
  CHECK(kinds == 24);
  CHECK(chi_square < 49.7);  // 23 degrees of freedom: 1 in 1000
}
