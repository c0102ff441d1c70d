#pragma once
/// The few operations the graph itself needs: arithmetic, sum, broadcasting, reshaping, casting and constants.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// Axes of a reduction: one, several, or (the default) all. Negative axes count from the end.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : count_(1), axes_{axis} {}
  Axes(std::initializer_list<int> axes);  ///< throws ShapeError for more than 8
  static Axes none();                     ///< no axis: the reduction keeps everything

  bool all() const { return count_ < 0; }
  const int* begin() const { return axes_; }
  const int* end() const { return axes_ + (count_ < 0 ? 0 : count_); }

 private:
  int count_ = -1;
  int axes_[max_rank] = {};
};

/// Elementwise arithmetic with NumPy's broadcasting. Mixed dtypes promote to the larger of
/// bool < uint8 < int32 < int64 < float32 < float64; C++ numbers are weak. Integers wrap.
Tensor add(const Arg& a, const Arg& b);
Tensor subtract(const Arg& a, const Arg& b);
Tensor multiply(const Arg& a, const Arg& b);
/// a / b; integers and bool divide as float32 (float64 if the other side is).
Tensor divide(const Arg& a, const Arg& b);
/// -x
Tensor negative(const Arg& x);

inline Tensor operator+(const Arg& a, const Arg& b) { return add(a, b); }
inline Tensor operator-(const Arg& a, const Arg& b) { return subtract(a, b); }
inline Tensor operator*(const Arg& a, const Arg& b) { return multiply(a, b); }
inline Tensor operator/(const Arg& a, const Arg& b) { return divide(a, b); }
inline Tensor operator-(const Arg& x) { return negative(x); }
inline Tensor& operator+=(Tensor& a, const Arg& b) { return a = add(a, b); }
inline Tensor& operator-=(Tensor& a, const Arg& b) { return a = subtract(a, b); }
inline Tensor& operator*=(Tensor& a, const Arg& b) { return a = multiply(a, b); }
inline Tensor& operator/=(Tensor& a, const Arg& b) { return a = divide(a, b); }

/// Sum over `axes`; with keepdims they stay with length 1. Pairwise over blocks of 512 along the last axis, so the
/// error grows with log n. The sum of integers and bool is int64, as
/// NumPy's; floats keep their dtype. An empty sum is 0.
Tensor sum(const Arg& x, Axes axes = {}, bool keepdims = false);

/// x repeated along new leading axes and axes of length 1. Throws ShapeError if the shapes do not fit.
Tensor broadcast_to(const Arg& x, const Shape& shape);
/// x broadcast to the shape of `like`, whatever that is when the graph is recorded again.
Tensor broadcast_like(const Arg& x, const Arg& like);
/// x summed over the axes along which it was broadcast from the shape of `like`: the reverse of broadcast_like.
Tensor sum_like(const Arg& x, const Arg& like);

/// The same elements in row-major order under another shape; one length may be -1. Throws ShapeError if sizes differ.
Tensor reshape(const Arg& x, std::initializer_list<std::int64_t> lengths);
Tensor reshape(const Arg& x, const Shape& shape);
/// x under the shape of `like`.
Tensor reshape_like(const Arg& x, const Arg& like);

/// x converted to another element type, as static_cast does; floats to integers saturate and NaN becomes 0.
Tensor cast(const Arg& x, DType dtype);

/// A tensor with every element `value`.
Tensor full(const Shape& shape, double value, TensorOptions options = {});
Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor zeros_like(const Arg& x);
Tensor ones_like(const Arg& x);

/// How many elements of x a reduction over `axes` folds into one, as a scalar of x's dtype (float32 for integers). It
/// follows x's shape when the graph is recorded again, which a C++ number would not.
Tensor count(const Arg& x, Axes axes = {});

}  // namespace xgrad
