#include <xgrad/diff/checkpoint.hpp>
#include <xgrad/diff/custom.hpp>
#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/buffer.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
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

Tensor mixed(const Shape& shape, int k = 0) {
  Values values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::sin(12.9898 * static_cast<double>(i + 1) + 78.233 * (k + 1));
  return tensor(values, shape);
}

void check_same(const Tensor& found, const Tensor& expected, double tolerance = 0) {
  REQUIRE(to_string(found.shape()) == to_string(expected.shape()));
  const Values a = found.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("entry " << i << ": " << a[i] << ", expected " << b[i]);
    CHECK(std::fabs(a[i] - b[i]) <= tolerance * std::max(1.0, std::fabs(b[i])));
  }
}

/// x^3 over whole tensors, its derivative with another such operation.
CustomOp cubes(int& runs) {
  return {.run =
              [&runs](std::span<const View> in, const View& out) {
                ++runs;
                const auto x = elements<const double>(in[0]);
                const auto y = elements<double>(out);
                for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] * x[i] * x[i];
              },
          .reverse = [](std::span<const Tensor> in, const Tensor&,
                        const Tensor& g) { return std::vector{g * (3 * in[0] * in[0])}; }};
}

}  // namespace

TEST_CASE("straight_through has one tensor's values and the other's gradient") {
  const Tensor x = vec({0.2, 1.7, -2.4});
  const Tensor y = straight_through(round(x), x);
  check_same(y, vec({0, 2, -2}));
  check_same(grad(sum(y * y), x), 2 * vec({0, 2, -2}));
  const Tensor v = vec({1, 2, 3});
  check_same(jvp(Arg(y), std::span(&x, 1), std::span(&v, 1)), v);
  check_same(vmap([](const Tensor& a) { return grad(straight_through(floor(a), a * a), a); })(x), 2 * x);
  CHECK_THROWS_AS(straight_through(x, vec({1})), ShapeError);
  CHECK_THROWS_AS(straight_through(x, cast(x, float32)), DTypeError);
}

TEST_CASE("custom_gradient puts a rule in the place of what was recorded") {
  const Tensor x = vec({-1, 0.5, 2});
  const auto spike = [](const Tensor& a) {
    return custom_gradient(cast(greater(a, 0), float64), a,
                           [](const Tensor& at, const Tensor&, const Tensor& g) { return g / square(1 + abs(at)); });
  };
  check_same(spike(x), vec({0, 1, 1}));
  check_same(grad(sum(3 * spike(x)), x), 3 / square(1 + abs(x)), 1e-15);
  const Tensor v = vec({1, 2, 3});
  check_same(jvp(Arg(spike(x)), std::span(&x, 1), std::span(&v, 1)), v / square(1 + abs(x)), 1e-15);
  check_same(vmap(grad([&](const Tensor& a) { return spike(a); }))(x), 1 / square(1 + abs(x)), 1e-15);
  // A rule that is not elementwise still means single examples.
  const auto clipped = [](const Tensor& a) {
    return sum(custom_gradient(a, a, [](const Tensor&, const Tensor&, const Tensor& g) { return g / norm(g); }));
  };
  check_same(vmap(grad(clipped))(mixed({4, 9})), full({4, 9}, 1.0 / 3, {.dtype = float64}), 1e-15);
  // Second order goes through the rule.
  check_same(grad(sum(grad(sum(spike(x)), x)), x), -2 * sign(x) / power(1 + abs(x), 3), 1e-14);
  const Tensor two[] = {x, v};
  const GradientRule wrong = [](std::span<const Tensor>, const Tensor&, const Tensor& g) { return std::vector{g}; };
  CHECK_THROWS_WITH(grad(sum(custom_gradient(x + v, std::span(two), wrong)), x), Catch::Contains("2 gradients"));
}

TEST_CASE("a custom operation computes whole tensors and differentiates by its rule, any order and mode") {
  int runs = 0;
  const auto cube = custom_op<"cube">(cubes(runs));
  const Tensor x = vec({1, -2, 3}).named("x");
  const Tensor y = cube(x);
  CHECK(runs == 0);
  CHECK(formula(y) == "cube(x)");
  CHECK(dump(y).find("= cube %0") != std::string::npos);
  check_same(y, x * x * x);
  check_same(grad(sum(cube(x)), x), 3 * x * x);
  check_same(grad(sum(grad(sum(cube(x)), x)), x), 6 * x);
  const Tensor v = vec({1, 10, 100});
  check_same(jvp(Arg(cube(x)), std::span(&x, 1), std::span(&v, 1)), 3 * x * x * v);
  check_same(hvp(sum(cube(x)), x, v), 6 * x * v);
  check_same(vmap([&](const Tensor& a) { return cube(a); })(reshape(x, {3, 1})), reshape(x * x * x, {3, 1}));
  check_same(rerecord(y, {{x, vec({2, 5})}}), vec({8, 125}));
}

TEST_CASE("a custom operation runs once a node, merged with no other and repeated by nobody") {
  int runs = 0;
  const auto cube = custom_op<"cube">(cubes(runs));
  const Tensor x = vec({1, 2});
  const Tensor a = cube(x), b = cube(x);
  const Tensor total = sum(a * b + a), slope = grad(total, x);
  eval({total, slope});
  CHECK(runs == 2);
  check_same(a, b);
  (a * 2).eval();
  grad(sum(a * a), x).eval();
  CHECK(runs == 2);
}

TEST_CASE("a custom operation may have its own shape, dtype and forward rule, and says what is missing") {
  const auto total = custom_op<"total">({.run =
                                             [](std::span<const View> in, const View& out) {
                                               double s = 0;
                                               for (const View& view : in)
                                                 for (const float a : elements<const float>(view)) s += a;
                                               elements<double>(out)[0] = s;
                                             },
                                         .forward =
                                             [](std::span<const Tensor>, const Tensor&, std::span<const Tensor> moves) {
                                               Tensor t = zeros({}, {.dtype = float64});
                                               for (const Tensor& move : moves)
                                                 if (move.defined()) t = t + sum(cast(move, float64));
                                               return t;
                                             },
                                         .shape = [](std::span<const Shape>) { return Shape{}; },
                                         .dtype = float64});
  const Tensor a = tensor({1, 2, 3}), b = tensor({{4, 5}});
  CHECK(total(a, b).item() == 15);
  CHECK(total(a, b).dtype() == float64);
  const Tensor one = ones({1, 2});
  CHECK(jvp(Arg(total(a, b)), std::span(&b, 1), std::span(&one, 1)).item() == 2);
  CHECK_THROWS_WITH(grad(total(a, b), a), Catch::Contains("[total] expected a reverse rule"));
  CHECK_THROWS_AS(custom_op<"nothing">({}), ValueError);
  // What it throws reaches whoever asks, and nothing has changed.
  int calls = 0;
  const auto fails = custom_op<"fails">({.run = [&calls](std::span<const View>, const View&) {
    if (++calls == 1) throw ValueError("not today");
  }});
  const Tensor y = fails(a);
  CHECK_THROWS_WITH(y.eval(), "not today");
  CHECK(!y.computed());
  CHECK_NOTHROW(y.eval());
}

TEST_CASE("checkpoint gives the same bits, and gradients by inputs, weights and what else is used") {
  const Tensor x = mixed({4, 5}), w = mixed({5, 5}, 1), c = mixed({5}, 2);
  const Parameter bias(mixed({5}, 3), "bias");
  const Tensor drop = uniform({4, 5}, 0, 1, {.dtype = float64});
  const auto block = [&](const Tensor& h, const Tensor& weight) {
    return tanh(matmul(tanh(matmul(h, weight) + bias), weight) * c + power(h, 2)) * uniform_like(h) * drop;
  };
  set_random_seed(5);
  const Tensor plain = sum(square(block(x, w)));
  set_random_seed(5);
  const Tensor kept = sum(square(checkpoint(block, x, w)));
  CHECK(kept.item() == plain.item());
  const Tensor by[] = {x, w, c, bias.value()};
  const std::vector<Tensor> a = grad(plain, std::span(by)), b = grad(kept, std::span(by));
  for (std::size_t k = 0; k < 4; ++k) check_same(b[k], a[k]);
  const Tensor v[] = {mixed({4, 5}, 5), mixed({5, 5}, 6), mixed({5}, 7), mixed({5}, 8)};
  const std::vector<Tensor> ha = hvp(plain, std::span(by), std::span(v)), hb = hvp(kept, std::span(by), std::span(v));
  for (std::size_t k = 0; k < 4; ++k) check_same(hb[k], ha[k], 1e-12);
  check_same(jvp(Arg(kept), std::span(by), std::span(v)), jvp(Arg(plain), std::span(by), std::span(v)), 1e-13);
  const auto scaled = [&](const Tensor& h) { return tanh(h * c); };
  const auto each = [&](const Tensor& row) { return sum(checkpoint(scaled, row)); };
  check_same(vmap(grad(each))(x), c * (1 - square(tanh(x * c))), 1e-14);
  // An update through it, as training does.
  bias.assign(bias.value() - 0.1 * b[3]);
  bias.value().eval();
  CHECK_THROWS_AS(grad(kept, w), GradientError);
}

TEST_CASE("checkpoints need less memory at once than keeping everything") {
  constexpr std::int64_t rows = 4096, width = 64;
  const Tensor x = cast(mixed({rows, width}), float32).eval();
  const auto block = [&](const Tensor& h, const Tensor& weight) {
    Tensor y = h;
    for (int i = 0; i < 8; ++i) y = tanh(matmul(y, weight));
    return y;
  };
  const auto peak = [&](bool checkpointed) {
    // An update ends the history of the gradient, so that nothing is kept for derivatives of it.
    const Parameter w(cast(mixed({width, width}, 1), float32) * 0.2, "w");
    std::size_t before = 0, most = 0;
    const auto watch = custom_op<"watch">({.run = [&](std::span<const View> in, const View& out) {
      most = kernels::memory_stats().live - before;
      std::copy_n(static_cast<const float*>(in[0].data), in[0].shape.size(), static_cast<float*>(out.data));
    }});
    {
      Tensor y = x;
      for (int i = 0; i < 6; ++i) y = checkpointed ? checkpoint(block, y, w) : block(y, w);
      w.assign(w - 0.1 * watch(grad(sum(y), w)));
    }
    kernels::release_cached();
    before = kernels::memory_stats().live;
    w.value().eval();
    return std::pair{most, w.value().to_vector<double>()};
  };
  const auto [kept, weights] = peak(false);
  const auto [recomputed, same_weights] = peak(true);
  INFO(kept << " bytes, with checkpoints " << recomputed);
  CHECK(recomputed < kept / 2);
  CHECK(weights == same_weights);
}
