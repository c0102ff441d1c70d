#pragma once
/// Scaling numbers and encoding classes before training.

#include <xgrad/graph/tensor.hpp>

namespace xgrad::data {

/// Gives every column mean 0 and standard deviation 1. A column is a position on the last axis; of a tensor with one
/// axis, all of it. Mean and deviation are found in float64 and kept in x's float type (float32 for integers). NaN in a
/// column makes that column NaN.
class Standardizer {
 public:
  /// Learns mean and deviation (over rows, divided by n). Throws ShapeError for a scalar, ValueError if there are no
  /// rows.
  Standardizer& fit(const Tensor& x);
  /// (x - mean) / max(deviation, 1e-7), as Keras's Normalization. Throws ValueError before fit, ShapeError for another
  /// number of columns.
  Tensor transform(const Tensor& x) const;
  Tensor fit_transform(const Tensor& x) { return fit(x).transform(x); }
  /// z * max(deviation, 1e-7) + mean: takes transform back.
  Tensor inverse(const Tensor& z) const;

  const Tensor& mean() const { return mean_; }            ///< (columns,), or () for one axis
  const Tensor& deviation() const { return deviation_; }  ///< as mean(), before the guard against 0

 private:
  void check(const char* what, const Tensor& x) const;
  Tensor mean_, deviation_, scale_;
};

/// Class numbers as rows with a single 1: (...) -> (..., classes); a last axis of length 1 is dropped first, as in
/// Keras. Labels are integers, or floats that are whole. `classes` = 0 stands for the largest label + 1.
/// Throws ValueError naming the first label that is no whole number or not in 0 ... classes-1.
Tensor to_categorical(const Tensor& labels, std::int64_t classes = 0, DType dtype = float32);

/// x / norm along an axis, norm = (sum |x|^order)^(1/order), or the largest |x| for infinite order; where the norm is
/// 0, x stays. Throws ValueError unless order > 0.
Tensor normalize(const Tensor& x, int axis = -1, double order = 2);

}  // namespace xgrad::data

namespace xgrad {
using data::to_categorical;
}
