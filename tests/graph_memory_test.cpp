// Loops of any length run in the same memory, and graphs of any length need no stack.

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/kernels/buffer.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

using namespace xgrad;

namespace {

// A sanitizer keeps freed memory for a while, so pages say nothing there, and its loops are shorter.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Runs `step` so often, and compares memory at the end with what it was after the first steps.
template <class F>
void stays_flat(F&& step, int steps = 100'000, int first = 1000, std::size_t pages = 4 << 20) {
  std::size_t live = 0, resident = 0;
  if (sanitized) steps = std::min(steps, first + 10'000);
  for (int i = 0; i < steps; ++i) {
    if (i == first) {
      live = kernels::memory_stats().live;
      resident = resident_bytes();
    }
    step(i);
  }
  // Histories that nobody can reach are let go of from time to time; a leak of a buffer a step would be 6 MB.
  CHECK(kernels::memory_stats().live <= live + (512 << 10));
  // The allocator's own pages; a leak of a node a step would be 20 MB.
  if (!sanitized) CHECK(resident_bytes() <= resident + pages);
}

/// Calls f on a thread with a stack of 256 kB.
template <class F>
void on_small_stack(F&& f) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 << 10) == 0);
  pthread_t thread;
  const auto start = [](void* argument) -> void* {
    (*static_cast<std::remove_reference_t<F>*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, start, &f) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("a train step that logs a running average tensor runs in flat memory") {
  const Parameter w(full({3, 2}, 0.1), "w"), b(zeros({2}), "b");
  const Tensor x = full({4, 3}, 0.5), y = full({4, 2}, 0.2);
  Tensor average = Tensor(0.0);
  stays_flat([&](int) {
    const Tensor loss = mean(square(tanh(matmul(x, w) + b) - y));
    auto [dw, db] = grad(loss, {w, b});
    w.assign(w - 0.1 * dw);
    b.assign(b - 0.1 * db);
    average = 0.99 * average + 0.01 * loss;
    average.eval();
  });
  CHECK(average.item() < 1e-6);
}

TEST_CASE("a running average of the loss that nobody looks at grows no graph") {
  const Parameter w(full({3}, 0.1), "w");
  Tensor average = Tensor(0.0);
  stays_flat([&](int) {
    const Tensor loss = sum(square(w.value()));
    w.assign(w - 0.1 * grad(loss, w));
    average = 0.99 * average + 0.01 * loss;
    w.value().eval();
  });
}

TEST_CASE("a recurrence without Parameters printed every 1,000 steps runs in flat memory") {
  Tensor x = full({4}, 0.5);
  std::ostringstream log;
  stays_flat([&](int i) {
    x = 3.7 * x * (1 - x);
    if (i % 1000 == 999) {
      log.str("");
      log << x;
    }
  });
  CHECK(max(x).item() < 1);
}

TEST_CASE("a recurrence that nobody ever asks for does not grow for ever") {
  Tensor x = full({4}, 0.5);
  // What is pending is computed from time to time, so memory goes up and down; histories that stay would be 200 MB.
  stays_flat([&](int) { x = sin(x) + cos(x * 0.5) - 0.3 * square(x); }, 200'000, 80'000, 16 << 20);
  CHECK(max(x).item() < 2);
}

TEST_CASE("a recurrence with two states that are looked at each step runs in flat memory") {
  Tensor now = full({4}, 0.5), before = full({4}, 0.25);
  stays_flat([&](int) {
    const Tensor next = tanh(now - 0.5 * before);
    before = now;
    now = next;
    eval({now, before});
  });
  CHECK(max(now).item() < 1);
}

TEST_CASE("a recurrence run eagerly runs in flat memory") {
  set_eager(true);
  Tensor x = full({4}, 0.5);
  stays_flat([&](int) { x = 3.7 * x * (1 - x); }, 30'000, 5'000);
  set_eager(false);
  CHECK(max(x).item() < 1);
}

TEST_CASE("moving statistics assigned in training run in flat memory") {
  const Parameter w(full({3, 2}, 0.1), "w"), average(zeros({2}), "average", false), spread(ones({2}), "spread", false);
  const Tensor x = tensor({{1, 2, 3}, {3, 2, 1}, {0, 1, 0}, {2, 2, 2}});
  stays_flat([&](int) {
    const Tensor h = matmul(x, w);
    const Tensor m = mean(h, 0), v = var(h, 0);
    average.assign(0.9 * average + 0.1 * m);
    spread.assign(0.9 * spread + 0.1 * v);
    const Tensor loss = mean(square((h - m) / sqrt(v + 1e-3) - 0.3)) + 1e-3 * sum(square(w.value()));
    w.assign(w - 0.01 * grad(loss, w));
    w.value().eval();
  });
}

TEST_CASE("an accuracy summed as a tensor runs in flat memory") {
  const Parameter w(full({3, 2}, 0.1), "w");
  const Tensor x = tensor({{1, 2, 3}, {3, 2, 1}}), y = tensor({0, 1}, {.dtype = int64});
  Tensor right = Tensor(0);
  stays_flat([&](int) {
    const Tensor logits = matmul(x, w);
    const Tensor loss = mean(square(logits - 1));
    w.assign(w - 0.001 * grad(loss, w));
    right += sum(equal(argmax(logits, -1), y));
    loss.eval();
  });
  CHECK(right.dtype() == int64);
  CHECK(right.item<std::int64_t>() >= 0);
}

TEST_CASE("a chain of a million nodes is recorded, differentiated, run and freed on a 256 kB stack") {
  const int length = sanitized ? 200'000 : 1'000'000;
  double value = 0, slope = 0, expected = 1;
  on_small_stack([&] {
    const Tensor x = tensor({0.5}, {.dtype = float64});
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = i % 2 ? y * 0.5 : y + y;
    const Tensor dx = grad(y, x);
    value = y.item();
    slope = dx.item();
  });
  if (length % 2) expected = 2;
  CHECK(value == 0.5 * expected);
  CHECK(slope == expected);
}

TEST_CASE("a long pending chain that is never asked for is freed on a small stack, from the far end too") {
  on_small_stack([] {
    Tensor first = tensor({0.5}), y = first;
    for (int i = 0; i < 150'000; ++i) y = sin(y);
    first = Tensor();
    y = Tensor();
  });
}
