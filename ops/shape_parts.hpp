#pragma once
/// Pieces that shape functions, scans and reductions are made of. Internal to ops/.

#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/pool.hpp>

#include <algorithm>

namespace xgrad {

/// x, with integers and bool as float32.
Tensor real(const Arg& x);

/// The axis counted from the end, as attributes hold it (-1 is the last); throws ShapeError if there is no such axis.
int from_end(int axis, const Tensor& x, const char* name, const Location& where);

/// An array of (outer, count, inner) around an axis counted from the end.
struct Sides {
  std::int64_t outer = 1, count = 1, inner = 1;
};
Sides sides_of(const Shape& shape, std::int64_t axis);

/// Calls f(0) ... f(count - 1) for slices of so many bytes, on the pool if there are many.
template <class F>
void for_slices(std::int64_t count, std::size_t bytes, F&& f) {
  const std::int64_t together = std::max<std::int64_t>(1, (256 << 10) / static_cast<std::int64_t>(bytes + 1));
  kernels::parallel((count + together - 1) / together, [&](std::int64_t chunk) {
    for (std::int64_t i = chunk * together; i < std::min(count, (chunk + 1) * together); ++i)
      f(static_cast<std::size_t>(i));
  });
}

/// `number` adjacent axes as one, whose length is their product; `last`, counted from the end, is the last of them.
Tensor merge_axes(const Arg& x, int last, int number);
/// x without the axes of a mask counted from the end, which have length 1.
Tensor squeeze_axes(const Arg& x, std::uint32_t mask);
/// An axis of length 1, counted from the end, repeated.
Tensor widen_axis(const Arg& x, int axis, std::int64_t times);
/// One of so many sections of an axis, counted from the end, as array_split makes them.
Tensor section(const Arg& x, int axis, std::int64_t which, std::int64_t sections);
/// 0 ... n-1 (int64) along an axis of `like`, counted from the end, in the shape (n, 1, ..., 1) that broadcasts there.
Tensor positions(const Arg& like, int axis);

/// `count` numbers: start, start + step, ...; the last one is `stop` if `ends`, and the step then follows from that.
/// Computed in double. float32, float64 or int64, whole numbers from 0 in steps of 1 if that.
struct Progression {
  double start = 0, step = 1, stop = 0;
  bool ends = false;
};
Tensor progression(const char* name, std::int64_t count, Progression numbers, DType dtype, const Location& where);

/// (rows, columns): 1 on the k-th diagonal, else 0.
Tensor ones_on_diagonal(std::int64_t rows, std::int64_t columns, std::int64_t k, DType dtype);

/// What stands before the first element of a shifted axis.
enum class Fill : std::uint8_t { zero, one, minus_infinity };
/// x one step later along an axis counted from the end, with a fill at the first place; `back`: one step earlier, with
/// the fill at the last. The last (first) element falls out.
Tensor shift_axis(const Arg& x, int axis, bool back, Fill fill = Fill::zero);

}  // namespace xgrad
