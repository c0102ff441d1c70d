#include "planned.hpp"

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/memory.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/kernels/buffer.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <new>
#include <string>

using namespace xgrad;

namespace {

constexpr std::size_t mb = std::size_t{1} << 20;

struct NoLimits {
  ~NoLimits() {
    set_memory_limit(0);
    set_memory_cache_limit(kernels::unlimited_cache);
  }
};

#ifdef __SANITIZE_ADDRESS__
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif

}  // namespace

TEST_CASE("live memory follows the tensors, and the peak what a computation needed on its way") {
  release_cached_memory();
  const std::size_t before = memory_stats().live;
  {
    const Tensor x = ones({1024, 1024}).eval();
    CHECK(memory_stats().live - before >= 4 * mb);
    CHECK(memory_stats().live - before <= 5 * mb);
    reset_peak_memory();
    CHECK(memory_stats().peak == memory_stats().live);
    {
      const Tensor y = exp(x).eval();
      CHECK(memory_stats().live - before >= 8 * mb);
    }
    CHECK(memory_stats().live - before <= 5 * mb);
    CHECK(memory_stats().peak - before >= 8 * mb);
    CHECK(memory_stats().peak - before <= 10 * mb);
    reset_peak_memory();
    CHECK(memory_stats().peak - before <= 5 * mb);
  }
  CHECK(memory_stats().live <= before + 4096);
}

TEST_CASE("what is kept for reuse goes back to the system when asked") {
  if (!pooled) return;
  ones({1024, 1024}).eval();
  CHECK(memory_stats().cached >= 4 * mb);
  release_cached_memory();
  CHECK(memory_stats().cached < 4 * mb);
}

TEST_CASE("a limit on what is kept holds at once and later") {
  if (!pooled) return;
  const NoLimits at_the_end;
  ones({1024, 1024}).eval();
  set_memory_cache_limit(2 * mb);
  CHECK(memory_stats().cached <= 2 * mb);
  ones({1024, 1024}).eval();
  CHECK(memory_stats().cached <= 2 * mb);
}

TEST_CASE("resetting the peak does not make the memory kept for reuse smaller") {
  if (!pooled) return;
  {
    const Tensor small = ones({1024, 1024}).eval(), large = ones({80, 1024, 1024}).eval();  // above what is always kept
  }
  const std::size_t kept = memory_stats().cached;
  CHECK(kept >= 320 * mb);
  reset_peak_memory();
  { const Tensor small = ones({1024, 1024}).eval(); }
  CHECK(memory_stats().cached >= 320 * mb);
  release_cached_memory();
}

TEST_CASE("an evaluation beyond the limit throws, says the figures, and changes nothing") {
  const Planned planned;
  const NoLimits at_the_end;
  const Parameter w(ones({1024, 1024}), "w");
  const Tensor x = ones({1024, 1024}).eval();
  release_cached_memory();
  const std::size_t live = memory_stats().live;
  set_memory_limit(live + 2 * mb);
  CHECK(memory_stats().limit == live + 2 * mb);
  w.assign(w * x + 1);
  const Tensor other = exp(x);
  try {
    eval({w.value(), other});
    FAIL("the limit was not noticed");
  } catch (const std::bad_alloc& error) {
    CHECK(std::string(error.what()).find("set_memory_limit") != std::string::npos);
  }
  CHECK(memory_stats().live == live);
  CHECK_FALSE(other.computed());
  set_memory_limit(0);
  CHECK(sum(w.value()).item() == 2 * 1024 * 1024);
  CHECK(sum(other).item() == Approx(1024 * 1024 * std::exp(1.0)));
}

TEST_CASE("what is kept is given back before the limit is reached") {
  if (!pooled) return;
  const NoLimits at_the_end;
  { const Tensor kept = ones({4, 1024, 1024}).eval(); }
  CHECK(memory_stats().cached >= 16 * mb);
  set_memory_limit(memory_stats().live + 10 * mb);
  const Tensor x = ones({1024, 1024}).eval();
  CHECK(memory_stats().live + memory_stats().cached <= memory_stats().limit + 4 * mb);
}

TEST_CASE("a failing allocation can be ordered, once") {
  kernels::fail_allocation(2);
  kernels::Buffer* first = kernels::allocate(100);
  CHECK_THROWS_AS(kernels::allocate(100), std::bad_alloc);
  kernels::Buffer* third = kernels::allocate(100);
  kernels::release(first);
  kernels::release(third);
  kernels::fail_allocation(0);
}
