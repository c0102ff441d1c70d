#pragma once
/// Products of vectors, matrices and tensors. Mixed dtypes promote to the larger, integers wrap, bool is "or" of "and";
/// all products are differentiable in each operand, any number of times.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// a @ b as NumPy's matmul: (..., m, k) x (..., k, n) -> (..., m, n), leading axes broadcast; a vector on the left is a
/// row, on the right a column, and its axis is dropped from the result. Throws ShapeError for scalars and unequal k.
Tensor matmul(const Arg& a, const Arg& b);
/// Matrices times vectors: (..., m, k) x (..., k) -> (..., m), leading axes broadcast.
Tensor matvec(const Arg& a, const Arg& x);
/// Vectors times matrices: (..., k) x (..., k, n) -> (..., n), leading axes broadcast.
Tensor vecmat(const Arg& x, const Arg& a);
/// Sums of products along one axis: (..., n) x (..., n) -> (...), leading axes broadcast.
Tensor vecdot(const Arg& a, const Arg& b, int axis = -1);

/// NumPy's dot: the product of scalars with anything, else the sum over the last axis of a and the only or second to
/// last axis of b: (i, j) x (k, j, l) -> (i, k, l). Unlike matmul, other axes are not paired.
Tensor dot(const Arg& a, const Arg& b);
/// The sum of products of all elements, in row-major order; the numbers of elements must agree (ShapeError).
Tensor vdot(const Arg& a, const Arg& b);
/// The sum over the last axes: (i, j) x (k, j) -> (i, k); with a scalar the product.
Tensor inner(const Arg& a, const Arg& b);
/// Every element of a times every element of b, both in row-major order: (a.size(), b.size()).
Tensor outer(const Arg& a, const Arg& b);
/// The sum over the last `axes` axes of a and the first `axes` of b, in order; 0 axes give all products. Other axes of
/// a come first. Throws ShapeError if there are not so many or their lengths differ.
Tensor tensordot(const Arg& a, const Arg& b, int axes = 2);
/// The same over axes axes_a[i] of a and axes_b[i] of b.
Tensor tensordot(const Arg& a, const Arg& b, std::initializer_list<int> axes_a, std::initializer_list<int> axes_b);
/// Blocks a[i] * b: shape (a0 b0, a1 b1, ...); the tensor with fewer axes gets leading ones.
Tensor kron(const Arg& a, const Arg& b);
/// The vector product along an axis of length 3, other axes broadcast. Two components stand for a third that is 0; from
/// two and two the result is the third component alone.
Tensor cross(const Arg& a, const Arg& b, int axis = -1);
/// Powers along a new last axis: x^(n-1), ..., x, 1, or the other way round; n = -1 means as many as the last axis of x
/// has elements. Integers stay integers. Powers are taken one by one (NumPy multiplies up), 0^0 is 1.
Tensor vander(const Arg& x, std::int64_t n = -1, bool increasing = false);
/// The product of all matrices, in the order that takes the fewest multiplications; the first and the last may be
/// vectors, as in matmul.
Tensor multi_dot(std::initializer_list<Arg> tensors);
Tensor multi_dot(std::span<const Tensor> tensors, Location where = Location::current());

/// How much of a convolution is returned.
enum class Overlap : std::uint8_t {
  full,   ///< wherever the two overlap at all: a.size() + v.size() - 1 elements
  same,   ///< as many as the longer has, from the middle
  valid,  ///< where the shorter lies inside the longer
};
/// The convolution of two vectors: result[n] = sum over k of a[n - k] v[k]. Neither may be empty (ShapeError).
Tensor convolve(const Arg& a, const Arg& v, Overlap mode = Overlap::full);
/// The cross-correlation of two vectors, result[n] = sum over k of a[n + k] v[k]: convolve(a, flipped v).
Tensor correlate(const Arg& a, const Arg& v, Overlap mode = Overlap::valid);

}  // namespace xgrad
