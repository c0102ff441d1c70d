#pragma once
/// Sets of the different elements of tensors, orders by several keys, and counts in several dimensions. What has a
/// shape that depends on values computes its arguments at the call.

#include <xgrad/ops/sorting.hpp>

#include <vector>

namespace xgrad {

/// The different elements of both, ascending, as a vector; all NaN are one.
Tensor union1d(const Arg& a, const Arg& b);
/// The different elements of a that b has too, ascending; NaN is in no intersection.
Tensor intersect1d(const Arg& a, const Arg& b);
/// The different elements of a that b has not, ascending.
Tensor setdiff1d(const Arg& a, const Arg& b);
/// The different elements that only one of both has, ascending.
Tensor setxor1d(const Arg& a, const Arg& b);

/// The indices (int64) that sort by the last key, where it is equal by the one before, and so on; keys of one shape,
/// ordered along an axis. Throws ValueError for no key, ShapeError for keys of different shapes.
Tensor lexsort(std::span<const Tensor> keys, int axis = -1, Location where = Location::current());

/// x without the zeros at the front ("f"), at the back ("b") or both ("fb") of each axis, or of one: where all elements
/// of a slice are 0 it goes, up to the first one with another. ValueError for another `trim`.
Tensor trim_zeros(const Arg& x, std::string_view trim = "fb", Axes axes = {});

/// Whether fewer than k predictions (..., classes) of a row are larger than that of its target (...): bool. A target
/// whose prediction is not finite is not. A target out of range is an error when values are computed.
Tensor in_top_k(const Arg& targets, const Arg& predictions, std::int64_t k);

/// What histogramdd gives.
struct GridHistogram {
  Tensor counts;              ///< as Histogram's, one axis for each dimension
  std::vector<Tensor> edges;  ///< one vector for each dimension
};
/// How many points (n, dimensions) lie in each cell of a grid; each dimension has its own bins, range or edges (its
/// weights and density are not looked at). A density is counts divided by their sum and the cells' sizes.
GridHistogram histogramdd(const Arg& points, std::span<const HistogramOptions> dimensions, const Tensor& weights = {},
                          bool density = false);
/// The same for points given by two vectors.
GridHistogram histogram2d(const Arg& x, const Arg& y, const HistogramOptions& of_x = {},
                          const HistogramOptions& of_y = {}, const Tensor& weights = {}, bool density = false);

}  // namespace xgrad
