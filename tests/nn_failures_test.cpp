// Memory that runs out in the middle: the n-th allocation fails, for every n that a step, a save or a load reaches.

#include "planned.hpp"
#include "replaced_new.hpp"

#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/kernels/buffer.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>

namespace {

using namespace xgrad;

struct FromNew {
  static void arm(std::int64_t n) { until_failure = n; }
  static constexpr const char* name = "operator new";
};
struct FromPool {
  static void arm(std::int64_t n) { kernels::fail_allocation(n); }
  static constexpr const char* name = "the pool of buffers";
};

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "xgrad-failures-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
};

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A network trained by Adam, on batches that follow from a counter.
struct Job {
  Sequential model{Dense(16, {.activation = "relu", .input_shape = {6}}), Dropout(.25, {.seed = 7}), Dense(3)};
  std::vector<Parameter> weights = parameters(model);
  optimizers::Adam adam{{.learning_rate = .01}};
  Tensor x, y = tensor({0, 1, 2, 0, 1, 2, 0, 1}, {.dtype = int64});
  int steps = 0;

  Job() {
    Generator numbers(3);
    std::vector<Tensor> values;
    for (const Parameter& weight : weights) values.push_back(normal(weight.shape(), 0, 1, {.generator = &numbers}));
    model.set_weights(values);
    x = normal({8, 6}, 0, 1, {.generator = &numbers}).eval();
    adam.build(weights);
    model.compile({.optimizer = adam,
                   .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                   .metrics = {"accuracy"}});
  }
  /// A step written out.
  double step() {
    const Tensor loss = mean(losses::sparse_categorical_crossentropy(y, model(x), true));
    adam.minimize(loss, weights);
    const double value = loss.item();
    ++steps;
    return value;
  }
  /// A step by `fit`, with dropout.
  void fit() {
    model.fit(x, y, {.batch_size = 8, .epochs = steps + 1, .verbose = 0, .shuffle = false, .initial_epoch = steps});
    ++steps;
  }
  /// Everything a step may change, as bits: weights, random state, the optimizer's state.
  std::string state() const {
    const Folder folder;
    model.save_weights(folder.path / "w");
    std::ostringstream out;
    out << bytes_of(folder.path / "w") << std::hexfloat;
    for (const auto& [name, t] : adam.state()) {
      out << name;
      for (double v : t.to_vector<double>()) out << ' ' << v;
    }
    return out.str();
  }
};

/// Fails the n-th allocation of `act` for n = 1, 2, ... until it goes through by itself. `unchanged` is asked after
/// each failure; then `act` is done again without one. Returns how many allocations failed.
template <class Failing, class Act, class Unchanged>
int fail_each(Act&& act, Unchanged&& unchanged) {
  for (int n = 1;; ++n) {
    bool failed = false;
    Failing::arm(n);
    try {
      act();
    } catch (const std::bad_alloc&) {
      failed = true;
    } catch (const std::exception& error) {
      Failing::arm(0);
      FAIL("another exception than the allocation's: " << error.what());
    }
    Failing::arm(0);
    if (!failed) return n - 1;
    INFO("allocation " << n << " of " << Failing::name << " failed");
    unchanged(n);
    act();
  }
}

// Steps written out, with plans found or made anew.
template <class Failing>
void fail_steps(bool planning, int at_least) {
  Job job, twin;
  for (int i = 0; i < 3; ++i) REQUIRE(job.step() == twin.step());
  const auto step = [&] {
    if (planning) clear_plan_cache();
    job.step();
  };
  const int failures = fail_each<Failing>(step, [&](int) {
    CHECK((job.state() == twin.state()));
    twin.step();
  });
  twin.step();
  CHECK((job.state() == twin.state()));
  CHECK(failures >= at_least);
}

// By fit a step happens whole or not at all: memory may also run out while the history is written.
template <class Failing>
void fail_fits(int at_least) {
  Job job, twin;
  for (int i = 0; i < 3; ++i) {
    job.fit();
    twin.fit();
  }
  const int failures = fail_each<Failing>([&] { job.fit(); }, [&](int) {
    if (job.state() != twin.state()) {
      twin.fit();
      ++job.steps;
    }
    CHECK((job.state() == twin.state()));
    twin.fit();
  });
  twin.fit();
  CHECK((job.state() == twin.state()));
  CHECK(failures >= at_least);
}

// Two models save to the same file in turn.
template <class Failing>
void fail_saves(int at_least) {
  const Folder folder;
  const std::string path = folder.path / "weights";
  Job jobs[2];
  jobs[1].step();
  std::string contents[2];
  for (int i : {0, 1}) {
    jobs[i].model.save_weights(path);
    contents[i] = bytes_of(path);
  }
  REQUIRE((contents[0] != contents[1]));
  const std::string states[2] = {jobs[0].state(), jobs[1].state()};
  int saves = 0;
  const int failures = fail_each<Failing>(
      [&] {
        jobs[saves % 2].model.save_weights(path);
        ++saves;
      },
      [&](int) {
        CHECK((bytes_of(path) == contents[(saves + 1) % 2]));
        CHECK(folder.files() == 1);
      });
  CHECK((bytes_of(path) == contents[(saves + 1) % 2]));
  CHECK(failures >= at_least);
  CHECK(saves == failures + 1);
  for (int i : {0, 1}) CHECK((jobs[i].state() == states[i]));
}

// One model loads two files in turn.
template <class Failing>
void fail_loads(int at_least) {
  const Folder folder;
  const std::string paths[2] = {folder.path / "a", folder.path / "b"};
  Job job;
  std::string states[2];
  for (int i : {0, 1}) {
    job.fit();
    job.model.save_weights(paths[i]);
    states[i] = job.state();
  }
  const std::string optimizer = states[1].substr(states[1].find("iterations"));
  const auto weights = [](const std::string& state) { return state.substr(0, state.find("iterations")); };
  int loads = 0;
  const int failures = fail_each<Failing>(
      [&] {
        job.model.load_weights(paths[loads % 2]);
        ++loads;
      },
      [&](int) { CHECK((weights(job.state()) == weights(states[(loads + 1) % 2]))); });
  CHECK((weights(job.state()) == weights(states[(loads + 1) % 2])));
  CHECK((job.state().substr(job.state().find("iterations")) == optimizer));
  CHECK(failures >= at_least);
  CHECK(loads == failures + 1);
}

}  // namespace

TEST_CASE("a training step whose n-th allocation fails throws, changes nothing, and is the same when done again") {
  fail_steps<FromNew>(false, 5);
  fail_steps<FromPool>(false, 2);
}

TEST_CASE("planning a training step whose n-th allocation fails throws, changes nothing, and works when done again") {
  fail_steps<FromNew>(true, 100);
  fail_steps<FromPool>(true, 2);
}

// The second of two updates comes from `f` of y = x * w; w is written in place by the loop that makes y.
void fail_updates(const Shape& shape, Tensor (*f)(const Tensor& y)) {
  Generator numbers(5);
  const Tensor x = normal(shape, 0, 1, {.dtype = float64, .generator = &numbers}).eval();
  const auto job = [&](Parameter& w, Parameter& v) {
    const Tensor y = x * w, next_w = w - .01 * exp(w), next_v = v - 1e-5 * sum(f(y));
    try {
      w.assign(next_w);
      v.assign(next_v);
      eval({w, v});
    } catch (...) {
      w.revert();
      v.revert();
      throw;
    }
  };
  const Tensor start = full(shape, .5, {.dtype = float64}).eval(), zero = zeros({}, {.dtype = float64}).eval();
  Parameter w(start + 0, "w"), v(zero + 0, "v"), twin_w(start + 0, "w"), twin_v(zero + 0, "v");
  const auto same = [&] {
    const auto equal = [](const Parameter& a, const Parameter& b) {
      return Tensor(a).to_vector<double>() == Tensor(b).to_vector<double>();
    };
    return equal(w, twin_w) && equal(v, twin_v);
  };
  for (int i = 0; i < 3; ++i) {
    job(w, v);
    job(twin_w, twin_v);
  }
  fail_each<FromNew>([&] { job(w, v); }, [&](int) {
    CHECK(same());
    job(twin_w, twin_v);
  });
  job(twin_w, twin_v);
  CHECK(same());
}

TEST_CASE("an operation that runs out of memory leaves updates of the same plan undone") {
  struct Step {
    const char* name;
    Tensor (*f)(const Tensor& y);
  };
  const Step steps[] = {
      {"sum over a middle axis", [](const Tensor& y) { return sum(square(y), 1); }},
      {"prod", [](const Tensor& y) { return prod(1 + y / 100, 1); }},
      {"sort", [](const Tensor& y) { return cast(argsort(y), float64); }},
      {"top_k", [](const Tensor& y) { return top_k(y, 2).values; }},
      {"median", [](const Tensor& y) { return median(y, 1); }},
  };
  for (const Step& step : steps) {
    INFO(step.name);
    fail_updates({3, 700, 5}, step.f);
  }
  const Step of_matrices[] = {
      {"expm", [](const Tensor& y) { return expm(y); }},
      {"qr", [](const Tensor& y) { return qr(y).r; }},
      {"complete qr", [](const Tensor& y) { return qr(slice_axis(y, -1, {0, 2}), QrMode::complete).q; }},
      {"det", [](const Tensor& y) { return det(y); }},
  };
  for (const Step& step : of_matrices) {
    INFO(step.name);
    fail_updates({3, 5, 5}, step.f);
  }
  INFO("cofactors");
  fail_updates({3, 5, 5}, [](const Tensor& y) { return grad(sum(det(y)), y); });
}

TEST_CASE("a step of fit happens whole or not at all when an allocation fails") {
  fail_fits<FromNew>(20);
  fail_fits<FromPool>(2);
}

TEST_CASE("a save whose n-th allocation fails throws and leaves the old file") {
  fail_saves<FromNew>(10);
}

TEST_CASE("a load whose n-th allocation fails throws and leaves the model as it was") {
  fail_loads<FromNew>(10);
  fail_loads<FromPool>(2);
}

TEST_CASE("a captured training step allocates nothing after the first ones") {
  const Planned planned;
  const Tensor x = ones({32, 20}).eval(), y = zeros({32, 4}).eval();
  const Parameter w(full({20, 4}, .1), "w"), b(zeros({4}), "b");
  auto step = capture([&](const Tensor& x, const Tensor& y) {
    const Tensor loss = mean(square(tanh(matmul(x, w) + b) - y));
    const auto [dw, db] = grad(loss, {w, b});
    w.assign(w - .1 * dw);
    b.assign(b - .1 * db);
    return loss;
  });
  const double first = step(x, y).item();
  double last = 0;
  for (int i = 0; i < 20; ++i) last = step(x, y).item();
  const std::int64_t before = calls;
  const kernels::MemoryStats memory = kernels::memory_stats();
  for (int i = 0; i < 100; ++i) last = step(x, y).item();
  CHECK(calls - before == 0);
  CHECK(kernels::memory_stats().live == memory.live);
  CHECK(kernels::memory_stats().cached == memory.cached);
  CHECK(last < first);
}

TEST_CASE("a recorded training step keeps to the tensors' memory of the first ones, and to a few vectors of its own") {
  const Planned planned;
  Job job;
  for (int i = 0; i < 50; ++i) job.step();
  const auto count = [&] {
    const std::int64_t before = calls;
    job.step();
    return calls - before;
  };
  const kernels::MemoryStats memory = kernels::memory_stats();
  const std::int64_t each = count();
  CHECK(each <= 48);  // results that are returned as vectors, walks over the graph
  for (int i = 0; i < 100; ++i) REQUIRE(count() == each);
  CHECK(kernels::memory_stats().live == memory.live);
  CHECK(kernels::memory_stats().cached == memory.cached);
}
