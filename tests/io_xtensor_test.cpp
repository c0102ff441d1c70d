#include <xgrad/diff/custom.hpp>
#include <xgrad/diff/transforms.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/io/xtensor.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

using namespace xgrad;

namespace {

template <class T>
void check_dtype_both_ways() {
  const xt::xarray<T> a = {{T(1), T(0), T(1)}, {T(0), T(1), T(1)}};
  const Tensor t = from_xtensor(a);
  CHECK(t.dtype() == dtype_of<T>);
  CHECK(to_string(t.shape()) == "(2, 3)");
  CHECK((to_xarray<T>(t) == a));
  const xt::xtensor<T, 2> fixed = to_xtensor<T, 2>(t);
  CHECK((fixed == a));
  CHECK((xtensor_view<T>(t) == a));
  const Tensor shared = borrow_xtensor(a);
  CHECK(shared.data<T>().data() == a.data());
  CHECK((to_xarray<T>(shared) == a));
}

}  // namespace

TEST_CASE("every dtype goes to xtensor and back") {
  check_dtype_both_ways<float>();
  check_dtype_both_ways<double>();
  check_dtype_both_ways<std::int32_t>();
  check_dtype_both_ways<std::int64_t>();
  check_dtype_both_ways<std::uint8_t>();
  check_dtype_both_ways<bool>();
}

TEST_CASE("expressions, views and other layouts are copied in row-major order") {
  const xt::xarray<double> a = {{1, 2, 3}, {4, 5, 6}};
  const xt::xarray<double, xt::layout_type::column_major> columns = a;
  const std::vector<double> expected = {1, 2, 3, 4, 5, 6};
  CHECK(from_xtensor(columns).to_vector<double>() == expected);
  CHECK(from_xtensor(xt::transpose(a)).to_vector<double>() == std::vector<double>{1, 4, 2, 5, 3, 6});
  CHECK(from_xtensor(xt::view(a, 1, xt::range(1, 3))).to_vector<double>() == std::vector<double>{5, 6});
  CHECK(from_xtensor(a + 1.0).to_vector<double>() == std::vector<double>{2, 3, 4, 5, 6, 7});
  CHECK(from_xtensor(a, {.dtype = float32}).dtype() == float32);
  CHECK_THROWS_WITH(borrow_xtensor(columns), Catch::Contains("row-major"));
  const xt::xarray<double, xt::layout_type::column_major> line = {1, 2, 3};
  CHECK(borrow_xtensor(line).to_vector<double>() == std::vector<double>{1, 2, 3});
}

TEST_CASE("scalars and empty arrays keep their shape") {
  const xt::xarray<float> scalar(3.5f), empty = xt::zeros<float>({0, 4});
  CHECK(from_xtensor(scalar).rank() == 0);
  CHECK((to_xarray<float>(from_xtensor(scalar))() == 3.5f));
  CHECK(to_string(from_xtensor(empty).shape()) == "(0, 4)");
  CHECK(to_xtensor<float, 2>(from_xtensor(empty)).shape()[1] == 4);
}

TEST_CASE("a wrong type or number of axes is an error that says so") {
  const Tensor t = zeros({2, 3});
  CHECK_THROWS_WITH(to_xarray<double>(t), Catch::Contains("[to_xarray] expected float64, got float32"));
  CHECK_THROWS_WITH((to_xtensor<float, 1>(t)), Catch::Contains("[to_xtensor] expected 1 axes, got (2, 3)"));
  CHECK_THROWS_AS(xtensor_view<int>(t), DTypeError);
  CHECK_THROWS_AS(from_xtensor(xt::xarray<float>(xt::zeros<float>({1, 1, 1, 1, 1, 1, 1, 1, 1}))), ShapeError);
}

TEST_CASE("a function written on xtensor values has a gradient as a custom operation") {
  const auto norms = custom_op<"row_norms">(
      {.run =
           [](std::span<const View> in, const View& out) {
             const auto x = xtensor_view<const double>(in[0]);
             xtensor_view<double>(out) = xt::sqrt(xt::sum(x * x, {1}));
           },
       .reverse =
           [](std::span<const Tensor> in, const Tensor& out, const Tensor& g) {
             return std::vector{in[0] * expand_dims(g / out, 1)};
           },
       .shape = [](std::span<const Shape> in) { return Shape{in[0][0]}; }});
  const Tensor x = from_xtensor(xt::xarray<double>{{3, 4}, {5, 12}});
  CHECK(norms(x).to_vector<double>() == std::vector<double>{5, 13});
  const xt::xarray<double> slope = to_xarray<double>(grad(sum(norms(x)), x));
  CHECK(xt::allclose(slope, xt::xarray<double>{{3. / 5, 4. / 5}, {5. / 13, 12. / 13}}, 1e-15));
  const Tensor h = hessian([&](const Tensor& t) { return sum(norms(t)); })(x);
  CHECK(h.to_vector<double>()[0] == Approx(16. / 125));
}
