// Recorded training steps with an optimizer allocate nothing once they have run a few times.

#include "planned.hpp"

#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

using namespace xgrad;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool counted = false;  // buffers are not pooled there
#else
constexpr bool counted = true;
#endif

std::atomic<long> allocations{0};

void* memory_of(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(bytes ? bytes : 1)
                     : std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return memory_of(bytes, 1); }
void* operator new[](std::size_t bytes) { return memory_of(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return memory_of(bytes, std::size_t(alignment)); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) { return memory_of(bytes, std::size_t(alignment)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return memory_of(bytes, 1);
  } catch (...) {
    return nullptr;
  }
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  try {
    return memory_of(bytes, std::size_t(alignment));
  } catch (...) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {
// Repeated is what waits until it is asked for.
const Planned planned;
}  // namespace

TEST_CASE("a recorded training step with an optimizer allocates nothing once it has run a few times") {
  const auto optimizer = GENERATE(as<std::string>(), "sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad",
                                  "adadelta", "lion");
  CAPTURE(optimizer);
  optimizers::Optimizer optimize(optimizer);
  std::vector<Parameter> weights;
  weights.emplace_back(tensor({{.1, .2}, {.3, -.4}, {.5, .6}}), "kernel");
  weights.emplace_back(tensor({.1, -.1}), "bias");
  optimize.build(weights);
  const Tensor x = tensor({{1, 2, 3}, {-1, .5, 2}});
  const auto loss_now = [&] { return mean(square(tanh(matmul(x, weights[0]) + weights[1]))); };
  const auto minimize = [&] {
    const Tensor loss = loss_now();
    optimize.minimize(loss);
    return loss.item();
  };
  const auto step = [&] {
    const Tensor loss = loss_now();
    optimize.zero_grad();
    loss.backward();
    optimize.step();
    return loss.item();
  };
  const double first = minimize();
  for (int i = 0; i < 10; ++i) minimize();
  long before = allocations.load();
  reset_plan_cache_stats();
  double last = 0;
  for (int i = 0; i < 100; ++i) last = minimize();
  CHECK((allocations.load() == before || !counted));
  CHECK(plan_cache_stats().repeats == 100);
  CHECK(last != first);
  for (int i = 0; i < 10; ++i) step();
  before = allocations.load();
  for (int i = 0; i < 100; ++i) step();
  CHECK((allocations.load() == before || !counted));
}
