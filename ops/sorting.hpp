#pragma once
/// Sorting, searching in sorted arrays, and counting.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// x in ascending (or descending) order along an axis. Stable; -0 equals 0, and NaN comes last in either order.
/// Gradients go where the elements came from.
Tensor sort(const Arg& x, int axis = -1, bool descending = false);
/// The indices (int64) that sort x along an axis, as sort. No derivative.
Tensor argsort(const Arg& x, int axis = -1, bool descending = false);

/// Elements and their indices along the axis.
struct TopK {
  Tensor values;
  Tensor indices;  ///< int64
};
/// The k largest along an axis, largest first; of equal ones the first comes first, and NaN counts as larger than all
/// numbers (Keras, PyTorch). Throws ValueError unless 0 <= k <= the axis's length.
TopK top_k(const Arg& x, std::int64_t k, int axis = -1);

/// Where to insert among equal elements.
enum class Side : std::uint8_t { left, right };
/// For each value the index (int64) where it is to be inserted into `sorted` so that this stays sorted: the number of
/// elements that are less (left), or not greater (right). NaN counts as largest. `sorted` is an ascending vector (not
/// looked after), or rows of them (..., n) for rows of values (..., m) with the same first axes. No derivative.
Tensor searchsorted(const Arg& sorted, const Arg& values, Side side = Side::left);
/// The bin of each element: i with bins[i-1] <= x < bins[i], or with `right` bins[i-1] < x <= bins[i]; for descending
/// bins bins[i-1] > x >= bins[i], or bins[i-1] >= x > bins[i]. 0 and n outside. int64, no derivative.
Tensor digitize(const Arg& x, const Arg& bins, bool right = false);
/// Whether each element of x is one of `among` (of any shape); NaN never is. bool.
Tensor isin(const Arg& x, const Arg& among, bool invert = false);

/// What `unique` finds. The indices are int64.
struct Unique {
  Tensor values;   ///< ascending, each once, as a vector; all NaN are one. Gradients go to the first of equal elements
  Tensor index;    ///< of the first element with each value, in x read as a vector
  Tensor inverse;  ///< shaped like x: which value each element has
  Tensor counts;   ///< how many elements have each value
};
/// The different elements of x. Computes x at this call, for the result's shape depends on its values.
Unique unique(const Arg& x);

/// How many elements of x (integers of 0 or more, any shape) are 0, 1, 2, ...: int64. Computes x at this call unless
/// `length` is given; then the result has that length, and a larger element is an error when values are computed.
/// Otherwise its length is the largest element plus 1, and at least `minlength`.
Tensor bincount(const Arg& x, std::int64_t minlength = 0, std::int64_t length = -1);
/// The sums of the weights (shaped like x) of the elements that are 0, 1, 2, ...
Tensor bincount(const Arg& x, const Tensor& weights, std::int64_t minlength = 0, std::int64_t length = -1);

struct HistogramOptions {
  std::int64_t bins = 10;
  double low = 0, high = 0;  ///< the range; from the smallest to the largest element unless low < high
  Tensor edges = {};         ///< ascending edges instead of bins and a range
  Tensor weights = {};       ///< shaped like x; the counts are then sums of weights
  bool density = false;      ///< counts divided by their sum and the bins' widths
};
struct Histogram {
  Tensor counts;  ///< (bins,): int64, or the weights' dtype, or the edges' for a density
  Tensor edges;   ///< (bins + 1,): float64 for integers
};
/// How many elements of x lie in each bin; a bin holds its lower edge, the last one also its upper. What lies outside
/// and NaN is not counted. If all elements are x, the range is x - 1/2 to x + 1/2, if there are none, 0 to 1.
/// No derivative by x.
Histogram histogram(const Arg& x, const HistogramOptions& options = {});
/// The edges that `histogram` would use.
Tensor histogram_bin_edges(const Arg& x, const HistogramOptions& options = {});

}  // namespace xgrad
