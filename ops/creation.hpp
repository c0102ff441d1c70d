#pragma once
/// Tensors made from numbers and shapes.

#include <xgrad/graph/basic.hpp>

#include <vector>

namespace xgrad {

/// `number` values evenly spaced from start to stop; without `endpoint`, stop is left out. Integer dtypes round down.
/// Throws ValueError for a negative number.
Tensor linspace(double start, double stop, std::int64_t number = 50, bool endpoint = true, TensorOptions options = {},
                Location where = Location::current());
/// base^y for y in linspace(start, stop, ...).
Tensor logspace(double start, double stop, std::int64_t number = 50, bool endpoint = true, double base = 10,
                TensorOptions options = {}, Location where = Location::current());
/// Values from start to stop whose ratios are equal. Throws ValueError where start or stop is 0 or their signs differ.
Tensor geomspace(double start, double stop, std::int64_t number = 50, bool endpoint = true, TensorOptions options = {},
                 Location where = Location::current());

/// (rows, columns): 1 on the k-th diagonal, else 0; columns < 0 means as many as rows.
Tensor eye(std::int64_t rows, std::int64_t columns = -1, std::int64_t k = 0, TensorOptions options = {});
/// eye(n)
Tensor identity(std::int64_t n, TensorOptions options = {});
/// (rows, columns): 1 on and below the k-th diagonal, else 0; columns < 0 means as many as rows.
Tensor tri(std::int64_t rows, std::int64_t columns = -1, std::int64_t k = 0, TensorOptions options = {});

/// `value`, converted to x's dtype, repeated in the shape of x. Differentiable in the value.
Tensor full_like(const Arg& x, const Arg& value);

/// Grids of the coordinates x0, x1, ... (vectors or scalars), each of shape (n1, n0, n2, ...) with indexing "xy" and
/// (n0, n1, n2, ...) with "ij". Throws ShapeError for more axes than one, ValueError for another indexing.
std::vector<Tensor> meshgrid(std::span<const Tensor> coordinates, std::string_view indexing = "xy",
                             Location where = Location::current());
std::vector<Tensor> meshgrid(std::initializer_list<Arg> coordinates, std::string_view indexing = "xy");

}  // namespace xgrad
