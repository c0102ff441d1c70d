#pragma once
/// Places of elements: index tuples, grids and triangles, as int64.

#include <xgrad/graph/basic.hpp>

#include <vector>

namespace xgrad {

/// The shape that these broadcast to. Throws ShapeError if there is none.
Shape broadcast_shapes(std::initializer_list<Shape> shapes, Location where = Location::current());

/// For each axis of a tensor of this shape the index of each element along it, in that shape: NumPy's indices, as a
/// list.
std::vector<Tensor> indices(const Shape& shape);
/// Vectors of places along axes, each in a shape of its own axis: together they broadcast to the grid they span. What
/// is of bool stands for the places where it is true, for which it is computed at this call.
std::vector<Tensor> ix_(std::initializer_list<Arg> places);

/// The place in a tensor of `shape`, read as a vector, of the elements at these indices, one tensor an axis, which
/// broadcast together: sum of index times stride. An index out of range is an error when values are computed.
Tensor ravel_multi_index(std::span<const Tensor> indices, const Shape& shape, Location where = Location::current());
/// The index along each axis of the element at a place: the reverse of ravel_multi_index. A place out of range is an
/// error when values are computed.
std::vector<Tensor> unravel_index(const Arg& places, const Shape& shape);

/// The indices of the diagonal of a tensor of `rank` axes of length n.
std::vector<Tensor> diag_indices(std::int64_t n, int rank = 2);
/// The same for a tensor whose axes are equally long (ShapeError) and two or more.
std::vector<Tensor> diag_indices_from(const Arg& x);
/// Rows and columns of the elements of a matrix (n, columns) on and below its k-th diagonal, row by row; columns < 0
/// means n.
std::vector<Tensor> tril_indices(std::int64_t n, std::int64_t k = 0, std::int64_t columns = -1);
/// The same for the shape of a matrix.
std::vector<Tensor> tril_indices_from(const Arg& x, std::int64_t k = 0);
/// Rows and columns of the elements on and above the k-th diagonal.
std::vector<Tensor> triu_indices(std::int64_t n, std::int64_t k = 0, std::int64_t columns = -1);
/// The same for the shape of a matrix.
std::vector<Tensor> triu_indices_from(const Arg& x, std::int64_t k = 0);

}  // namespace xgrad
