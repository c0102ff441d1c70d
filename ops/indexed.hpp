#pragma once
// Internal to ops/.
/// What operations with indices share: checks and messages.

#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/indexing.hpp>
#include <xgrad/ops/shape_parts.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace xgrad {

inline std::string written(const View& view, std::int64_t place) {
  return with_dtype(view.dtype, [&]<class T>(T) {
    const T value = static_cast<const T*>(view.data)[place];
    if constexpr (std::is_floating_point_v<T>) {
      return std::to_string(value);
    } else {
      return std::to_string(static_cast<std::int64_t>(value));
    }
  });
}

/// "(2, 0)": the place of an element in its tensor.
inline std::string position(const Shape& shape, std::int64_t place) {
  Shape at = shape;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    at.set(i, place % shape[i]);
    place /= shape[i];
  }
  return to_string(at);
}

inline void check_indices(const Launch& launch, const View& indices, std::int64_t count) {
  const std::int64_t bad = kernels::find_bad_index(indices.dtype, indices.data, indices.shape.size(), count, true);
  if (bad < 0) return;
  const std::string range = count == 0 ? "no index, for the axis is empty"
                                       : "indices from " + std::to_string(-count) + " to " + std::to_string(count - 1);
  launch.fail("expected " + range + ", got " + written(indices, bad) + " at position " + position(indices.shape, bad));
}

inline void check_index_type(const Recording& call, int k) {
  if (is_floating(call.dtype(k)) || call.dtype(k) == bool_) call.dtype_error("expected indices of an integer dtype");
}

/// Values that take their place among those of x: broadcast to `shape_of`, in x's dtype. Throws DTypeError if that
/// cannot hold them.
[[nodiscard]] Tensor placed_values(const char* name, const Tensor& x, const Arg& values, const Tensor& shape_of);

/// 0, 1, 2, ... in the shape of a tensor, whatever that is when the graph is recorded again: each element's number.
[[nodiscard]] Tensor element_numbers(const Tensor& like);

/// segment_sum, with other names in messages.
[[nodiscard]] Tensor counted_by(const Tensor& weights, const Tensor& ids, std::int64_t count, const char* name,
                                std::string_view what);

/// The places of the elements that are not zero, in row-major order. Computes x.
std::vector<std::int64_t> nonzero_places(const Tensor& x);

/// A computed tensor, for rows of samples whose errors show only then.
[[nodiscard]] inline Tensor evaluated(const Tensor& x) { return x.eval(); }

}  // namespace xgrad
