// Which thread may do what.

#include "planned.hpp"

#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

using Floats = std::vector<float>;
Floats floats(const Tensor& t) { return t.to_vector<float>(); }

/// Calls f(0) ... f(count - 1), each on a thread of its own, and waits.
template <class F>
void on_threads(int count, F&& f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& thread : threads) thread.join();
}

/// A few steps of training from a seed; all that it touches is its own.
Floats train(int seed) {
  Generator generator(static_cast<std::uint64_t>(seed));
  const RandomOptions draws{.generator = &generator};
  const Parameter w(normal({8, 5}, 0, 0.3, draws), "w"), b(zeros({5}), "b");
  Tensor average = Tensor(0.0);
  for (int i = 0; i < 30; ++i) {
    const Tensor x = uniform({6 + seed % 3, 8}, -1, 1, draws);
    const Tensor logits = matmul(x * bernoulli_like(x, 0.8, &generator), w) + b;
    const Tensor loss = -mean(sum(log_softmax(logits) * one_hot(argmax(x, -1), 5), -1));
    auto [dw, db] = grad(loss, {w, b});
    w.assign(w - 0.1 * dw);
    b.assign(b - 0.1 * db);
    average = 0.9 * average + 0.1 * loss;
    if (i % 4 == 0) average.eval();
  }
  Floats result = floats(w);
  result.push_back(static_cast<float>(average.item()));
  return result;
}

}  // namespace

TEST_CASE("eight threads with independent graphs compute what one thread computes") {
  std::vector<Floats> expected, found(8);
  for (int i = 0; i < 8; ++i) expected.push_back(train(i));
  on_threads(8, [&](int i) { found[static_cast<std::size_t>(i)] = train(i); });
  CHECK(found == expected);
}

TEST_CASE("eight threads predict with one set of Parameters") {
  Generator generator(1);
  const RandomOptions draws{.generator = &generator};
  const Parameter w(normal({8, 16}, 0, 1, draws), "w"), v(normal({16, 4}, 0, 1, draws), "v");
  const auto predict = [&](int i) {
    Floats result;
    for (int k = 0; k < 40; ++k) {
      const Tensor x = full({3 + i % 2, 8}, 0.01 * (i + k));
      const Floats found = floats(softmax(matmul(relu(matmul(x, w)), v)));
      result.insert(result.end(), found.begin(), found.end());
    }
    return result;
  };
  std::vector<Floats> expected, found(8);
  for (int i = 0; i < 8; ++i) expected.push_back(predict(i));
  on_threads(8, [&](int i) { found[static_cast<std::size_t>(i)] = predict(i); });
  CHECK(found == expected);
}

TEST_CASE("threads that differentiate by shared Parameters do not disturb each other") {
  const Parameter w(full({5}, 0.5), "w");
  std::vector<Floats> found(8);
  on_threads(8, [&](int i) {
    for (int k = 0; k < 30; ++k) {
      const Tensor loss = sum(square(w.value()) * static_cast<double>(i));
      found[static_cast<std::size_t>(i)] = floats(grad(loss, w));
    }
  });
  for (int i = 0; i < 8; ++i) CHECK(found[static_cast<std::size_t>(i)] == Floats(5, static_cast<float>(i)));
}

TEST_CASE("a tensor computed on one thread is read, recorded from and freed on others") {
  Tensor shared = exp(full({100}, 0.25));
  shared.eval();
  std::atomic<int> right{0};
  on_threads(8, [&](int i) {
    Tensor mine = shared;
    for (int k = 0; k < 50; ++k) {
      const Tensor y = mine * static_cast<double>(i) + sum(mine);
      right += floats(y).size() == 100;
      mine = shared;
    }
  });
  CHECK(right == 400);
}

TEST_CASE("results go from thread to thread after they were computed, with the gradients on top") {
  Tensor x = tensor({1, 2, 3});
  for (int i = 0; i < 6; ++i) {
    Tensor next;
    std::thread([&] {
      const Tensor mine = square(x) * 0.5;
      next = grad(sum(mine), x) + 1;
      next.eval();
    }).join();
    x = next;
  }
  CHECK(floats(x) == Floats{7, 8, 9});
}

TEST_CASE("threads end while others hold their tensors, computed and pending") {
  std::vector<Tensor> kept(8), pending(8);
  on_threads(8, [&](int i) {
    const std::size_t at = static_cast<std::size_t>(i);
    const Tensor x = full({4}, i);
    kept[at] = x * x;
    kept[at].eval();
    pending[at] = sin(x) + kept[at];
  });
  for (int i = 0; i < 8; ++i) CHECK(floats(kept[static_cast<std::size_t>(i)]) == Floats(4, static_cast<float>(i * i)));
  pending.clear();
  kept.clear();
  CHECK(train(3) == train(3));
}

TEST_CASE("handles of pending nodes may be dropped by another thread while their own records") {
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::vector<Tensor> passed;
  std::thread dropper([&] {
    while (!stop) {
      std::vector<Tensor> mine;
      {
        const std::lock_guard lock(mutex);
        mine.swap(passed);
      }
      mine.clear();
      std::this_thread::yield();
    }
  });
  const Parameter w(full({4}, 0.1), "w");
  for (int i = 0; i < 2000; ++i) {
    const Tensor y = sin(w.value() * 2.0) + 1;
    {
      const std::lock_guard lock(mutex);
      passed.push_back(y * 3);
      passed.push_back(y);
    }
    if (i % 10 == 0) w.assign(w - 0.01 * grad(sum(y), w));
    if (i % 25 == 0) y.eval();
  }
  stop = true;
  dropper.join();
  passed.clear();
  CHECK(floats(w).size() == 4);
}

TEST_CASE("using another thread's pending node is an error that says what to do") {
  Tensor pending;
  std::atomic<bool> recorded{false}, done{false};
  std::thread other([&] {
    const Planned planned;
    pending = (tensor({1, 2}) * 2).named("from elsewhere");
    recorded = true;
    while (!done) std::this_thread::yield();
    pending.eval();
  });
  while (!recorded) std::this_thread::yield();
  CHECK_THROWS_AS(pending.eval(), ValueError);
  CHECK_THROWS_WITH((pending + 1).eval(), Contains("thread") && Contains("eval()") && Contains("from elsewhere"));
  done = true;
  other.join();
  CHECK(floats(pending + 1) == Floats{3, 5});
}

TEST_CASE("a derivative ends at what another thread recorded, whose history may end at any time") {
  const Parameter w(tensor({1, 2}), "w");
  Tensor x = tensor({3, 4}), there;
  std::thread([&] {
    there = square(x) * w;
    there.eval();
  }).join();
  CHECK_THROWS_AS(grad(sum(there * 2), x), GradientError);
  CHECK_THROWS_WITH(grad(sum(there * 2), w), Contains("another thread recorded") && Contains("multiply (2,)"));
  CHECK(floats(grad(sum(square(there)), there)) == Floats{18, 64});
  CHECK(floats(jvp(there * 2, {{there}}, {{tensor({1, 1})}})) == Floats{2, 2});
}

TEST_CASE("differentiating does not disturb a thread whose history ends meanwhile") {
  const Parameter w(full({4}, 0.5), "w");
  std::mutex mutex;
  Tensor latest = full({4}, 1).eval();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      Tensor mine;
      {
        const std::lock_guard lock(mutex);
        mine = latest;
      }
      const Tensor slope = grad(sum(square(mine)), mine);
      CHECK(slope.size() == 4);
      CHECK(dump(slope).size() > 0);
      slope.eval();
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const Tensor y = sin(w.value() * 2.0) + 1;
    y.eval();
    {
      const std::lock_guard lock(mutex);
      latest = y;
    }
    w.assign(w * 0.99);
    w.value().eval();
  }
  stop = true;
  reader.join();
}

TEST_CASE("a Parameter assigned on a thread that ends keeps its last computed value") {
  const Parameter w(tensor({1, 2}), "w");
  std::thread([&] { w.assign(w * 2); }).join();
  std::thread([&] {
    w.revert();
    w.assign(w * 3);
    w.value().eval();
  }).join();
  CHECK(floats(w) == Floats{3, 6});
}

TEST_CASE("an exception in a worker reaches the thread that asked") {
  const Planned planned;
  const int before = kernels::num_threads();
  kernels::set_num_threads(4);
  const Tensor labels = check_labels(full({100'000}, 7, {.dtype = int64}), 5);
  on_threads(4, [&](int) {
    const Planned planned_here;
    const Tensor mine = check_labels(full({100'000}, 7, {.dtype = int64}), 5);
    bool thrown = false;
    try {
      mine.eval();
    } catch (const ValueError&) {
      thrown = true;
    }
    if (!thrown) std::abort();
  });
  CHECK_THROWS_AS(labels.eval(), ValueError);
  kernels::set_num_threads(before);
}

TEST_CASE("threads share the plan cache while others forget its plans") {
  std::atomic<int> right{0};
  on_threads(8, [&](int i) {
    for (int k = 1; k <= 60; ++k) {
      const Floats expected(static_cast<std::size_t>(k), 6.0f + static_cast<float>(i));
      right += floats(full({k}, 2.0) * 3 + i) == expected;
      if (i == 0 && k % 10 == 0) clear_plan_cache();
    }
  });
  CHECK(right == 8 * 60);
}
