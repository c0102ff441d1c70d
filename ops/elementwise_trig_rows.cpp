#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

constexpr double inf = __builtin_inf(), nan = __builtin_nan("");
constexpr double pi = 3.14159265358979324;

}  // namespace

Rows trigonometric_rows() {
  static const std::vector<Row> rows = {
      {.name = "sin",
       .call = call_unary<sin>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return sin(doubles({0, -0.0, inf, nan}));
                    },
                    {0, -0.0, nan, nan}}}},
      {.name = "cos",
       .call = call_unary<cos>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return cos(doubles({0, -0.0, -inf, nan}));
                    },
                    {1, 1, nan, nan}}}},
      {.name = "tan",
       .call = call_unary<tan>,
       .samples = unary_samples(-1.2, 1.2),
       .special = {{[] {
                      return tan(doubles({0, -0.0, inf, nan}));
                    },
                    {0, -0.0, nan, nan}}}},
      {.name = "arcsin",
       .call = call_unary<arcsin>,
       .samples = unary_samples(-0.9, 0.9),
       .special = {{[] {
                      return arcsin(doubles({0, -0.0, 1, -1, 1.5, -inf, nan}));
                    },
                    {0, -0.0, pi / 2, -pi / 2, nan, nan, nan}}}},
      {.name = "arccos",
       .call = call_unary<arccos>,
       .samples = unary_samples(-0.9, 0.9),
       .special = {{[] {
                      return arccos(doubles({0, 1, -1, 1.5, -inf, nan}));
                    },
                    {pi / 2, 0, pi, nan, nan, nan}}}},
      {.name = "arctan",
       .call = call_unary<arctan>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return arctan(doubles({0, -0.0, 1, inf, -inf, nan, 1e300, 5e-324}));
                    },
                    {0, -0.0, pi / 4, pi / 2, -pi / 2, nan, pi / 2, 5e-324}}}},
      {.name = "asin", .call = call_unary<asin>, .samples = unary_samples(-0.9, 0.9)},
      {.name = "acos", .call = call_unary<acos>, .samples = unary_samples(-0.9, 0.9)},
      {.name = "atan", .call = call_unary<atan>, .samples = unary_samples(-3, 3)},
      {.name = "asinh", .call = call_unary<asinh>, .samples = unary_samples(-3, 3)},
      {.name = "acosh", .call = call_unary<acosh>, .samples = unary_samples(1.2, 4)},
      {.name = "atanh", .call = call_unary<atanh>, .samples = unary_samples(-0.8, 0.8)},
      {.name = "arctan2",
       .call = call_binary<arctan2>,
       .samples = binary_samples(-2, 2, 0.3, 2),
       .special = {{[] {
                      return arctan2(doubles({0, -0.0, 0, -0.0, 1, -1}), doubles({1, 1, -1, -1, 0, -0.0}));
                    },
                    {0, -0.0, pi, -pi, pi / 2, -pi / 2}},
                   {[] {
                      return arctan2(doubles({0, -0.0, 0, -0.0}), doubles({0, 0, -0.0, -0.0}));
                    },
                    {0, -0.0, pi, -pi}},
                   {[] {
                      return arctan2(doubles({inf, inf, -inf, 1, -1, 1}), doubles({inf, -inf, 2, inf, inf, -inf}));
                    },
                    {pi / 4, 3 * pi / 4, -pi / 2, 0, -0.0, pi}},
                   {[] {
                      return arctan2(doubles({nan, 1, nan}), doubles({1, nan, inf}));
                    },
                    {nan, nan, nan}},
                   {[] {
                      return arctan2(doubles({1e308, 1e-310}), doubles({1e308, 1e-310}));
                    },
                    {pi / 4, pi / 4}}},
       .errors = {{[] { return arctan2(zeros({2}), zeros({3})); }, "[arctan2] expected shapes"}}},
      {.name = "atan2", .call = call_binary<atan2>, .samples = binary_samples(-2, 2, 0.3, 2)},
      {.name = "hypot",
       .call = call_binary<hypot>,
       .samples = binary_samples(0.3, 2, 0.4, 2),
       .special = {{[] {
                      return hypot(doubles({3, -5, 0, -0.0, inf, nan, nan}), doubles({4, 12, 0, 0, nan, -inf, 1}));
                    },
                    {5, 13, 0, 0, inf, inf, nan}},
                   {[] {
                      return hypot(doubles({0x3p1000, 0x3p-1060, 5e-324}), doubles({0x4p1000, 0x4p-1060, 0}));
                    },
                    {0x5p1000, 0x5p-1060, 5e-324}},
                   {[] {
                      const Tensor x = doubles({0, 2});
                      return grad(sum(hypot(x, 0)), x);
                    },
                    {0, 1}}},
       .errors = {{[] { return hypot(zeros({2}), zeros({3})); }, "[hypot]"}}},
      {.name = "sinh",
       .call = call_unary<sinh>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return sinh(doubles({0, -0.0, inf, -inf, nan, 1e-300}));
                    },
                    {0, -0.0, inf, -inf, nan, 1e-300}}}},
      {.name = "cosh",
       .call = call_unary<cosh>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return cosh(doubles({0, -0.0, inf, -inf, nan}));
                    },
                    {1, 1, inf, inf, nan}}}},
      {.name = "tanh",
       .call = call_unary<tanh>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return tanh(doubles({0, -0.0, inf, -inf, nan, 100}));
                    },
                    {0, -0.0, 1, -1, nan, 1}}}},
      {.name = "arcsinh",
       .call = call_unary<arcsinh>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return arcsinh(doubles({0, -0.0, inf, -inf, nan, 1e-300}));
                    },
                    {0, -0.0, inf, -inf, nan, 1e-300}}}},
      {.name = "arccosh",
       .call = call_unary<arccosh>,
       .samples = unary_samples(1.2, 4),
       .special = {{[] {
                      return arccosh(doubles({1, 0.5, -1, -1e9, -inf, inf, nan}));
                    },
                    {0, nan, nan, nan, nan, inf, nan}}}},
      {.name = "arctanh",
       .call = call_unary<arctanh>,
       .samples = unary_samples(-0.8, 0.8),
       .special = {{[] {
                      return arctanh(doubles({0, -0.0, 1, -1, 1.5, -inf, nan}));
                    },
                    {0, -0.0, inf, -inf, nan, nan, nan}}}},
      {.name = "exp2",
       .call = call_unary<exp2>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return exp2(doubles({0, -1, 10, 1023, -1074, 1024, -1080, inf, -inf, nan}));
                    },
                    {1, 0.5, 1024, 0x1p1023, 5e-324, inf, 0, inf, 0, nan}}}},
      {.name = "log2",
       .call = call_unary<log2>,
       .samples = unary_samples(0.2, 4),
       .special = {{[] {
                      return log2(doubles({1, 8, 0x1p29, 0x1p-1074, 0.125, 0, -0.0, -1, inf, nan}));
                    },
                    {0, 3, 29, -1074, -3, -inf, -inf, nan, inf, nan}}}},
      {.name = "log10",
       .call = call_unary<log10>,
       .samples = unary_samples(0.2, 4),
       .special = {{[] {
                      return log10(doubles({1, 10, 1000, 1e15, 1e22, 0, -1, inf, nan}));
                    },
                    {0, 1, 3, 15, 22, -inf, nan, inf, nan}}}},
      {.name = "cbrt",
       .call = call_unary<cbrt>,
       .samples = unary_samples(0.4, 4),
       .special = {{[] {
                      return cbrt(doubles({0, -0.0, 27, -8, 1e300, inf, -inf, nan}));
                    },
                    {0, -0.0, 3, -2, 1e100, inf, -inf, nan}},
                   {[] {
                      const Tensor x = doubles({0, -8});
                      return grad(sum(cbrt(x)), x);
                    },
                    {inf, 1.0 / 12}}}},
      {.name = "logaddexp",
       .call = call_binary<logaddexp>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return logaddexp(doubles({-inf, inf, inf, 1000, nan}), doubles({-inf, inf, -inf, 0, 1}));
                    },
                    {-inf, inf, inf, 1000, nan}},
                   {[] {
                      const Tensor x = doubles({1, -inf, inf, 2000});
                      return grad(sum(logaddexp(x, doubles({1, -inf, inf, 0}))), x);
                    },
                    {0.5, 0.5, 0.5, 1}},
                   {[] {
                      const Tensor x = doubles({1});
                      return grad(grad(logaddexp(x, 1), x), x);
                    },
                    {0.25}}},
       .errors = {{[] { return logaddexp(zeros({2}), zeros({3})); }, "[logaddexp]"}}},
      {.name = "logaddexp2",
       .call = call_binary<logaddexp2>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return logaddexp2(doubles({-inf, inf, 1, nan}), doubles({-inf, 1, 1, 1}));
                    },
                    {-inf, inf, 2, nan}}},
       .errors = {{[] { return logaddexp2(zeros({2}), zeros({3})); }, "[logaddexp2"}}},
      {.name = "deg2rad",
       .call = call_unary<deg2rad>,
       .samples = unary_samples(-200, 200),
       .special = {{[] {
                      return deg2rad(doubles({0, 180, -inf}));
                    },
                    {0, pi, -inf}}}},
      {.name = "rad2deg",
       .call = call_unary<rad2deg>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return rad2deg(doubles({0, pi, -inf}));
                    },
                    {0, 180, -inf}}}},
      {.name = "radians", .call = call_unary<radians>, .samples = unary_samples(-200, 200)},
      {.name = "degrees", .call = call_unary<degrees>, .samples = unary_samples(-3, 3)},
      {.name = "sinc",
       .call = call_unary<sinc>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return sinc(doubles({0, -0.0, nan, inf, 1e-300}));
                    },
                    {1, 1, nan, nan, 1}},
                   {[] {
                      const Tensor x = doubles({0});
                      return grad(sinc(x), x);
                    },
                    {0}}}},
  };
  return rows;
}

}  // namespace xgrad
