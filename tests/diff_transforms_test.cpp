#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cmath>

using namespace xgrad;

namespace {

using Values = std::vector<double>;

Tensor vec(const Values& values) { return tensor(values, Shape{static_cast<std::int64_t>(values.size())}); }
Tensor f64(double value) { return Tensor(value, {.dtype = float64}); }
Values values_of(const Tensor& x) { return x.to_vector<double>(); }

void check_close(const Tensor& found, const Tensor& expected, double tolerance = 1e-12) {
  REQUIRE(to_string(found.shape()) == to_string(expected.shape()));
  const Values a = values_of(found), b = values_of(expected);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("entry " << i << ": " << a[i] << ", expected " << b[i]);
    CHECK(std::fabs(a[i] - b[i]) <= tolerance * std::max(1.0, std::fabs(b[i])));
  }
}

/// Numbers without pattern in [-1, 1].
Tensor mixed(const Shape& shape, int k = 0) {
  Values values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::sin(12.9898 * static_cast<double>(i + 1) + 78.233 * (k + 1));
  return tensor(values, shape);
}

}  // namespace

TEST_CASE("gradients of functions nest to any order") {
  const auto f = [](const Tensor& x) { return x * x * x * x; };
  const auto first = grad(f);
  const auto fourth = grad(grad(grad(grad(f))));
  CHECK(first(f64(2)).item() == 32);
  CHECK(fourth(f64(2)).item() == 24);
  const auto [value, slope] = value_and_grad(f)(f64(3));
  CHECK(value.item() == 81);
  CHECK(slope.item() == 108);
  // The notes' neuron: third derivative of a sigmoid at 0.2675.
  const auto third = grad(grad(grad([](const Tensor& z) { return sigmoid(z); })));
  CHECK(third(f64(0.2675)).item() == Approx(-0.1162782602543838).epsilon(1e-13));
}

TEST_CASE("a gradient by chosen arguments counts the others as constant, also when one tensor is given twice") {
  const auto f = [](const Tensor& a, const Tensor& b) { return a * a * b; };
  const Tensor x = f64(3);
  CHECK(grad(f)(x, x).item() == 18);
  CHECK(grad(f, 1)(x, x).item() == 9);
  const std::vector<Tensor> both = grad(f, std::vector<int>{0, 1})(x, x);
  CHECK(both[0].item() + both[1].item() == 27);
  CHECK_THROWS_WITH(grad(f, 2)(x, x), Catch::Contains("from 0 to 1, got 2"));
  CHECK(grad(f)(x, 2 * x).item() == 36);
  const auto ignores = [](const Tensor& a, const Tensor&) { return a; };
  CHECK(grad(ignores, 1)(x, f64(1)).item() == 0);
  CHECK_THROWS_AS(grad(ignores, 1, Unused::error)(x, f64(1)), GradientError);
}

TEST_CASE("vjp pulls back through several results at once, and jvp pushes through several") {
  const auto f = [](const Tensor& a, const Tensor& b) { return std::pair{a * b, sin(a)}; };
  const Tensor a = vec({1, 2}), b = vec({3, 5});
  const auto [y, back] = vjp(f, a, b);
  const Tensor seeds[] = {vec({1, 10}), vec({2, 3})};
  const auto [da, db] = back(seeds);
  check_close(da, vec({3 + 2 * std::cos(1.), 50 + 3 * std::cos(2.)}));
  check_close(db, vec({1, 20}));
  check_close(y.second, sin(a));
  const auto [value, tangent] = jvp(f, {a, b}, {vec({1, 0}), vec({0, 2})});
  check_close(tangent.first, vec({3, 4}));
  check_close(tangent.second, vec({std::cos(1.), 0}));
  check_close(value.first, a * b);
  CHECK_THROWS_AS(back(std::span(seeds, 1)), ValueError);
  CHECK_THROWS_AS(back(std::vector{vec({1}), vec({1, 1})}), ShapeError);
}

TEST_CASE("C++ numbers as arguments are variables") {
  const auto f = [](const Tensor& a, const Tensor& b) { return a * b; };
  const auto [y, back] = vjp(f, 3.0, 5.0);
  const auto [da, db] = back(Tensor(2.0));
  CHECK(y.item() == 15);
  CHECK(da.item() == 10);
  CHECK(db.item() == 6);
  CHECK(jvp(f, {3.0, 5.0}, {1.0, 1.0}).tangent.item() == 8);
  CHECK(grad([](const Tensor& x) { return x * x; })(3.0).item() == 6);
  CHECK(hvp([](const Tensor& x) { return x * x * x; }, 2.0, 1.0).item() == 12);
}

TEST_CASE("derivatives by an intermediate tensor leave out what stands before it") {
  const Tensor x = vec({0.5, -1}), h = tanh(x), y = sum(h * h * h);
  check_close(grad(y, h), 3 * h * h);
  check_close(hvp(y, h, vec({1, 2})), 6 * h * vec({1, 2}));
  check_close(jacobian(h * x, h), vec({0.5, -1}) * tensor({{1., 0.}, {0., 1.}}, {.dtype = float64}));
}

TEST_CASE("Jacobians are the same in both modes, whole or in chunks, and in the mode that is cheaper") {
  const Tensor x = mixed({2, 3}), w = mixed({3, 4}, 1);
  const Tensor y = tanh(matmul(x, w)) * sum(x);
  Values expected;
  for (std::int64_t i = 0; i < 8; ++i) {
    Values unit(8, 0);
    unit[static_cast<std::size_t>(i)] = 1;
    const Values row = values_of(grad(y, x, {.seed = tensor(unit, Shape{2, 4})}));
    expected.insert(expected.end(), row.begin(), row.end());
  }
  const Tensor rows = tensor(expected, Shape{2, 4, 2, 3});
  for (const JacobianMode mode : {JacobianMode::automatic, JacobianMode::reverse, JacobianMode::forward})
    for (const std::int64_t chunk : {0, 1, 3, 100})
      check_close(jacobian(y, x, {.mode = mode, .chunk = chunk}), rows);
  const auto f = [](const Tensor& a, const Tensor& b) { return tanh(matmul(a, b)) * sum(a); };
  check_close(jacobian(f)(x, w), rows);
  check_close(jacobian(f, 1)(x, w), jacobian(y, w));
}

TEST_CASE("a Jacobian of nothing has no elements, and one of scalars no axes") {
  CHECK(to_string(jacobian(sin(vec({})), mixed({2})).shape()) == "(0, 2)");
  const Tensor x = vec({});
  CHECK(to_string(jacobian(sin(x), x).shape()) == "(0, 0)");
  const Tensor s = f64(2);
  CHECK(jacobian(s * s, s).item() == 4);
  const Tensor big = zeros({1, 1, 1, 1, 1}, {.dtype = float64});
  CHECK_THROWS_WITH(jacobian(big * big, big), Catch::Contains("at most 8 axes"));
  CHECK_THROWS_AS(jacobian(zeros({2}, {.dtype = int32}), s), DTypeError);
  CHECK_THROWS_AS(jacobian(mixed({2}), s, {.unused = Unused::error}), GradientError);
}

TEST_CASE("a Hessian agrees with its products and with the notes' neuron") {
  const auto a = [](const Tensor& p) {
    return sigmoid(sum(p * concatenate({vec({0.5, -0.35}), vec({1})})));
  };
  const Tensor p = vec({0.55, 0.45, 0.15});
  const Tensor expected = tensor({{-0.00816298106932323, 0.005714086748526261, -0.01632596213864645},
                                  {0.005714086748526261, -0.003999860723968379, 0.01142817349705252},
                                  {-0.01632596213864645, 0.01142817349705252, -0.03265192427729292}},
                                 {.dtype = float64});
  check_close(hessian(a)(p), expected);
  check_close(hessian(a, 0, {.mode = JacobianMode::reverse})(p), expected);
  const Tensor v = vec({1, -2, 0.5});
  check_close(hvp(a, p, v), matmul(expected, v));
  check_close(jacobian(grad(a))(p), expected);
  // Third order: the derivative of the Hessian, in mixed modes.
  const Tensor third = jacobian(hessian(a))(p);
  check_close(grad([&](const Tensor& q) { return sum(v * hvp(a, q, v)); })(p), matmul(matmul(third, v), v));
}

TEST_CASE("blocks of a Hessian stand where their tensors do") {
  const Tensor x = mixed({2}), w = mixed({2, 3}, 1);
  const Tensor y = sum(sin(matmul(x, w)));
  const Tensor xs[] = {x, w};
  const auto blocks = hessian(y, std::span(xs));
  const std::vector<Tensor> slopes = grad(y, std::span(xs));
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j) check_close(blocks[i][j], jacobian(slopes[i], xs[j]));
  const Tensor vectors[] = {mixed({2}, 5), mixed({2, 3}, 6)};
  const std::vector<Tensor> products = hvp(y, std::span(xs), std::span(vectors));
  check_close(products[0], matmul(blocks[0][0], vectors[0]) +
                               sum(reshape(blocks[0][1], {2, 6}) * reshape(vectors[1], {1, 6}), -1));
}

TEST_CASE("vmap calls a function of one example for all of them") {
  const Tensor w = mixed({3, 2}), xs = mixed({5, 3}, 1);
  const auto f = [&](const Tensor& x) {
    CHECK(to_string(x.shape()) == "(3,)");
    return std::pair{tanh(matmul(x, w)), sum(x * x)};
  };
  const auto [h, s] = vmap(f)(xs);
  check_close(h, tanh(matmul(xs, w)));
  check_close(s, sum(xs * xs, -1));
  // Other axes, arguments that are the same for each, results that depend on nothing mapped.
  const auto g = [&](const Tensor& x, const Tensor& c) { return std::vector{x * c, c}; };
  const auto both = vmap(g, {.in_axes = {1, not_mapped}, .out_axis = -1})(transpose(xs), mixed({3}, 4));
  check_close(both[0], transpose(xs * mixed({3}, 4)));
  check_close(both[1], transpose(broadcast_to(mixed({3}, 4), Shape{5, 3})));
  // Two axes, and none at all.
  const auto outer = vmap([&](const Tensor& a) { return vmap([&](const Tensor& b) { return sum(a * b); })(xs); })(xs);
  check_close(outer, matmul(xs, transpose(xs)));
  CHECK(to_string(vmap(f)(zeros({0, 3}, {.dtype = float64})).first.shape()) == "(0, 2)");
}

TEST_CASE("vmap says what is wrong") {
  const auto f = [](const Tensor& x, const Tensor& y) { return x + y; };
  CHECK_THROWS_WITH(vmap(f)(zeros({2}), zeros({3})), Catch::Contains("mapped axes of one length, got 2 and 3"));
  CHECK_THROWS_WITH(vmap(f)(zeros({2}), 1), Catch::Contains("got a scalar"));
  CHECK_THROWS_AS(vmap(f, {.in_axes = {0}})(zeros({2}), zeros({2})), ValueError);
  CHECK_THROWS_AS(vmap(f, {.in_axes = {not_mapped, not_mapped}})(zeros({2}), zeros({2})), ShapeError);
  CHECK_THROWS_WITH(vmap([](const Tensor& x) { return x.item() > 0 ? x : -x; })(zeros({2})),
                    Catch::Contains("inside vmap it stands for every example"));
}

TEST_CASE("vmap of a gradient gives the gradient of each example") {
  const Tensor images = mixed({6, 4}), w1 = mixed({4, 5}, 1), w2 = mixed({5, 3}, 2), b = mixed({5}, 3);
  const Tensor labels = tensor({0, 2, 1, 1, 0, 2}, {.dtype = int64});
  const auto loss = [&](const Tensor& x, const Tensor& label) {
    const Tensor logits = matmul(relu(matmul(x, w1) + b), w2);
    return logsumexp(logits) - take(logits, label) + 0.1 * sum(w1 * w1);
  };
  const auto each = [&](const Tensor& x, const Tensor& label) { return grad(loss(x, label), {w1, b, w2}); };
  const auto [dw1, db, dw2] = vmap(each)(images, labels);
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto one = grad(loss(take(images, i), take(labels, i)), {w1, b, w2});
    check_close(take(dw1, i), one[0]);
    check_close(take(db, i), one[1]);
    check_close(take(dw2, i), one[2]);
  }
  // The gradient of a mapped function is the mean of these times their number.
  check_close(grad(sum(vmap(loss)(images, labels)), w1), sum(dw1, 0));
  check_close(vmap(grad(loss))(images, labels), grad(sum(vmap(loss)(images, labels)), images));
}

TEST_CASE("indices of each example choose its own elements, and their gradients return there") {
  const Tensor tables = mixed({3, 2, 4}), table = mixed({2, 4}, 1);
  const Tensor at = tensor({{0, 3, 3}, {1, 1, -1}, {2, 0, 1}}, {.dtype = int64});
  for (const int axis : {0, 1}) {
    const Tensor places = axis == 1 ? at : tensor({{0, 1, 1}, {1, 1, -1}, {0, 0, 1}}, {.dtype = int64});
    const auto choose = [&](const Tensor& x, const Tensor& i) { return take(x, i, axis); };
    const auto slope = [&](const Tensor& x, const Tensor& i) { return grad(sum(sin(take(x, i, axis))), x); };
    const Tensor own = vmap(choose)(tables, places), own_slopes = vmap(slope)(tables, places);
    const Tensor same = vmap(choose, {.in_axes = {not_mapped, 0}})(table, places);
    const Tensor same_slopes = vmap(slope, {.in_axes = {not_mapped, 0}})(table, places);
    for (std::int64_t k = 0; k < 3; ++k) {
      const Tensor x = take(tables, k), i = take(places, k);
      check_close(take(own, k), choose(x, i));
      check_close(take(own_slopes, k), slope(x, i));
      check_close(take(same, k), choose(table, i));
      check_close(take(same_slopes, k), slope(table, i));
    }
  }
}

TEST_CASE("computing at once changes nothing: stand-ins are never asked for") {
  const Tensor table = mixed({4, 3}), at = tensor({{0, 3}, {1, 1}}, {.dtype = int64});
  const auto both = [&] {
    const auto slope = [&](const Tensor& i) { return grad(sum(sin(take(table, i, 0))), table); };
    const auto f = [](const Tensor& x) { return sum(tanh(matmul(x, transpose(x))) * softmax(x) * sum(x)); };
    return values_of(concatenate({reshape(vmap(slope)(at), {-1}), reshape(hessian(f)(mixed({3, 3}, 2)), {-1})}));
  };
  const Values expected = both();
  set_eager(true);
  const Values found = both();
  set_eager(false);
  CHECK(found == expected);
}

TEST_CASE("draws shaped like an example differ between examples, others do not") {
  const Tensor xs = zeros({100, 3}, {.dtype = float64});
  const Tensor same = vmap([](const Tensor& x) { return x + uniform({3}, 0, 1, {.dtype = float64}); })(xs);
  check_close(max(same, 0) - min(same, 0), zeros({3}, {.dtype = float64}));
  const Tensor own = vmap([](const Tensor& x) { return uniform_like(x); })(xs);
  CHECK(min(max(own, 0) - min(own, 0)).item() > 0.5);
}
