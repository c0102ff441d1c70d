// The cases of tests/reference/make_indexing_values.py: what NumPy and PyTorch computed in float64.

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;

template <int axis>
Tensor take_squares(In x) {
  return take(square(x[0]), x[1], axis);
}
template <int axis>
Tensor along(In x) {
  return take_along_axis(sin(x[0]), x[1], axis);
}
template <int axis>
Tensor put(In x) {
  return put_along_axis(square(x[0]), x[1], pow(x[2], 3), axis);
}
template <int axis>
Tensor compressed(In x) {
  return compress(x[0], x[1], axis);
}
template <int axis>
Tensor sorted(In x) {
  return sort(x[0], axis);
}
template <int axis>
Tensor sorted_cubes(In x) {
  return sort(pow(x[0], 3), axis);
}
template <int axis>
Tensor order(In x) {
  return argsort(x[0], axis);
}
template <int axis>
Tensor descending_order(In x) {
  return argsort(x[0], axis, true);
}
template <int axis>
Tensor top_3(In x) {
  return top_k(pow(x[0], 3), 3, axis).values;
}
template <int axis>
Tensor top_3_indices(In x) {
  return top_k(x[0], 3, axis).indices;
}
template <int minlength>
Tensor counted(In x) {
  return bincount(x[0], minlength);
}
template <int minlength>
Tensor weighed(In x) {
  return bincount(x[0], x[1], minlength);
}

HistogramOptions uneven() { return {.edges = tensor({-1, -0.25, 0.5, 2}, {.dtype = float64})}; }

}  // namespace

TEST_CASE("taking, scattering and masks agree with NumPy and PyTorch") {
  reference::check_reference("indexing_values.json", {
      {"take_squares_0", take_squares<0>},
      {"take_squares_1", take_squares<1>},
      {"take_squares_2", take_squares<-1>},
      {"take_along_axis_0", along<0>},
      {"take_along_axis_1", along<1>},
      {"take_along_axis_2", along<-1>},
      {"put_along_axis_0", put<0>},
      {"put_along_axis_1", put<1>},
      {"put_along_axis_2", put<-1>},
      {"put_along_axis_meeting", [](In x) { return put_along_axis(x[0], x[1], x[2], 0); }},
      {"gather_nd", [](In x) { return gather_nd(exp(x[0]), x[1]); }},
      {"gather_nd_batch", [](In x) { return gather_nd(exp(x[0]), x[1], 1); }},
      {"scatter", [](In x) { return scatter(x[0], square(x[1]), x[2].shape()) + x[2] * 0; }},
      {"scatter_update", [](In x) { return scatter_update(sin(x[0]), x[1], square(x[2])); }},
      {"scatter_add", [](In x) { return scatter_add(sin(x[0]), x[1], square(x[2])); }},
      {"scatter_multiply", [](In x) { return scatter_multiply(square(x[0]), x[1], x[2]); }},
      {"scatter_multiply_zero", [](In x) { return scatter_multiply(x[0], x[1], x[2]); }},
      {"scatter_max", [](In x) { return scatter_max(square(x[0]), x[1], x[2]); }},
      {"scatter_min", [](In x) { return scatter_min(square(x[0]), x[1], x[2]); }},
      {"segment_sum", [](In x) { return segment_sum(square(x[0]), x[1], 4); }},
      {"segment_sum_integers", [](In x) { return segment_sum(x[0], x[1]); }},
      {"segment_max", [](In x) { return maximum(segment_max(square(x[0]), x[1], 4), -9); }},
      {"boolean_mask", [](In x) { return boolean_mask(pow(x[0], 3), x[1]); }},
      {"compress_0", compressed<0>},
      {"compress_1", compressed<1>},
      {"extract", [](In x) { return extract(x[0], x[1]); }},
      {"flatnonzero", [](In x) { return flatnonzero(x[0]); }},
      {"argwhere", [](In x) { return argwhere(x[0]); }},
      {"choose", [](In x) { return choose(x[0], x.subspan(1)); }},
      {"choose_clip", [](In x) { return choose(x[0], x.subspan(1), Outside::clip); }},
      {"select", [](In x) { return select(x.first(2), x.subspan(2), 7.5); }},
      {"sort_0", sorted<0>},
      {"sort_1", sorted<1>},
      {"sort_cubes_0", sorted_cubes<0>},
      {"sort_cubes_1", sorted_cubes<1>},
      {"argsort_0", order<0>},
      {"argsort_1", order<1>},
      {"argsort_descending_0", descending_order<0>},
      {"argsort_descending_1", descending_order<1>},
      {"top_3_0", top_3<0>},
      {"top_3_1", top_3<1>},
      {"top_3_indices_0", top_3_indices<0>},
      {"top_3_indices_1", top_3_indices<1>},
      {"searchsorted_left", [](In x) { return searchsorted(x[0], x[1]); }},
      {"searchsorted_right", [](In x) { return searchsorted(x[0], x[1], Side::right); }},
      {"digitize_left", [](In x) { return digitize(x[0], x[1]); }},
      {"digitize_right", [](In x) { return digitize(x[0], x[1], true); }},
      {"isin", [](In x) { return isin(x[0], x[1]); }},
      {"unique_values", [](In x) { return unique(x[0]).values; }},
      {"unique_index", [](In x) { return unique(x[0]).index; }},
      {"unique_inverse", [](In x) { return unique(x[0]).inverse; }},
      {"unique_counts", [](In x) { return unique(x[0]).counts; }},
      {"bincount_0", counted<0>},
      {"bincount_2", counted<2>},
      {"bincount_6", counted<6>},
      {"bincount_weights_0", weighed<0>},
      {"bincount_weights_2", weighed<2>},
      {"bincount_weights_6", weighed<6>},
      {"histogram_10", [](In x) { return histogram(x[0]).counts; }},
      {"histogram_edges_10", [](In x) { return histogram(x[0]).edges; }},
      {"histogram_range", [](In x) { return histogram(x[0], {.bins = 4, .low = -1, .high = 1}).counts; }},
      {"histogram_uneven", [](In x) { return histogram(x[0], uneven()).counts; }},
      {"histogram_density",
       [](In x) { return histogram(x[0], {.bins = 5, .weights = x[1], .density = true}).counts; }},
  });
}
