// The rows of ops/scatter.hpp.

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

SampleInput index(const Shape& shape, std::vector<double> values) {
  return {.shape = shape, .dtype = int64, .values = std::move(values)};
}

/// (3, 2) by single indices with one twice, (2, 3) by pairs, slices of rank 2, an empty list, a number for all.
std::vector<Sample> updates_of_places() {
  return {{{{.shape = {3, 2}}, index({3, 1}, {2, 0, -1}), {.shape = {3, 2}}}},
          {{{.shape = {2, 3}}, index({2, 2, 2}, {0, 1, 1, 2, 1, 0, 0, -2}), {.shape = {2, 2}}}},
          {{{.shape = {2, 2, 2}}, index({1}, {1}), {.shape = {2, 2}}}},
          {{{.shape = {3, 2}, .broadcast = true}, index({2, 1}, {1, 2}), {.shape = {2}}}},
          {{{.shape = {3, 2}}, index({2, 1}, {1, 2}), {.shape = {}}}},
          {{{.shape = {3, 2}}, index({0, 1}, {}), {.shape = {0, 2}}}},
          {{{.shape = {3, 2}, .strided = true}, index({2, 1}, {1, 2}), {.shape = {2, 2}, .strided = true}}}};
}

/// Ids of one and two axes, a segment that stays empty.
std::vector<Sample> segments() {
  return {{{{.shape = {4, 2}}, index({4}, {0, 2, 0, 2})}},
          {{{.shape = {2, 2, 3}}, index({2, 2}, {0, 2, 2, 0})}},
          {{{.shape = {3, 2}, .broadcast = true}, index({3}, {2, 0, 2})}},
          {{{.shape = {0, 2}}, index({0}, {})}},
          {{{.shape = {3, 2}, .strided = true}, index({3}, {1, 1, 0})}}};
}

template <Tensor (*function)(const Arg&, const Arg&, const Arg&)>
Tensor call_three(std::span<const Tensor> in) {
  return function(in[0], in[1], in[2]);
}

Tensor pairs(const std::vector<double>& values) {
  return reshape(ints(values), {static_cast<std::int64_t>(values.size()) / 2, 2});
}
Tensor column(const std::vector<double>& values) { return reshape(ints(values), {-1, 1}); }

}  // namespace

Rows scatter_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan(""), inf = __builtin_inf();
  static const char* const no_scalar = "index tuples have an axis";
  static const std::vector<Row> rows = {
      {.name = "gather_nd",
       .call = [](In in) { return gather_nd(in[0], in[1], in[0].rank() > 3 ? 1 : 0); },
       .samples = {{{{.shape = {2, 3}}, index({3, 2}, {0, 1, 1, -1, 0, 1})}},
                   {{{.shape = {3, 2}}, index({2, 1}, {2, 2})}},
                   {{{.shape = {2, 3, 1, 2}}, index({2, 2, 1}, {0, 2, 1, 1})}},
                   {{{.shape = {3, 2}, .broadcast = true}, index({2}, {2, 0})}},
                   {{{.shape = {}}, index({0}, {})}},
                   {{{.shape = {3, 2}}, index({2, 0}, {})}},
                   {{{.shape = {3, 0}}, index({1, 1}, {0})}},
                   {{{.shape = {3, 2}, .strided = true}, index({2, 2}, {2, 0, 1, 1})}}},
       .special = {{[] { return gather_nd(tensor({{1, 2}, {3, 4}}), pairs({0, 0, 1, 1})); }, {1, 4}},
                   {[] { return gather_nd(tensor({{1, 2}, {3, 4}}), ints({-1})); }, {3, 4}},
                   {[] { return gather_nd(tensor({{1, 2}, {3, 4}}), column({1, 0}), 1); }, {2, 3}}},
       .errors = {{[] { return evaluated(gather_nd(zeros({2, 3}), pairs({0, 1, 1, 3}))); },
                   "[gather_nd] expected indices from -3 to 2 along axis 1, got 3 at position (1, 1)"},
                  {[] { return evaluated(gather_nd(zeros({0, 3}), pairs({0, 1}))); }, "the axis is empty"},
                  {[] { return gather_nd(zeros({2}), pairs({0, 1})); }, "index tuples of at most 1 numbers, not 2"},
                  {[] { return gather_nd(zeros({2}), 0); }, "expected indices of more than 0 axes"},
                  {[] { return gather_nd(zeros({2, 3}), column({0, 1, 1}), 1); }, "first 1 axes to agree"},
                  {[] { return gather_nd(zeros({2}), doubles({0})); }, "integer dtype"}}},
      {.name = "scatter",
       .call = [](In in) { return scatter(in[1], in[0], {3, 2}); },
       .samples = {{{{.shape = {4, 2}}, index({4, 1}, {2, 0, -1, 2})}},
                   {{{.shape = {3}}, index({3, 2}, {0, 1, 2, 1, 0, -1})}},
                   {{{.shape = {}}, index({2, 2}, {0, 1, 2, 1})}},
                   {{{.shape = {2, 2}, .broadcast = true}, index({2, 1}, {1, 1})}},
                   {{{.shape = {0, 2}}, index({0, 1}, {})}},
                   {{{.shape = {2, 2}, .strided = true}, index({2, 1}, {1, 0})}}},
       .special = {{[] { return scatter(column({1, 3, 1}), ints({5, 6, 7}), {4}); }, {0, 12, 0, 6}},
                   {[] { return scatter(column({0, 0}), tensor({200, 100}, {.dtype = uint8}), {1}); }, {44}}},
       .errors = {{[] { return evaluated(scatter(column({0, 4}), doubles({1, 2}), {4})); },
                   "[scatter] expected indices from -4 to 3 along axis 0, got 4 at position (1, 0)"},
                  {[] { return scatter(column({0, 1}), doubles({1, 2, 3}), {4}); }, "[scatter: broadcast_like]"}}},
      {.name = "scatter_update",
       .call = call_three<scatter_update>,
       .samples = updates_of_places(),
       .special = {{[] { return scatter_update(ints({1, 2, 3}), column({-1, 0, 2}), ints({7, 8, 9})); }, {8, 2, 9}},
                   {[] { return scatter_update(zeros({2, 2}), column({1}), 5); }, {0, 0, 5, 5}},
                   {[] { return scatter_update(doubles({1, -0.0}), column({0}), nan); }, {nan, -0.0}}},
       .errors = {{[] { return evaluated(scatter_update(zeros({2}), column({0, -3}), 1)); },
                   "[scatter_update] expected indices from -2 to 1 along axis 0, got -3 at position (1, 0)"},
                  {[] { return scatter_update(ints({1}), column({0}), 0.5); }, "expected values that fit into int64"},
                  {[] { return scatter_update(zeros({2}), column({0}), zeros({2})); }, "broadcast"},
                  {[] { return scatter_update(zeros({2}), zeros({1, 1}), 1); }, "integer dtype"}}},
      {.name = "scatter_add",
       .call = call_three<xgrad::scatter_add>,
       .samples = updates_of_places(),
       .special = {{[] { return scatter_add(ints({1, 2, 3}), column({2, 0, 2}), ints({7, 8, 9})); }, {9, 2, 19}},
                   {[] { return scatter_add(tensor({0, 1}, {.dtype = bool_}), column({0, 1}), true); }, {1, 1}}},
       .errors = {{[] { return evaluated(scatter_add(zeros({2}), column({2}), 1)); }, "[scatter_add]"}}},
      {.name = "scatter_multiply",
       .call = call_three<scatter_multiply>,
       .samples = updates_of_places(),
       .special = {{[] { return scatter_multiply(ints({1, 2, 3}), column({2, 0, 2}), ints({7, 8, 9})); }, {8, 2, 189}},
                   {[] { return scatter_multiply(doubles({-1, 2}), column({0}), 0); }, {-0.0, 2}}},
       .errors = {{[] { return evaluated(scatter_multiply(zeros({2}), column({2}), 1)); }, "[scatter_multiply]"}}},
      {.name = "scatter_max",
       .call = call_three<scatter_max>,
       .samples = updates_of_places(),
       .special = {{[] { return scatter_max(ints({1, 2, 3}), column({2, 0, 2}), ints({7, -8, 9})); }, {1, 2, 9}},
                   {[] { return scatter_max(doubles({1, nan}), column({0, 1, 0}), doubles({nan, 3, 5})); },
                    {nan, nan}}},
       .errors = {{[] { return evaluated(scatter_max(zeros({2}), column({2}), 1)); }, "[scatter_max]"}}},
      {.name = "scatter_min",
       .call = call_three<scatter_min>,
       .samples = updates_of_places(),
       .special = {{[] { return scatter_min(ints({1, 2, 3}), column({2, 0, 2}), ints({7, -8, 2})); }, {-8, 2, 2}}},
       .errors = {{[] { return evaluated(scatter_min(zeros({2}), column({2}), 1)); }, "[scatter_min]"}}},
      {.name = "segment_sum",
       .call = [](In in) { return segment_sum(in[0], in[1], 4); },
       .samples = segments(),
       .special = {{[] { return segment_sum(ints({1, 2, 3}), ints({2, 0, 2})); }, {2, 0, 4}},
                   {[] { return segment_sum(zeros({0}), zeros({0}, {.dtype = int32})); }, {}},
                   {[] { return segment_sum(zeros({0, 2}), zeros({0}, {.dtype = int32}), 1); }, {0, 0}}},
       .errors = {{[] { return evaluated(segment_sum(zeros({2}), ints({0, 3}), 3)); },
                   "expected every segment id of segment_sum to be a whole number from 0 to 2, got 3 at position (1,)"},
                  {[] { return segment_sum(zeros({2}), ints({0, 1, 2}), 3); }, "[segment_sum] expected segment ids"},
                  {[] { return segment_sum(zeros({2}), zeros({2}), 3); }, "integer dtype"},
                  {[] { return segment_sum(zeros({2}), ints({0, 1}), -2); }, "0 segments or more"},
                  {[] { return segment_sum(zeros({2}), ints({0, 1}), 0); }, "1 segment or more for 2 ids"}},
       .fewer_samples = no_scalar},
      {.name = "segment_max",
       .call = [](In in) { return maximum(segment_max(in[0], in[1], 4), -100); },
       .samples = segments(),
       .special = {{[] { return segment_max(doubles({1, 2, 3}), ints({2, 0, 2})); }, {2, -inf, 3}},
                   {[] { return segment_max(tensor({1, 2}, {.dtype = int32}), ints({2, 2})); },
                    {-2147483648.0, -2147483648.0, 2}},
                   {[] {
                      const Tensor x = doubles({3, 1, 3});
                      return grad(segment_max(x, ints({0, 0, 0})), x, {.seed = ones({1}, {.dtype = float64})});
                    },
                    {0.5, 0, 0.5}}},
       .errors = {{[] { return evaluated(segment_max(zeros({2}), ints({0, 3}), 3)); }, "segment id"}},
       .fewer_samples = no_scalar},
      {.name = "segment_min",
       .call = [](In in) { return minimum(segment_min(in[0], in[1], 4), 100); },
       .samples = segments(),
       .special = {{[] { return segment_min(doubles({1, 2, 3}), ints({2, 0, 2})); }, {2, inf, 1}},
                   {[] { return segment_min(tensor({1, 2}, {.dtype = uint8}), ints({1, 1})); }, {255, 1}},
                   {[] { return segment_min(tensor({1, 2}, {.dtype = int32}), ints({1, 1})); }, {2147483647, 1}}},
       .errors = {{[] { return evaluated(segment_min(zeros({2}), ints({0, 3}), 3)); }, "segment id of segment_min"}},
       .fewer_samples = no_scalar},
      {.name = "segment_prod",
       .call = [](In in) { return segment_prod(in[0], in[1], 4); },
       .samples = segments(),
       .special = {{[] { return segment_prod(doubles({2, 5, 3}), ints({2, 0, 2})); }, {5, 1, 6}},
                   {[] { return segment_prod(ints({2, 5, 3}), ints({0, 0, 0})); }, {30}}},
       .errors = {{[] { return evaluated(segment_prod(zeros({2}), ints({0, 3}), 3)); }, "segment id of segment_prod"}},
       .fewer_samples = no_scalar},
  };
  return rows;
}

}  // namespace xgrad
