#include <xgrad/ops/product.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

/// The lengths of the samples of convolve and correlate choose the mode, so that each is walked.
Overlap overlap_for(const Tensor& x) {
  return x.size() == 3 ? Overlap::full : x.size() == 6 ? Overlap::same : Overlap::valid;
}

}  // namespace

Rows product_rows() {
  using In = std::span<const Tensor>;
  static const auto pair = [](const Shape& a, const Shape& b) { return Sample{{{.shape = a}, {.shape = b}}}; };
  static const Sample strided{{{.shape = {2, 3}, .strided = true}, {.shape = {2, 3}, .strided = true}}};
  static const Sample strided_product{{{.shape = {2, 3}, .strided = true}, {.shape = {3, 4}, .strided = true}}};
  static const auto counting = [](std::initializer_list<std::int64_t> shape) {
    const Shape wanted(shape);
    std::vector<std::int64_t> values(static_cast<std::size_t>(wanted.size()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i) + 1;
    return tensor(values, wanted);
  };
  static const std::vector<Sample> vectors = {
      pair({3}, {4}), pair({6}, {2}), pair({6}, {7}),
      pair({5}, {2}), pair({2}, {5}), pair({1}, {1}),
      {{{.shape = {4}, .strided = true}, {.shape = {3}, .strided = true}}}};
  static const std::vector<Row> rows = {
      {.name = "matmul",
       .call = call_binary<matmul>,
       .samples = {{{{.shape = {2, 3}}, {.shape = {3, 4}}}},
                   {{{.shape = {3}}, {.shape = {3}}}},
                   {{{.shape = {3}}, {.shape = {3, 4}}}},
                   {{{.shape = {2, 3}}, {.shape = {3}}}},
                   {{{.shape = {2, 2, 3}}, {.shape = {3, 2}}}},
                   {{{.shape = {2, 3}}, {.shape = {2, 3, 2}}}},
                   {{{.shape = {2, 1, 2, 3}}, {.shape = {3, 3, 2}}}},
                   {{{.shape = {3}}, {.shape = {2, 3, 2}}}},
                   {{{.shape = {2, 0}}, {.shape = {0, 3}}}},
                   {{{.shape = {0, 2}}, {.shape = {2, 3}}}},
                   {{{.shape = {0, 2, 2}}, {.shape = {2, 3}}}},
                   {{{.shape = {2, 3}, .strided = true}, {.shape = {3, 4}, .strided = true}}}},
       .special = {{[] {
                      return matmul(zeros({2, 0}), zeros({0, 1}));
                    },
                    {0, 0}},
                   {[] {
                      const Tensor big = tensor({94906267., 1}, {.dtype = int64});
                      return matmul(big, big);
                    },
                    {9007199515875290.}}},
       .errors = {{[] {
                     return matmul(zeros({2, 3}), zeros({4, 5}));
                   },
                   "[matmul] expected equal inner lengths, got (2, 3)"},
                  {[] { return matmul(zeros({3}), zeros({4})); }, "[matmul] expected equal inner lengths, got (3,)"},
                  {[] {
                     return matmul(zeros({2, 2, 3}), zeros({3, 3, 2}));
                   },
                   "leading axes"},
                  {[] { return matmul(2.0, zeros({3})); }, "vectors or matrices"}},
       .fewer_samples = "scalars are refused"},
      {.name = "matvec",
       .call = call_binary<matvec>,
       .samples = {pair({2, 3}, {3}), pair({4, 2, 3}, {3}), pair({2, 3}, {4, 3}), pair({2, 0}, {0}), strided},
       .special = {{[] {
                      return matvec(counting({2, 2}), ints({1, 2}));
                    },
                    {5, 11}}},
       .errors = {{[] {
                     return matvec(zeros({2, 3}), zeros({4}));
                   },
                   "[matvec] expected equal inner lengths"},
                  {[] { return matvec(zeros({3}), zeros({3})); }, "a matrix and a vector, got (3,)"}},
       .fewer_samples = "scalars are refused"},
      {.name = "vecmat",
       .call = call_binary<vecmat>,
       .samples = {pair({2}, {2, 3}), pair({2}, {4, 2, 3}), pair({4, 2}, {2, 3}), pair({0}, {0, 2}),
                   {{{.shape = {2, 3}, .strided = true}, {.shape = {3, 2}, .strided = true}}}},
       .special = {{[] { return vecmat(ints({1, 2}), counting({2, 2})); }, {7, 10}}},
       .errors = {{[] { return vecmat(zeros({4}), zeros({2, 3})); }, "[vecmat] expected equal inner lengths"},
                  {[] { return vecmat(zeros({3}), zeros({3})); }, "a vector and a matrix, got (3,)"}},
       .fewer_samples = "scalars are refused"},
      {.name = "vecdot",
       .call = [](In in) { return vecdot(in[0], in[1]); },
       .samples = {pair({3}, {3}), pair({2, 3}, {3}), pair({2, 1, 3}, {4, 3}), pair({0, 3}, {3}), pair({2, 0}, {0}),
                   strided},
       .special = {{[] {
                      return vecdot(counting({2, 2}), counting({2, 2}), 0);
                    },
                    {10, 20}},
                   {[] {
                      return vecdot(tensor({200, 100}, {.dtype = uint8}), tensor({1, 1}, {.dtype = uint8}));
                    },
                    {44}}},
       .errors = {{[] {
                     return vecdot(zeros({2, 3}), zeros({4}));
                   },
                   "[vecdot] expected equal lengths along the axis"},
                  {[] {
                     return vecdot(zeros({2, 3}), zeros({3}), 1);
                   },
                   "[vecdot] expected an axis"},
                  {[] {
                     return vecdot(zeros({2, 3}), zeros({3}), 0);
                   },
                   "a negative axis"}},
       .fewer_samples = "scalars have no axis"},
      {.name = "dot",
       .call = call_binary<dot>,
       .samples = {pair({2, 3}, {3, 4}), pair({3}, {3}), pair({2, 3}, {3}), pair({3}, {2, 3, 2}),
                   pair({2, 3}, {2, 3, 2}), pair({}, {2}), pair({}, {}), pair({0, 3}, {3, 2}), strided_product},
       .special = {{[] { return dot(3, counting({2})); }, {3, 6}},
                   {[] {
                      return dot(tensor({1, 1}, {.dtype = bool_}), tensor({0, 1}, {.dtype = bool_}));
                    },
                    {1}}},
       .errors = {{[] {
                     return dot(zeros({2, 3}), zeros({2, 3}));
                   },
                   "[dot] expected equal lengths along axis 1 of the first and axis 0 of the second"},
                  {[] {
                     return dot(zeros({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1, 1}));
                   },
                   "at most 8 axes, not 9"}}},
      {.name = "vdot",
       .call = call_binary<vdot>,
       .samples = {pair({2, 3}, {3, 2}), pair({3}, {1, 3}), pair({}, {1}), pair({0, 3}, {0}), strided},
       .special = {{[] {
                      return vdot(ints({3, -1}), ints({9007199254740992., 1}));
                    },
                    {27021597764222975.}}},
       .errors = {{[] {
                     return vdot(zeros({2, 3}), zeros({5}));
                   },
                   "[vdot] expected equally many elements, got (2, 3)"}}},
      {.name = "inner",
       .call = call_binary<inner>,
       .samples = {pair({2, 3}, {4, 3}), pair({3}, {3}), pair({3}, {2, 2, 3}), pair({}, {2}), pair({}, {}),
                   pair({0, 3}, {2, 3}), pair({2, 0}, {3, 0}), strided},
       .special = {{[] {
                      return inner(counting({2, 2}), ints({1, 10}));
                    },
                    {21, 43}}},
       .errors = {{[] {
                     return inner(zeros({2, 3}), zeros({2}));
                   },
                   "[inner] expected equal lengths along axis 1"}}},
      {.name = "outer",
       .call = call_binary<outer>,
       .samples = {pair({2}, {3}), pair({2, 2}, {3, 1}), pair({}, {3}), pair({0}, {3}), strided},
       .special = {{[] {
                      return outer(ints({1, 2}), ints({3, 4}));
                    },
                    {3, 4, 6, 8}},
                   {[] {
                      return outer(doubles({0, -0.0}), doubles({__builtin_inf()}));
                    },
                    {__builtin_nan(""), __builtin_nan("")}}}},
      {.name = "tensordot",
       .call =
           [](In in) {
             return in[0].rank() == 3 ? tensordot(in[0], in[1], {2, 0}, {0, -1}) : tensordot(in[0], in[1], 1);
           },
       .samples = {pair({2, 3, 4}, {4, 5, 2}), pair({2, 3}, {3, 4}), pair({3}, {3}), pair({0, 3}, {3, 2}),
                   pair({2, 0}, {0, 2}), strided_product},
       .special = {{[] {
                      return tensordot(counting({2, 2}), counting({2, 2}));
                    },
                    {30}},
                   {[] {
                      return tensordot(ints({1, 2}), ints({3, 4}), 0);
                    },
                    {3, 4, 6, 8}},
                   {[] { return tensordot(3, counting({2}), 0); }, {3, 6}}},
       .errors = {{[] {
                     return tensordot(zeros({2, 3}), zeros({4, 5}), 1);
                   },
                   "[tensordot] expected equal lengths"},
                  {[] {
                     return tensordot(zeros({2, 3}), zeros({3}), 2);
                   },
                   "tensors of at least 2 axes"},
                  {[] { return tensordot(zeros({2}), zeros({2}), -1); }, "[tensordot]"},
                  {[] {
                     return tensordot(zeros({2}), zeros({2}), {0}, {0, 0});
                   },
                   "as many axes"},
                  {[] {
                     return tensordot(zeros({2, 2}), zeros({2, 2}), {0, 0}, {0, 1});
                   },
                   "[tensordot]"},
                  {[] { return tensordot(zeros({2}), zeros({2}), {1}, {0}); }, "[tensordot] expected an axis"}},
       .fewer_samples = "a scalar has no axes to sum over"},
      {.name = "kron",
       .call = call_binary<kron>,
       .samples = {pair({2, 3}, {3, 2}), pair({2}, {2, 3}), pair({2, 1, 2}, {3}), pair({}, {2}), pair({}, {}),
                   pair({0, 2}, {2, 2}), strided},
       .special = {{[] {
                      return kron(counting({2, 2}), ints({1, 10}));
                    },
                    {1, 10, 2, 20, 3, 30, 4, 40}}},
       .errors = {{[] {
                     return kron(zeros({1, 1, 1, 1, 1}), 2);
                   },
                   "[kron] expected tensors of at most 4 axes"}}},
      {.name = "cross",
       .call = [](In in) { return cross(in[0], in[1]); },
       .samples = {pair({3}, {3}), pair({2, 3}, {3}), pair({2, 1, 3}, {4, 3}), pair({2}, {3}), pair({4, 3}, {2}),
                   pair({2, 2}, {2}), pair({0, 3}, {3}), strided},
       .special = {{[] {
                      return cross(ints({1, 0, 0}), ints({0, 1, 0}));
                    },
                    {0, 0, 1}},
                   {[] {
                      return cross(ints({1, 2}), ints({3, 4}));
                    },
                    {-2}},
                   {[] {
                      return cross(ints({1, 2}), ints({4, 5, 6}));
                    },
                    {12, -6, -3}},
                   {[] {
                      return cross(ints({1, 2, 3}), ints({4, 5}));
                    },
                    {-15, 12, -3}},
                   {[] {
                      return cross(counting({3, 1}), tensor({{4.}, {5.}, {6.}}, {.dtype = int64}), 0);
                    },
                    {-3, 6, -3}}},
       .errors = {{[] { return cross(zeros({4}), zeros({3})); }, "[cross] expected 2 or 3 components"},
                  {[] { return cross(zeros({3}), zeros({3}), 1); }, "[cross] expected an axis"},
                  {[] {
                     return cross(zeros({2, 3}), zeros({4, 3}));
                   },
                   "[cross"}},
       .fewer_samples = "scalars have no components"},
      {.name = "vander",
       .call = [](In in) { return in[0].rank() == 1 ? vander(in[0], 4) : vander(in[0], -1, true); },
       .samples = {{{{.shape = {3}}}},
                   {{{.shape = {4, 2}, .broadcast = true}}},
                   {{{.shape = {0}}}},
                   {{{.shape = {2, 3}, .strided = true}}}},
       .special = {{[] {
                      return vander(ints({0, 2, -3}));
                    },
                    {0, 0, 1, 4, 2, 1, 9, -3, 1}},
                   {[] { return vander(ints({2}), 3, true); }, {1, 2, 4}},
                   {[] { return vander(ints({2}), 0); }, {}},
                   {[] {
                      return vander(doubles({0, -0.0, __builtin_nan("")}), 2);
                    },
                    {0, 1, -0.0, 1, __builtin_nan(""), 1}}},
       .errors = {{[] { return vander(2.0); }, "[vander] expected a vector"},
                  {[] { return vander(zeros({2}), -2); }, "-1 columns or more, got -2"}},
       .fewer_samples = "scalars are refused"},
      {.name = "multi_dot",
       .call = [](In in) { return multi_dot(in); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {3, 4}}, {.shape = {4, 2}}}},
                   {{{.shape = {3}}, {.shape = {3, 4}}, {.shape = {4}}}},
                   {{{.shape = {2, 3}}, {.shape = {3, 1}}, {.shape = {1, 4}}, {.shape = {4}}}},
                   {{{.shape = {2, 0}}, {.shape = {0, 3}}}},
                   strided_product},
       .special = {{[] {
                      return multi_dot({counting({2, 2}), counting({2, 2}), ints({1, 1})});
                    },
                    {17, 37}}},
       .errors = {{[] {
                     return multi_dot({zeros({2, 3})});
                   },
                   "[multi_dot] expected two matrices or more, got 1"},
                  {[] {
                     return multi_dot({zeros({2, 3}), zeros({2, 3})});
                   },
                   "equal inner lengths, got (2, 3) and (2, 3)"},
                  {[] {
                     return multi_dot({zeros({2}), zeros({2}), zeros({2})});
                   },
                   "vectors only at the ends, got (2,) as tensor 1"}},
       .fewer_samples = "scalars are refused"},
      {.name = "convolve",
       .call = [](In in) { return convolve(in[0], in[1], overlap_for(in[0])); },
       .samples = vectors,
       .special = {{[] {
                      return convolve(ints({1, 2, 3}), ints({0, 1, 5}));
                    },
                    {0, 1, 7, 13, 15}},
                   {[] {
                      return convolve(ints({1, 2, 3}), ints({0, 1, 5}), Overlap::same);
                    },
                    {1, 7, 13}},
                   {[] {
                      return convolve(ints({1, 2, 3}), ints({0, 1, 5}), Overlap::valid);
                    },
                    {7}},
                   {[] {
                      return convolve(ints({1, 2}), ints({1, 2, 3, 4}), Overlap::same);
                    },
                    {1, 4, 7, 10}},
                   {[] {
                      return convolve(tensor({1, 0, 1}, {.dtype = bool_}), tensor({1, 1}, {.dtype = bool_}));
                    },
                    {1, 1, 1, 1}}},
       .errors = {{[] { return convolve(zeros({0}), zeros({2})); }, "[convolve] expected vectors that are not empty"},
                  {[] {
                     return convolve(zeros({2, 2}), zeros({2}));
                   },
                   "[convolve] expected vectors"}},
       .fewer_samples = "both are vectors and neither may be empty"},
      {.name = "correlate",
       .call = [](In in) { return correlate(in[0], in[1], overlap_for(in[0])); },
       .samples = vectors,
       .special = {{[] {
                      return correlate(ints({1, 2, 3}), ints({0, 1, 5}));
                    },
                    {17}},
                   {[] {
                      return correlate(ints({1, 2, 3}), ints({0, 1, 5}), Overlap::full);
                    },
                    {5, 11, 17, 3, 0}},
                   {[] {
                      return correlate(ints({1, 2, 3, 4}), ints({1, 10}), Overlap::same);
                    },
                    {10, 21, 32, 43}},
                   {[] {
                      return correlate(ints({1, 10}), ints({1, 2, 3, 4}), Overlap::same);
                    },
                    {43, 32, 21, 10}}},
       .errors = {{[] { return correlate(zeros({2}), zeros({0})); },
                   "[correlate] expected vectors that are not empty"}},
       .fewer_samples = "both are vectors and neither may be empty"},
  };
  return rows;
}

}  // namespace xgrad
