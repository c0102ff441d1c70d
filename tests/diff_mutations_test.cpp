// The proof of the gradient check: wrong rules are caught and named, right graphs are let pass.

#include "mutated_ops.hpp"

#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <set>

using namespace xgrad;

namespace {

struct Random {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t x = state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }
  std::size_t below(std::size_t n) { return next() % n; }
};

/// The leaves of a sample: values spread over their ranges, no two alike.
std::vector<Tensor> leaves_of(const Sample& sample) {
  std::vector<Tensor> leaves;
  int k = 0;
  for (const SampleInput& asked : sample.inputs) {
    std::vector<double> values = asked.values;
    const auto n = static_cast<std::size_t>(asked.shape.size());
    for (std::size_t i = 0; values.size() < n; ++i)
      values.push_back(asked.low + (asked.high - asked.low) *
                                       (static_cast<double>(n % 7 ? i * 7 % n : i) + 0.31 + 0.17 * (k % 4)) /
                                       static_cast<double>(n));
    leaves.push_back(tensor(values, asked.shape, {.dtype = asked.dtype}));
    ++k;
  }
  return leaves;
}

bool moves(const SampleInput& in) { return is_floating(in.dtype) && in.differentiable && in.values.empty(); }

/// A number that follows y with weights without pattern.
Tensor weighed(const Tensor& y) {
  std::vector<double> w;
  for (std::int64_t i = 0; i < y.size(); ++i) w.push_back(std::sin(12.9898 * static_cast<double>(i + 1)) + 0.1);
  return sum(tanh(y * 0.3) * tensor(w, y.shape()));
}

struct Candidate {
  const Row* row;
  const Sample* sample;
};

std::vector<Candidate> candidates() {
  static const auto rows = all_rows();
  std::vector<Candidate> all;
  for (const Rows& family : rows)
    for (const Row& row : family) {
      if (row.no_derivative || row.samples.empty()) continue;
      const Sample& sample = row.samples.front();
      bool any_moves = false, plain = true;
      std::int64_t size = 0;
      for (const SampleInput& in : sample.inputs) {
        any_moves = any_moves || moves(in);
        plain = plain && !in.strided && !in.broadcast;
        size += in.shape.size();
      }
      if (any_moves && plain && size <= 60) all.push_back({&row, &sample});
    }
  return all;
}

struct Site {
  const Op* op;
  int argument;
};

/// The operations with rules between the inputs and y.
std::vector<Site> sites_of(const Tensor& y) {
  std::vector<Site> sites;
  const Walk walk(y.node(), Follow::derivatives);
  for (std::size_t i = 0; i < walk.order().size(); ++i) {
    const Node* node = walk.order()[i];
    const auto inputs = walk.inputs_of(i);
    for (std::size_t k = 0; k < inputs.size() && k < 3; ++k)
      if (inputs[k] != no_index && std::string(node->op->name) != "stop_gradient")
        sites.push_back({node->op, static_cast<int>(k)});
  }
  return sites;
}

std::vector<double> derivatives(const Tensor& y, const std::vector<Tensor>& xs, bool second) {
  std::vector<Tensor> g = grad(y, std::span<const Tensor>(xs));
  if (second) {
    Tensor total(0.0, {.dtype = float64});
    for (const Tensor& part : g) total = total + weighed(part);
    g = grad(total, std::span<const Tensor>(xs));
  }
  std::vector<double> all;
  for (const Tensor& part : g) {
    const std::vector<double> values = part.to_vector<double>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

}  // namespace

TEST_CASE("forty wrong rules of operations are caught and named, and the right ones pass") {
  const std::vector<Candidate> all = candidates();
  REQUIRE(all.size() > 100);
  std::set<std::string> operations;
  std::set<int> kinds;
  int caught = 0, named = 0, done = 0;
  const char* other = std::getenv("XGRAD_RANDOM_SEED");
  Random random{other ? std::strtoull(other, nullptr, 10) : 20240607};
  for (int attempt = 0; done < 40 && attempt < 4000; ++attempt) {
    const Candidate& at = all[random.below(all.size())];
    const std::vector<Tensor> leaves = leaves_of(*at.sample);
    std::vector<Tensor> moving;
    for (std::size_t k = 0; k < leaves.size(); ++k)
      if (moves(at.sample->inputs[k]))
        moving.push_back(leaves[k]);
    const auto make = [&](std::span<const Tensor> xs) {
      std::vector<Tensor> in = leaves;
      std::size_t next = 0;
      for (std::size_t k = 0; k < in.size(); ++k)
        if (moves(at.sample->inputs[k]))
          in[k] = xs[next++];
      return weighed(at.row->call(in));
    };
    const Tensor y = make(moving);
    const std::vector<Site> sites = sites_of(y);
    if (sites.empty()) continue;
    const Site site = sites[random.below(sites.size())];
    const int kind = static_cast<int>(random.below(mutated::kinds));
    // Forty of the same would prove little.
    if (operations.count(site.op->name) || std::string(site.op->name) == "sum") continue;
    mutated::mutate(*site.op, site.argument, static_cast<mutated::Kind>(kind));
    const bool second = static_cast<mutated::Kind>(kind) == mutated::Kind::detached;
    std::vector<double> right, wrong;
    try {
      right = derivatives(y, moving, second);
      wrong = derivatives(mutated::with_wrong_rule(y), moving, second);
    } catch (const Error&) {
      continue;  // a rule that cannot even be recorded shows by itself
    }
    // A change that changes nothing (the rules of both inputs of a sum) is no mistake.
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      difference = std::max(difference, std::fabs(right[i] - wrong[i]));
      size = std::max({size, std::fabs(right[i]), std::fabs(wrong[i])});
    }
    if (!(difference > 1e-5 * size)) continue;

    INFO("number " << done + 1 << ": " << at.row->name << ", the rule of " << site.op->name << " for input "
                   << site.argument + 1 << ": " << mutated::names[kind]);
    const GradcheckReport correct = gradcheck(make, std::span<const Tensor>(moving));
    INFO(correct);
    CHECK(correct.passed());
    const auto broken = [&](std::span<const Tensor> xs) { return mutated::with_wrong_rule(make(xs)); };
    const GradcheckReport report = gradcheck(broken, std::span<const Tensor>(moving));
    INFO(report);
    CHECK(report.verdict == Verdict::failed);
    caught += report.verdict == Verdict::failed;
    const bool right_name = !report.culprits.empty() && report.culprits.front().operation == site.op->name;
    CHECK(right_name);
    named += right_name;
    ++done;
    operations.insert(site.op->name);
    kinds.insert(kind);
  }
  std::cout << "wrong rules: " << done << ", caught " << caught << ", named " << named << ", of " << operations.size()
            << " operations, in " << kinds.size() << " ways\n";
  CHECK(done == 40);
  CHECK(caught == 40);
  CHECK(named == 40);
  CHECK(kinds.size() == mutated::kinds);
}
