#pragma once
/// Opt-in: to and from xtensor's containers. Needs libxtensor-dev where it is included; xgrad.hpp does not include it.

#include <xgrad/graph/op.hpp>

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>

#include <concepts>
#include <string>

namespace xgrad {

namespace xtensor_bridge {

template <class T>
inline constexpr bool has_dtype = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> ||
                                  std::same_as<T, std::int64_t> || std::same_as<T, std::uint8_t> ||
                                  std::same_as<T, bool>;

/// A container or an adaptor: it has memory of its own kind, not a view into another one's.
template <class E>
concept Container = std::derived_from<E, xt::xcontainer<E>>;

template <class E>
Shape shape_of(const E& x) {
  Shape shape;
  for (const auto length : x.shape()) shape.append(static_cast<std::int64_t>(length));
  return shape;
}

/// Whether the elements stand one behind the other in row-major order.
template <class E>
bool row_major(const E& x) {
  std::int64_t step = 1;
  for (std::size_t i = x.dimension(); i-- > 0;) {
    if (x.shape()[i] != 1 && x.strides()[i] != step && x.size() > 0) return false;
    step *= static_cast<std::int64_t>(x.shape()[i]);
  }
  return true;
}

template <class T>
void check_dtype(DType dtype, const char* name) {
  static_assert(has_dtype<std::remove_const_t<T>>, "expected float, double, int32, int64, uint8 or bool");
  if (dtype != dtype_of<std::remove_const_t<T>>)
    throw DTypeError(std::string("[") + name + "] expected " + name_of(dtype_of<std::remove_const_t<T>>) + ", got " +
                     name_of(dtype));
}

inline std::vector<std::size_t> lengths_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace xtensor_bridge

/// A tensor with a copy of an xtensor expression's elements, whatever its layout. The dtype is that of its value type.
/// Throws ShapeError for more than 8 axes.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression,
                    TensorOptions options = {.dtype = dtype_of<typename E::value_type>}) {
  using T = typename E::value_type;
  static_assert(xtensor_bridge::has_dtype<T>, "from_xtensor: expected float, double, int32, int64, uint8 or bool");
  const E& x = expression.derived_cast();
  const Shape shape = xtensor_bridge::shape_of(x);
  if constexpr (xtensor_bridge::Container<E>) {
    if (xtensor_bridge::row_major(x)) return tensor(std::span<const T>(x.data(), x.size()), shape, options);
  }
  const xt::xarray<T, xt::layout_type::row_major> copy = x;
  return tensor(std::span<const T>(copy.data(), copy.size()), shape, options);
}

/// A tensor over a container's own memory, without copying: the container must stay alive and unchanged as long as any
/// tensor made from it lives. Throws ValueError unless its elements stand in row-major order (from_xtensor copies any).
template <xtensor_bridge::Container E>
Tensor borrow_xtensor(const E& container) {
  using T = std::remove_const_t<typename E::value_type>;
  static_assert(xtensor_bridge::has_dtype<T>, "borrow_xtensor: expected float, double, int32, int64, uint8 or bool");
  if (!xtensor_bridge::row_major(container))
    throw ValueError("[borrow_xtensor] expected elements in row-major order, got another layout: from_xtensor copies");
  return borrow(container.data(), xtensor_bridge::shape_of(container), dtype_of<T>);
}
template <xtensor_bridge::Container E>
Tensor borrow_xtensor(const E&& container) = delete;

/// The values in a container of their own, computed if need be. T must be the dtype's C++ type (DTypeError).
template <class T>
xt::xarray<T> to_xarray(const Tensor& x) {
  xtensor_bridge::check_dtype<T>(x.dtype(), "to_xarray");
  const std::span<const T> values = x.data<T>();
  xt::xarray<T> result(xtensor_bridge::lengths_of(x.shape()));
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}
/// The same for a known number of axes (ShapeError if there are more or fewer).
template <class T, std::size_t rank>
xt::xtensor<T, rank> to_xtensor(const Tensor& x) {
  xtensor_bridge::check_dtype<T>(x.dtype(), "to_xtensor");
  if (x.rank() != static_cast<int>(rank))
    throw ShapeError("[to_xtensor] expected " + std::to_string(rank) + " axes, got " + to_string(x.shape()));
  const std::span<const T> values = x.data<T>();
  std::array<std::size_t, rank> lengths;
  for (std::size_t i = 0; i < rank; ++i) lengths[i] = static_cast<std::size_t>(x.shape()[static_cast<int>(i)]);
  xt::xtensor<T, rank> result(lengths);
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

/// xtensor's view of a tensor's values, without copying: valid as long as a handle to the tensor lives. Computed if
/// need be; T must be the dtype's C++ type (DTypeError).
template <class T>
auto xtensor_view(const Tensor& x) {
  xtensor_bridge::check_dtype<T>(x.dtype(), "xtensor_view");
  const std::span<const T> values = x.data<T>();
  return xt::adapt(values.data(), values.size(), xt::no_ownership(), xtensor_bridge::lengths_of(x.shape()));
}
template <class T>
auto xtensor_view(const Tensor&& x) = delete;

/// xtensor's view of an array that a custom operation is given: xtensor_view<const double>(in[0]) to read,
/// xtensor_view<double>(out) to write.
template <class T>
auto xtensor_view(const View& view) {
  xtensor_bridge::check_dtype<T>(view.dtype, "xtensor_view");
  return xt::adapt(static_cast<T*>(view.data), static_cast<std::size_t>(view.shape.size()), xt::no_ownership(),
                   xtensor_bridge::lengths_of(view.shape));
}

}  // namespace xgrad
