#pragma once
/// Statistics of several variables, distances, and functions of samples along an axis.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

struct CovarianceOptions {
  bool rowvar = true;    ///< variables are rows and observations columns, else the other way round
  bool bias = false;     ///< divide by the number of observations n instead of n - 1
  int ddof = -1;         ///< divide by n - ddof, whatever `bias` says; -1: not given
  Tensor fweights = {};  ///< how often each observation counts: whole numbers, a vector
  Tensor aweights = {};  ///< how much each observation weighs: a vector
};
/// The covariances of the variables in a matrix, or of the one in a vector (a scalar): sums of (x_i - mean)(x_j - mean)
/// over observations, divided as NumPy's cov does. Integers become float32. Throws ShapeError for more than two axes
/// and weights that do not fit.
Tensor cov(const Arg& x, const CovarianceOptions& options = {});
/// The same of the variables of x and those of y, which have as many observations.
Tensor cov(const Arg& x, const Tensor& y, const CovarianceOptions& options = {});
/// Correlation coefficients: covariances divided by both standard deviations, limited to [-1, 1]. NaN for a variable
/// that does not vary.
Tensor corrcoef(const Arg& x, bool rowvar = true);
Tensor corrcoef(const Arg& x, const Tensor& y, bool rowvar = true);

struct Moments {
  Tensor mean, variance;
};
/// mean and var over axes (Keras's moments).
Moments moments(const Arg& x, Axes axes = {}, bool keepdims = false);
/// x / max(norm of x along an axis, epsilon), Keras's: for order 2 the inverse norm is limited to 1 / epsilon.
Tensor normalize(const Arg& x, int axis = -1, double order = 2, double epsilon = 1e-12);
/// The ratio of the largest possible value to the mean square of a - b, in decibels: 20 log10(largest) - 10 log10(mse).
Tensor psnr(const Arg& a, const Arg& b, double largest);
/// Euclidean distances of each of (..., m, d) from each of (..., n, d): (..., m, n). The derivative at equal points is
/// 0.
Tensor cdist(const Arg& x, const Arg& y);

/// The area under samples by trapezoids, `dx` apart along an axis: sum of dx (y_k + y_(k+1)) / 2.
Tensor trapezoid(const Arg& y, double dx = 1, int axis = -1);
/// The same for samples at the places x: a vector along the axis, or as many axes as y.
Tensor trapezoid(const Arg& y, const Tensor& x, int axis = -1);

/// Slopes along an axis by central differences, second order inside and of order `edge_order` (1 or 2) at both ends,
/// of samples `spacing` apart. Integers become float32. Throws ShapeError for fewer than edge_order + 1 samples.
Tensor gradient(const Arg& y, double spacing = 1, int axis = -1, int edge_order = 1);
/// The same for samples at the places x, a vector: differences weighed so that parabolas have exact slopes inside.
Tensor gradient(const Arg& y, const Tensor& x, int axis = -1, int edge_order = 1);

/// What interp does outside.
struct InterpOptions {
  Tensor left = {};   ///< below the first place; the first value if undefined
  Tensor right = {};  ///< above the last place; the last value if undefined
  double period = 0;  ///< places and x count modulo this if it is not 0
};
/// The piecewise linear function through (places_k, values_k) at x, any shape; places are an ascending vector (any
/// order with a period). At a place its value, NaN for NaN. Derivatives by x (0 outside), places and values.
Tensor interp(const Arg& x, const Arg& places, const Arg& values, const InterpOptions& options = {});

/// x with multiples of `period` added from where neighbours along an axis differ by more than `discont` (at least half
/// the period, the default), so that they differ by no more than half the period. The derivative is 1.
Tensor unwrap(const Arg& x, double discont = 0, int axis = -1, double period = 6.283185307179586);
/// Differences of neighbours of x read as a vector, with `begin` before and `end` behind them.
Tensor ediff1d(const Arg& x, const Tensor& end = {}, const Tensor& begin = {});

}  // namespace xgrad
