#include <xgrad/graph/rerecord.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

using namespace xgrad;
using In = std::span<const Tensor>;

namespace {

constexpr TensorOptions exact = {.dtype = float64};

Tensor waves(const Shape& shape) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.7 * static_cast<double>(i) + 0.3);
  return tensor(values, shape);
}
std::vector<double> of(const Tensor& x) { return x.to_vector<double>(); }

/// Functions of plain numbers, read from a case's input.
template <class F>
Tensor spaced(const Tensor& numbers, F&& f) {
  const auto n = numbers.to_vector<std::int64_t>();
  return f(static_cast<double>(n[0]), static_cast<double>(n[1]), n[2]);
}
Tensor by_numbers(const Tensor& numbers, Tensor (*f)(std::int64_t, std::int64_t, std::int64_t, TensorOptions)) {
  const auto n = numbers.to_vector<std::int64_t>();
  return f(n[0], n[1], n[2], exact);
}

reference::Calls calls() {
  return {
      {"ravel", [](In in) { return ravel(in[0]); }},
      {"expand_dims",
       [](In in) {
         return expand_dims(in[0], {0, -1});
       }},
      {"squeeze", [](In in) { return squeeze(in[0]); }},
      {"transpose", [](In in) { return transpose(in[0]); }},
      {"moveaxis", [](In in) { return moveaxis(in[0], 0, -1); }},
      {"moveaxis_two",
       [](In in) {
         return moveaxis(in[0], {0, -1}, {1, 0});
       }},
      {"swapaxes", [](In in) { return swapaxes(in[0], 0, -1); }},
      {"matrix_transpose", [](In in) { return matrix_transpose(in[0]); }},
      {"atleast_1d", [](In in) { return atleast_1d(in[0]); }},
      {"atleast_2d", [](In in) { return atleast_2d(in[0]); }},
      {"atleast_3d", [](In in) { return atleast_3d(in[0]); }},
      {"split_2", [](In in) { return split(in[0], 3, -1)[1]; }},
      {"split_at",
       [](In in) {
         return split(in[0], {1, -1})[1];
       }},
      {"array_split_0", [](In in) { return array_split(in[0], 3)[0]; }},
      {"array_split_2", [](In in) { return array_split(in[0], 3)[2]; }},
      {"unstack_1", [](In in) { return unstack(in[0], -1)[1]; }},
      {"tile",
       [](In in) {
         return tile(in[0], {2, 1, 3});
       }},
      {"tile_one", [](In in) { return tile(in[0], {2}); }},
      {"repeat", [](In in) { return repeat(in[0], 2); }},
      {"repeat_axis", [](In in) { return repeat(in[0], 3, -1); }},
      {"repeat_counts",
       [](In in) {
         return repeat(in[0], {2, 0, 3}, 0);
       }},
      {"flip", [](In in) { return flip(in[0]); }},
      {"flip_first", [](In in) { return flip(in[0], 0); }},
      {"fliplr", [](In in) { return fliplr(in[0]); }},
      {"flipud", [](In in) { return flipud(in[0]); }},
      {"rot90", [](In in) { return rot90(in[0]); }},
      {"rot90_3",
       [](In in) {
         return rot90(in[0], 3, {1, 0});
       }},
      {"rot90_2", [](In in) { return rot90(in[0], -2); }},
      {"roll", [](In in) { return roll(in[0], 2); }},
      {"roll_back", [](In in) { return roll(in[0], -3, -1); }},
      {"roll_two",
       [](In in) {
         return roll(in[0], {1, -2}, {0, -1});
       }},
      {"pad_constant",
       [](In in) {
         return pad(in[0], {{2, 2}}, "constant", 7);
       }},
      {"pad_two",
       [](In in) {
         return pad(in[0], {{1, 0}, {0, 2}});
       }},
      {"tril", [](In in) { return tril(in[0]); }},
      {"triu_1", [](In in) { return triu(in[0], 1); }},
      {"triu_minus", [](In in) { return triu(in[0], -1); }},
      {"diagonal", [](In in) { return diagonal(in[0]); }},
      {"diagonal_minus", [](In in) { return diagonal(in[0], -1, -1, 0); }},
      {"diag", [](In in) { return diag(in[0]); }},
      {"diag_2", [](In in) { return diag(in[0], 2); }},
      {"diag_minus", [](In in) { return diag(in[0], -1); }},
      {"diagflat", [](In in) { return diagflat(in[0]); }},
      {"slice_back",
       [](In in) {
         return slice(in[0], {{-1, to_end, -2}});
       }},
      {"slice_negative",
       [](In in) {
         return slice(in[0], {{-3, -1}});
       }},
      {"slice_ends", [](In in) { return slice_axis(in[0], -1, {1}); }},
      {"fill_diagonal", [](In in) { return fill_diagonal(in[0], 7); }},
      {"concatenate", [](In in) { return concatenate(in, -1); }},
      {"stack", [](In in) { return stack(in, 1); }},
      {"hstack", [](In in) { return hstack(in); }},
      {"vstack", [](In in) { return vstack(in); }},
      {"dstack", [](In in) { return dstack(in); }},
      {"column_stack", [](In in) { return column_stack(in); }},
      {"meshgrid_0", [](In in) { return meshgrid(in)[0]; }},
      {"meshgrid_last_ij", [](In in) { return meshgrid(in, "ij").back(); }},
      {"broadcast_arrays_1", [](In in) { return broadcast_arrays(in)[1]; }},
      {"trace", [](In in) { return trace(in[0]); }},
      {"trace_1", [](In in) { return trace(in[0], 1, -2, -1); }},
      {"linspace",
       [](In in) { return spaced(in[0], [](double a, double b, auto n) { return linspace(a, b, n, true, exact); }); }},
      {"linspace_open",
       [](In in) { return spaced(in[0], [](double a, double b, auto n) { return linspace(a, b, n, false, exact); }); }},
      {"logspace",
       [](In in) {
         return spaced(in[0], [](double a, double b, auto n) { return logspace(a, b, n, true, 10, exact); });
       }},
      {"logspace_2",
       [](In in) {
         return spaced(in[0], [](double a, double b, auto n) { return logspace(a, b, n, true, 2, exact); });
       }},
      {"geomspace",
       [](In in) { return spaced(in[0], [](double a, double b, auto n) { return geomspace(a, b, n, true, exact); }); }},
      {"eye", [](In in) { return by_numbers(in[0], eye); }},
      {"tri", [](In in) { return by_numbers(in[0], tri); }},
      {"pad_edge",
       [](In in) {
         return pad(in[0], {{1, 1}}, "edge");
       }},
      {"pad_far_edge",
       [](In in) {
         return pad(in[0], {{4, 7}}, "edge");
       }},
      {"pad_reflect",
       [](In in) {
         return pad(in[0], {{1, 1}}, "reflect");
       }},
      {"pad_far_reflect",
       [](In in) {
         return pad(in[0], {{4, 7}}, "reflect");
       }},
      {"pad_symmetric",
       [](In in) {
         return pad(in[0], {{1, 1}}, "symmetric");
       }},
      {"pad_far_symmetric",
       [](In in) {
         return pad(in[0], {{4, 7}}, "symmetric");
       }},
      {"pad_wrap",
       [](In in) {
         return pad(in[0], {{1, 1}}, "wrap");
       }},
      {"pad_far_wrap",
       [](In in) {
         return pad(in[0], {{4, 7}}, "wrap");
       }},
  };
}

}  // namespace

TEST_CASE("shape functions have the values and derivatives of the reference") {
  reference::check_reference("shape_values.json", calls());
}

TEST_CASE("shape functions follow other lengths when recorded again") {
  const std::vector<Tensor (*)(const Tensor&)> functions = {[](const Tensor& x) { return flatten(x); },
                                                            [](const Tensor& x) { return array_split(x, 3)[0]; },
                                                            [](const Tensor& x) {
                                                              return split(x, {1, -1})[1];
                                                            },
                                                            [](const Tensor& x) {
                                                              return tile(x, {2, 3});
                                                            },
                                                            [](const Tensor& x) { return repeat(x, 2, 0); },
                                                            [](const Tensor& x) { return repeat(x, 2); },
                                                            [](const Tensor& x) { return flip(x); },
                                                            [](const Tensor& x) { return rot90(x); },
                                                            [](const Tensor& x) { return roll(x, 5); },
                                                            [](const Tensor& x) {
                                                              return roll(x, {4, -4}, {0, 1});
                                                            },
                                                            [](const Tensor& x) {
                                                              return pad(x, {{1, 2}}, "constant", 3);
                                                            },
                                                            [](const Tensor& x) {
                                                              return pad(x, {{3, 9}}, "reflect");
                                                            },
                                                            [](const Tensor& x) {
                                                              return pad(x, {{3, 9}}, "wrap");
                                                            },
                                                            [](const Tensor& x) { return tril(x) + triu(x, 1) * 2; },
                                                            [](const Tensor& x) { return diagonal(x, 1); },
                                                            [](const Tensor& x) { return diagflat(x, -1); },
                                                            [](const Tensor& x) { return trace(x); },
                                                            [](const Tensor& x) { return fill_diagonal(x, 2); },
                                                            [](const Tensor& x) {
                                                              return meshgrid({ravel(x), ravel(x)})[0];
                                                            },
                                                            [](const Tensor& x) { return full_like(x, 3) * x; }};
  const Tensor small = waves({2, 3}), large = waves({5, 4});
  for (const auto f : functions) {
    const auto slope = [&](const Tensor& x) { return grad(sum(square(f(x))), x); };
    const Tensor again = rerecord(f(small), {{small, large}});
    CHECK(again.shape() == f(large).shape());
    CHECK(of(again) == of(f(large)));
    CHECK(of(rerecord(slope(small), {{small, large}})) == of(slope(large)));
  }
}

TEST_CASE("parts of a split put together again are the whole") {
  const Tensor x = waves({7, 10});
  for (const int axis : {0, 1}) {
    for (const int sections : {1, 2, 3, 7, 12}) {
      const std::vector<Tensor> parts = array_split(x, sections, axis);
      CHECK(parts.size() == static_cast<std::size_t>(sections));
      CHECK(of(concatenate(std::span<const Tensor>(parts), axis)) == of(x));
    }
    CHECK(of(stack(unstack(x, axis), axis)) == of(x));
    CHECK(of(concatenate(std::span<const Tensor>(split(x, {2, 3}, axis)), axis)) == of(x));
  }
}

TEST_CASE("the gradient of a padding's value is the sum over what was added") {
  const Tensor x = waves({2, 2}), value = tensor({1.5}, exact), weights = waves({4, 5});
  const Tensor v = reshape(value, Shape{});
  const Tensor y = pad(x, {{1, 1}, {2, 1}}, "constant", v);
  const double all = sum(weights).item(), inside = sum(slice(weights, {{1, -1}, {2, -1}})).item();
  CHECK(grad(sum(y * weights), value).item() == Approx(all - inside).epsilon(1e-14));
  CHECK(of(grad(sum(y * weights), x)) == of(slice(weights, {{1, -1}, {2, -1}})));
}

TEST_CASE("copies of an element add up in its gradient") {
  const Tensor x = waves({3});
  CHECK(of(grad(sum(tile(x, {4, 2})), x)) == std::vector<double>{8, 8, 8});
  CHECK(of(grad(sum(repeat(x, {2, 0, 5})), x)) == std::vector<double>{2, 0, 5});
  CHECK(of(grad(sum(pad(x, {{2, 1}}, "edge")), x)) == std::vector<double>{3, 1, 2});
  CHECK(of(grad(sum(pad(x, {{5, 5}}, "wrap")), x)) == std::vector<double>{4, 5, 4});
}

TEST_CASE("diagonals beyond every corner are empty or zero") {
  const Tensor x = waves({2, 3});
  for (const std::int64_t k : {std::int64_t{3}, std::int64_t{-2}, INT64_MAX, INT64_MIN})
    CHECK(diagonal(x, k).size() == 0);
  CHECK(of(tril(x, INT64_MAX)) == of(x));
  CHECK(of(triu(x, INT64_MIN)) == of(x));
  CHECK(sum(abs(tril(x, -2))).item() == 0);
  CHECK(sum(abs(triu(x, 3))).item() == 0);
}

TEST_CASE("integers move exactly") {
  const std::int64_t big = INT64_MAX;
  const Tensor x = tensor(std::vector<std::int64_t>{big, big - 1, INT64_MIN}, Shape{3});
  using Whole = std::vector<std::int64_t>;
  CHECK(pad(x, {{1, 0}}, "constant", big).to_vector<std::int64_t>() == Whole{big, big, big - 1, INT64_MIN});
  CHECK(roll(x, 1).to_vector<std::int64_t>() == Whole{INT64_MIN, big, big - 1});
  CHECK(diagonal(diag(x)).to_vector<std::int64_t>() == Whole{big, big - 1, INT64_MIN});
  CHECK(full_like(x, big).to_vector<std::int64_t>() == Whole{big, big, big});
}
