#pragma once
/// Leaves and numbers to walk the table of samples with; shared by the tests that do.

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>

namespace table {

using namespace xgrad;

using Values = std::vector<double>;

/// A leaf of a sample and how the argument is made from it.
struct Leaf {
  SampleInput asked;
  Shape shape;
  Values values;

  bool moves() const { return is_floating(asked.dtype) && asked.differentiable && asked.values.empty(); }
  Tensor make(const Values& v) const { return tensor(v, shape, {.dtype = asked.dtype}); }
  Tensor argument(const Tensor& leaf) const {
    if (asked.broadcast) return broadcast_to(leaf, asked.shape);
    if (asked.strided) return transpose(slice_axis(leaf, 0, {1}));
    return leaf;
  }
};

/// The k-th leaf: values spread over the range in a mixed order, other ones for each k.
inline Leaf leaf_of(const SampleInput& asked, int k) {
  Leaf leaf{.asked = asked, .shape = asked.shape, .values = asked.values};
  if (asked.broadcast) leaf.shape.set(0, 1);
  if (asked.strided) {
    for (int i = 0; i < asked.shape.rank(); ++i) leaf.shape.set(i, asked.shape[-1 - i]);
    leaf.shape.set(0, leaf.shape[0] + 1);
  }
  if (!asked.values.empty()) return leaf;
  const auto n = static_cast<std::size_t>(leaf.shape.size());
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  std::uint64_t state = 12345 + static_cast<std::uint64_t>(k);
  for (std::size_t i = n; i > 1; --i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::swap(order[i - 1], order[(state >> 33) % i]);
  }
  leaf.values.resize(n);
  for (std::size_t i = 0; i < n; ++i)
    leaf.values[i] = asked.low + (asked.high - asked.low) * (static_cast<double>(order[i]) + 0.31 + 0.17 * (k % 4)) /
                                     static_cast<double>(n);
  return leaf;
}

/// Numbers without pattern in [-1, 1], a different series for each k.
inline Values mixed(std::int64_t n, int k) {
  Values values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::sin(12.9898 * static_cast<double>(i + 1) + 78.233 * (k + 1));
  return values;
}

inline double largest(const Values& v) {
  double most = 0;
  for (const double x : v) most = std::max(most, std::fabs(x));
  return most;
}

/// Whether the two agree to `tolerance` of the largest entry.
inline void check_close(const char* what, const Values& found, const Values& expected, double tolerance) {
  INFO(what);
  REQUIRE(found.size() == expected.size());
  const double scale = std::max({largest(found), largest(expected), 0.01});
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("entry " << i << ": " << found[i] << ", expected " << expected[i]);
    CHECK(std::fabs(found[i] - expected[i]) <= tolerance * scale);
  }
}

inline void for_each_row(const std::function<void(const Row&)>& visit) {
  for (const Rows& rows : all_rows())
    for (const Row& row : rows) {
      INFO("row " << row.name);
      visit(row);
    }
}

}  // namespace table
