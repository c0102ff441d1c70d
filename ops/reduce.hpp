#pragma once
/// Reductions over axes. Axes are one, several or (the default) all; with keepdims they stay with length 1.

#include <xgrad/graph/basic.hpp>

#include <string_view>

namespace xgrad {

/// Arithmetic mean over axes; integers and bool become float32. NaN for an empty mean.
Tensor mean(const Arg& x, Axes axes = {}, bool keepdims = false);
/// Mean squared distance from the mean: sum((x - mean)^2) / (n - ddof). NaN or inf where n <= ddof.
Tensor var(const Arg& x, Axes axes = {}, bool keepdims = false, int ddof = 0);
inline Tensor variance(const Arg& x, Axes axes = {}, bool keepdims = false) { return var(x, axes, keepdims); }
/// sqrt(var). After `using namespace xgrad` a plain std(x) is ambiguous with the namespace: write xgrad::std(x).
Tensor std(const Arg& x, Axes axes = {}, bool keepdims = false, int ddof = 0);
/// sum(x * weights) / sum(weights); weights broadcast against x, or are 1-D along a single axis. Integers become
/// float32. inf or NaN where the weights sum to 0. Throws ShapeError where the weights do not fit.
Tensor average(const Arg& x, const Arg& weights, Axes axes = {}, bool keepdims = false);

/// Product over axes, 1 for an empty one. Integers and bool become int64 and wrap. The derivative is right
/// where elements are 0, to any order.
Tensor prod(const Arg& x, Axes axes = {}, bool keepdims = false);

/// Largest element over axes; NaN wins. Equal largest elements share the gradient equally. Throws ShapeError if an axis
/// that is folded has length 0.
Tensor max(const Arg& x, Axes axes = {}, bool keepdims = false);
/// Smallest element over axes, as max.
Tensor min(const Arg& x, Axes axes = {}, bool keepdims = false);
inline Tensor amax(const Arg& x, Axes axes = {}, bool keepdims = false) { return max(x, axes, keepdims); }
inline Tensor amin(const Arg& x, Axes axes = {}, bool keepdims = false) { return min(x, axes, keepdims); }
/// max - min over axes (peak to peak).
Tensor ptp(const Arg& x, Axes axes = {}, bool keepdims = false);

/// Index (int64) of the first largest element along an axis, or (the default) in x read as a vector; the first NaN
/// wins. With keepdims the folded axes stay with length 1. No derivative. Throws ShapeError for several axes and
/// for none.
Tensor argmax(const Arg& x, Axes axis = {}, bool keepdims = false);
/// Index (int64) of the first smallest element, as argmax.
Tensor argmin(const Arg& x, Axes axis = {}, bool keepdims = false);
/// argmax and argmin that leave out NaN. A slice without numbers is an error when values are computed.
Tensor nanargmax(const Arg& x, Axes axis = {}, bool keepdims = false);
Tensor nanargmin(const Arg& x, Axes axis = {}, bool keepdims = false);

/// Whether any element over axes is not 0 (NaN counts), bool; false for none.
Tensor any(const Arg& x, Axes axes = {}, bool keepdims = false);
/// Whether every element over axes is not 0 (NaN counts), bool; true for none.
Tensor all(const Arg& x, Axes axes = {}, bool keepdims = false);
/// How many elements over axes are not 0, int64.
Tensor count_nonzero(const Arg& x, Axes axes = {}, bool keepdims = false);

/// The 2-norm sqrt(sum(x^2)) of all elements; integers become float32. The derivative at x = 0 is 0.
Tensor norm(const Arg& x);
/// Norm over one axis (a vector's) or two (a matrix's: rows, columns); all axes of a 1-D or 2-D x by default. A vector:
/// order 0 counts what is not 0, inf is the largest |x|, -inf the smallest, p is sum(|x|^p)^(1/p). A matrix: as
/// matrix_norm. The derivative at a vector of zeros and that of an element 0 is 0. Throws ShapeError for no axis or
/// more than two, ValueError for an order that matrices do not have.
Tensor norm(const Arg& x, double order, Axes axes = {}, bool keepdims = false);
/// The same by name: "fro" or "nuc", as matrix_norm.
Tensor norm(const Arg& x, std::string_view order, Axes axes = {}, bool keepdims = false);
/// norm of an order over any number of axes, taken together as one vector (NumPy's linalg.vector_norm).
Tensor vector_norm(const Arg& x, Axes axes = {}, bool keepdims = false, double order = 2);

/// Reductions that leave out NaN. Of a slice without numbers nansum is 0, nanprod 1, the others are NaN; for integers
/// they are the plain ones. NaN gets the gradient 0. nanmax and nanmin throw ShapeError if a folded axis has length 0.
Tensor nansum(const Arg& x, Axes axes = {}, bool keepdims = false);
Tensor nanprod(const Arg& x, Axes axes = {}, bool keepdims = false);
Tensor nanmean(const Arg& x, Axes axes = {}, bool keepdims = false);
Tensor nanvar(const Arg& x, Axes axes = {}, bool keepdims = false, int ddof = 0);
Tensor nanstd(const Arg& x, Axes axes = {}, bool keepdims = false, int ddof = 0);
Tensor nanmax(const Arg& x, Axes axes = {}, bool keepdims = false);
Tensor nanmin(const Arg& x, Axes axes = {}, bool keepdims = false);

/// The q-quantile over axes: the value below which a share q of the sorted elements lies, 0 <= q <= 1. `method` is one
/// of NumPy's: "linear" (place (n-1) q, between neighbours in proportion), "lower", "higher", "nearest", "midpoint",
/// "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
/// "median_unbiased", "normal_unbiased". Integers become float32; NaN if any element is. The gradient goes to the one
/// or two elements it lies between; of equal ones to those that come first. Throws ValueError for another q or method
/// and ShapeError for no elements.
Tensor quantile(const Arg& x, double q, Axes axes = {}, bool keepdims = false, std::string_view method = "linear");
/// One quantile for each q, along a new first axis.
Tensor quantile(const Arg& x, std::initializer_list<double> q, Axes axes = {}, bool keepdims = false,
                std::string_view method = "linear");
/// quantile with q from 0 to 100.
Tensor percentile(const Arg& x, double q, Axes axes = {}, bool keepdims = false, std::string_view method = "linear");
Tensor percentile(const Arg& x, std::initializer_list<double> q, Axes axes = {}, bool keepdims = false,
                  std::string_view method = "linear");
/// The middle of the sorted elements over axes, the mean of the two middle ones of an even number (NumPy's; PyTorch's
/// is the lower of the two). Otherwise as quantile.
Tensor median(const Arg& x, Axes axes = {}, bool keepdims = false);

/// Quantiles that leave out NaN; NaN of a slice without numbers. NaN gets the gradient 0. Otherwise as quantile,
/// percentile and median.
Tensor nanquantile(const Arg& x, double q, Axes axes = {}, bool keepdims = false, std::string_view method = "linear");
Tensor nanquantile(const Arg& x, std::initializer_list<double> q, Axes axes = {}, bool keepdims = false,
                   std::string_view method = "linear");
Tensor nanpercentile(const Arg& x, double q, Axes axes = {}, bool keepdims = false,
                     std::string_view method = "linear");
Tensor nanpercentile(const Arg& x, std::initializer_list<double> q, Axes axes = {}, bool keepdims = false,
                     std::string_view method = "linear");
Tensor nanmedian(const Arg& x, Axes axes = {}, bool keepdims = false);

}  // namespace xgrad
