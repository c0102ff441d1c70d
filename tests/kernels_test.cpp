#include <xgrad/kernels/buffer.hpp>
#include <xgrad/kernels/indexing.hpp>
#include <xgrad/kernels/pool.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <type_traits>
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

TEST_CASE("a thread begins with the same chunks in every job", "[kernels][pool]") {
  const Threads set(2);
  const std::thread::id caller = std::this_thread::get_id();
  for (int round = 0; round < 20; ++round) {
    std::atomic<std::int64_t> first_of_worker = -1;
    parallel(8, [&](std::int64_t chunk) {
      if (std::this_thread::get_id() != caller) {
        std::int64_t none = -1;
        first_of_worker.compare_exchange_strong(none, chunk);
      }
      for (int i = 0; i < 5000 && first_of_worker < 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    CHECK(first_of_worker == 4);
  }
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
