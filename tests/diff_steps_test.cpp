#include "table_walk.hpp"

#include <xgrad/diff/map.hpp>
#include <xgrad/diff/steps.hpp>
#include <xgrad/graph/generator.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>

#include <cstring>
#include <set>
#include <string>

using namespace xgrad;

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  return x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("every sample of the table comes back from its steps with the same bits") {
  std::size_t walked = 0, operations = 0;
  table::for_each_row([&](const Row& row) {
    for (const Sample& sample : row.samples) {
      std::vector<Tensor> inputs;
      int k = 0;
      for (const SampleInput& asked : sample.inputs) {
        const table::Leaf leaf = table::leaf_of(asked, k++);
        inputs.push_back(leaf.argument(leaf.make(leaf.values)).eval());
      }
      const Tensor y = row.call(inputs);
      const std::vector<GraphStep> steps = steps_of(y, inputs);
      for (const GraphStep& step : steps) operations += step.kind == GraphStep::Kind::operation;
      CHECK(same_bits(record_steps(steps, inputs), y));
      ++walked;
    }
  });
  CHECK(walked > 1000);
  CHECK(operations > walked);
}

TEST_CASE("steps take tensors of other shapes and dtypes") {
  const Tensor x = tensor({{1., 2.}, {3., 4.}});
  const Tensor y = sum(x * 0.5 + 1, -1, true) / x.rank();
  const std::vector<GraphStep> steps = steps_of(y, std::span(&x, 1));
  const Tensor other = tensor({{1., 2.}, {3., 4.}, {5., 6.}}, {.dtype = float64});
  const Tensor again = record_steps(steps, std::span(&other, 1));
  CHECK(again.dtype() == float64);
  CHECK(same_bits(again, sum(other * 0.5 + 1, -1, true) / 2));
}

TEST_CASE("numbers that are drawn in a graph are drawn again as they were, and looking up operations draws none") {
  set_random_seed(3);
  const std::uint64_t next = default_generator().next();
  const Tensor x = tensor({1., 2., 3.});
  static_cast<void>(steps_of(x + 1, std::span(&x, 1)));
  CHECK(default_generator().next() == next);
}

TEST_CASE("functions of one's own are no steps, and steps that lie are errors") {
  const Tensor x = tensor({1., 2., 3.});
  const Tensor y = map([](auto v) { return v * v; }, x);
  CHECK_THROWS_WITH(steps_of(y, std::span(&x, 1)), Catch::Contains("got map") && Catch::Contains("user's own"));

  std::vector<GraphStep> steps = steps_of(x + x, std::span(&x, 1));
  steps.back().inputs = {7, 0};
  CHECK_THROWS_WITH(record_steps(steps, std::span(&x, 1)), Catch::Contains("steps before, got number 7"));
  steps.back().inputs = {0};
  CHECK_THROWS_WITH(record_steps(steps, std::span(&x, 1)), Catch::Contains("does not take 1 inputs"));
  steps.back().operation = "ad";
  CHECK_THROWS_WITH(record_steps(steps, std::span(&x, 1)), Catch::Contains("'ad'"));
  CHECK_THROWS_WITH(record_steps(steps, {}), Catch::Contains("expected one of 0 tensors"));
}

TEST_CASE("steps whose numbers lie are errors or other results, and never more") {
  std::size_t tried = 0, refused = 0;
  std::set<std::string> done;
  table::for_each_row([&](const Row& row) {
    for (const Sample& sample : row.samples) {
      std::vector<Tensor> inputs;
      int k = 0;
      for (const SampleInput& asked : sample.inputs) {
        const table::Leaf leaf = table::leaf_of(asked, k++);
        inputs.push_back(leaf.argument(leaf.make(leaf.values)).eval());
      }
      const std::vector<GraphStep> steps = steps_of(row.call(inputs), inputs);
      const auto attempt = [&](std::size_t i, auto change) {
        std::vector<GraphStep> lying = steps;
        change(lying[i]);
        INFO(steps[i].operation << " a " << lying[i].attributes[0] << " b " << lying[i].attributes[1]);
        ++tried;
        try {
          Tensor y = record_steps(lying, inputs);
          if (y.size() < 100'000) y.eval();
        } catch (const Error&) {
          ++refused;
        }
      };
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].kind != GraphStep::Kind::operation) continue;
        // Each operation once for each length of its list.
        if (!done.insert(steps[i].operation + std::to_string(steps[i].list.size())).second) continue;
        for (const std::int64_t lie : {-1L, 1L, 7L, 63L, 1L << 40, -(1L << 40)}) {
          for (int which : {0, 1}) attempt(i, [&](GraphStep& step) { step.attributes[which] = lie; });
          for (std::size_t at = 0; at < steps[i].list.size(); ++at)
            attempt(i, [&](GraphStep& step) { step.list[at] = lie; });
        }
        attempt(i, [](GraphStep& step) { step.list.clear(); });
        attempt(i, [](GraphStep& step) { step.list.push_back(5); });
      }
    }
  });
  CHECK(tried > 3000);
  CHECK(refused > 300);
}
