#pragma once
/// Internal to diff/: a function under check, at a point.

#include <xgrad/diff/difference.hpp>

namespace xgrad::checking {

using Record = std::function<std::vector<Tensor>(std::span<const Tensor> xs)>;

/// A function of float64 tensors and the point it is checked at. `record` never computes what it returns, so that no
/// part of a graph is a leaf because somebody looked at it.
struct Subject {
  std::vector<Tensor> xs;
  std::vector<std::string> names;
  Record record;
  std::int64_t size() const;  ///< elements of all xs
};

/// Elements of all inputs counted through: which input, which element.
struct Place {
  std::size_t input;
  std::int64_t element;
};
Place place_of(const Subject& subject, std::int64_t i);
std::vector<std::int64_t> index_of(const Shape& shape, std::int64_t element);

/// A tensor of its own with the same numbers as float64 (integers stay what they are).
Tensor copied(const Tensor& x, DType dtype = float64);
/// The inputs as new leaves.
std::vector<Tensor> fresh(std::span<const Tensor> xs);

/// Numbers that follow a seed, evenly between -1.5 and -0.5 or 0.5 and 1.5: no part of a projection is nearly lost.
std::vector<double> random_weights(std::uint64_t& state, std::int64_t count);

/// sum over k of sum(weights[k] * ys[k])
Tensor projected(std::span<const Tensor> ys, std::span<const Tensor> weights);
std::vector<Tensor> weights_like(std::span<const Tensor> ys, std::uint64_t& state);

/// u'y as a function.
Subject projection_of(const Subject& subject, const std::vector<Tensor>& weights);
/// v' d(u'y)/dx as a function: what second order checks. Constant 0 where y does not depend on x.
Subject gradient_of(const Subject& subject, const std::vector<Tensor>& u, const std::vector<Tensor>& v);

/// The values and the piece at x + t d; `direction` runs over all elements, as `size` counts them.
std::function<Probe(double)> along(const Subject& subject, std::vector<std::vector<double>> direction);
Probe probe_at(const Subject& subject, std::span<const Tensor> xs);

/// One row of the Jacobian, and what rounding may change that output by.
struct Row {
  std::vector<std::vector<double>> gradient;  ///< one an input
  double noise = 0;
  double size = 0;  ///< the largest value in the graph
};
/// Rows of several projections of y: u is given anew for each, the graph is recorded once a call.
Row row_of(const Subject& subject, const std::vector<Tensor>& weights);

/// Whether any value in the graph is float32, and the same function in float64 (its graph recorded again).
bool has_float32(std::span<const Tensor> ys);
Subject shadow_of(std::span<const Tensor> ys, std::span<const Tensor> xs, std::vector<std::string> names);

}  // namespace xgrad::checking
