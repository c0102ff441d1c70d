// The gradient check on random programs whose derivatives are right: it must not cry wolf, kinks included.

#include "random_program_table.hpp"

#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/graph/walk.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <iostream>

namespace random_program {
namespace {

/// A random program's last floating value that follows from leaves, as one number; undefined if there is none to check.
Tensor subject_of(std::uint64_t seed, std::vector<Tensor>& leaves, std::string& code) {
  Program program = make_program(seed);
  code = to_code(program);
  Run run;
  run.hold = true;
  run.only_record = true;
  declare(run, program);
  std::vector<Tensor> made;
  for (Step& step : program.steps) {
    // Infinities and NaN have no derivative to compare; ties (kind 3) are welcome.
    if (step.form == &form("leaf") && (step.n[2] == 2 || seed % 4 != 1)) step.n[2] = 3;
    // What is cut on purpose has no derivative to compare with, steps between numbers neither; a gamma draw's
    // derivative is that of its distribution.
    step.no_grad = false;
    for (const char* name : {"stop_gradient", "gamma", "beta", "dirichlet", "spacing"})
      if (std::string(step.form->name) == name) return {};
    if (step.out.empty()) continue;  // updates and evaluations
    execute(run, step);
    if (step.form == &form("leaf") && is_floating(step.dtype)) made.push_back(run.value(step.out[0]));
  }
  for (auto at = run.values.rbegin(); at != run.values.rend(); ++at) {
    const Tensor& y = at->second;
    if (!is_floating(y.dtype()) || y.size() == 0 || y.size() > 2000) continue;
    std::vector<double> weights;
    for (std::int64_t i = 0; i < y.size(); ++i) weights.push_back(std::sin(static_cast<double>(3 * i + 1)));
    const Tensor number = sum(y * tensor(weights, y.shape()));
    // The columns that fill up an orthogonal matrix are any that do; nextafter is said to have no derivative.
    bool smooth = true;
    const Walk values(number.node(), Follow::values);
    for (const char* name : {"complement", "nextafter"})
      for (const Node* node : values.order()) smooth = smooth && !(node->op && std::string(node->op->name) == name);
    if (!smooth) continue;
    const Walk walk(number.node(), Follow::derivatives);
    leaves.clear();
    std::int64_t size = 0;
    for (const Tensor& leaf : made)
      if (walk[leaf.node()] != no_index && leaf.size() > 0 && size + leaf.size() <= 600) {
        leaves.push_back(leaf);
        size += leaf.size();
      }
    if (!leaves.empty()) return number;
  }
  return {};
}

bool all_finite(const std::vector<Tensor>& values) {
  for (const Tensor& value : values)
    for (const double v : value.to_vector<double>())
      if (!std::isfinite(v)) return false;
  return true;
}

/// How many of the first two derivatives are finite. Of a graph of its own: the one to check stays as it was recorded.
int finite_orders(std::uint64_t seed) {
  std::vector<Tensor> leaves;
  std::string code;
  const Tensor y = subject_of(seed, leaves, code);
  const std::vector<Tensor> first = grad(y, std::span<const Tensor>(leaves));
  Tensor weighed(0.0, {.dtype = float64});
  for (std::size_t k = 0; k < first.size(); ++k)
    weighed = weighed + sum(first[k] * std::sin(static_cast<double>(k + 1)));
  const std::vector<Tensor> second = grad(weighed, std::span<const Tensor>(leaves));
  return !all_finite(first) ? 0 : !all_finite(second) ? 1 : 2;
}

TEST_CASE("no false alarm on two hundred random graphs") {
  const char* first = std::getenv("XGRAD_RANDOM_SEED");
  std::uint64_t seed = first ? std::strtoull(first, nullptr, 10) : 1;
  int done = 0, passed = 0, undecided = 0, with_kinks = 0, infinite = 0;
  std::int64_t compared = 0;
  for (; done < 200; ++seed) {
    std::vector<Tensor> leaves;
    std::string code;
    const Tensor y = subject_of(seed, leaves, code);
    if (!y.defined()) continue;
    INFO("seed " << seed << "\n" << code);
    const int orders = finite_orders(seed);
    const GradcheckReport report = gradcheck_recorded(y, leaves, {.order = std::max(orders, 1)});
    INFO(report);
    if (report.compared == 0 || orders == 0) {
      ++infinite;
      continue;
    }
    ++done;
    compared += report.compared;
    passed += report.passed();
    undecided += report.verdict == Verdict::undecided;
    with_kinks += report.kink_count > 0 || report.jump_count > 0 || report.steps_avoided > 0;
    CHECK(report.verdict != Verdict::failed);
  }
  std::cout << done << " random graphs: " << passed << " passed, " << undecided << " not decided, " << with_kinks
            << " with kinks; " << compared << " comparisons; " << infinite
            << " others had values or derivatives that are not finite\n";
  CHECK(passed >= 180);
  CHECK(with_kinks >= 20);
}

}  // namespace
}  // namespace random_program
