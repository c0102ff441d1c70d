#include <xgrad/ops/elementwise.hpp>

#include <xgrad/graph/op.hpp>
#include <xgrad/ops/activation.hpp>

namespace xgrad {
namespace {

using kernels::Code;

constexpr double ln_2 = 0.69314718055994531, ln_10 = 2.30258509299404568, pi = 3.14159265358979324;

/// A function of real numbers. These are instructions, not formulas over others, to be accurate near 0 and finite where
/// the result is (sinh(710), hypot(1e300, 1e300)), and so that their derivatives are as accurate.
constexpr Op real_function(const char* name, Code code, Rule rule, Rule second = nullptr) {
  return {
      .name = name, .kind = Kind::elementwise, .code = code, .promotion = Promotion::floating, .rules = {rule, second}};
}

constexpr Op tan_op =
    real_function("tan", Code::tan, [](const Applied& c, const Tensor& g) { return g * (1 + square(c.out())); });
// 1 - x^2 as a product keeps its digits near 1.
constexpr Op arcsin_op = real_function("arcsin", Code::arcsin, [](const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0);
  return g / sqrt((1 - x) * (1 + x));
});
constexpr Op arccos_op = real_function("arccos", Code::arccos, [](const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0);
  return -(g / sqrt((1 - x) * (1 + x)));
});
constexpr Op arctan_op =
    real_function("arctan", Code::arctan, [](const Applied& c, const Tensor& g) { return g / (1 + square(c.in(0))); });
constexpr Op sinh_op =
    real_function("sinh", Code::sinh, [](const Applied& c, const Tensor& g) { return g * cosh(c.in(0)); });
constexpr Op cosh_op =
    real_function("cosh", Code::cosh, [](const Applied& c, const Tensor& g) { return g * sinh(c.in(0)); });
constexpr Op arcsinh_op =
    real_function("arcsinh", Code::arcsinh, [](const Applied& c, const Tensor& g) { return g / hypot(c.in(0), 1); });
constexpr Op arccosh_op = real_function("arccosh", Code::arccosh, [](const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0);
  return g / (sqrt(x - 1) * sqrt(x + 1));
});
constexpr Op arctanh_op = real_function("arctanh", Code::arctanh, [](const Applied& c, const Tensor& g) {
  const Tensor x = c.in(0);
  return g / ((1 - x) * (1 + x));
});
constexpr Op exp2_op =
    real_function("exp2", Code::exp2, [](const Applied& c, const Tensor& g) { return g * (ln_2 * c.out()); });
constexpr Op log2_op =
    real_function("log2", Code::log2, [](const Applied& c, const Tensor& g) { return g / (ln_2 * c.in(0)); });
constexpr Op log10_op =
    real_function("log10", Code::log10, [](const Applied& c, const Tensor& g) { return g / (ln_10 * c.in(0)); });
constexpr Op cbrt_op =
    real_function("cbrt", Code::cbrt, [](const Applied& c, const Tensor& g) { return g / (3 * square(c.out())); });

constexpr Op arctan2_op = real_function(
    "arctan2", Code::arctan2,
    [](const Applied& c, const Tensor& g) { return g * (c.in(1) / (square(c.in(0)) + square(c.in(1)))); },
    [](const Applied& c, const Tensor& g) { return -(g * (c.in(0) / (square(c.in(0)) + square(c.in(1))))); });

/// x / hypot, 0 at the origin.
Tensor share_of(const Tensor& x, const Tensor& length) { return x / where(equal(length, 0), 1, length); }

constexpr Op hypot_op = real_function(
    "hypot", Code::hypot, [](const Applied& c, const Tensor& g) { return g * share_of(c.in(0), c.out()); },
    [](const Applied& c, const Tensor& g) { return g * share_of(c.in(1), c.out()); });

/// a - b, but 0 between equal infinities.
Tensor difference(const Tensor& a, const Tensor& b) {
  return where(logical_and(equal(a, b), logical_not(isfinite(a))), 0, a - b);
}

constexpr Op logaddexp_op = real_function(
    "logaddexp", Code::log_add_exp,
    [](const Applied& c, const Tensor& g) { return g * sigmoid(difference(c.in(0), c.in(1))); },
    [](const Applied& c, const Tensor& g) { return g * sigmoid(difference(c.in(1), c.in(0))); });

}  // namespace

Tensor tan(const Arg& x) { return record(tan_op, x); }
Tensor arcsin(const Arg& x) { return record(arcsin_op, x); }
Tensor arccos(const Arg& x) { return record(arccos_op, x); }
Tensor arctan(const Arg& x) { return record(arctan_op, x); }
Tensor arctan2(const Arg& y, const Arg& x) { return record(arctan2_op, y, x); }
Tensor hypot(const Arg& a, const Arg& b) { return record(hypot_op, a, b); }
Tensor sinh(const Arg& x) { return record(sinh_op, x); }
Tensor cosh(const Arg& x) { return record(cosh_op, x); }
Tensor arcsinh(const Arg& x) { return record(arcsinh_op, x); }
Tensor arccosh(const Arg& x) { return record(arccosh_op, x); }
Tensor arctanh(const Arg& x) { return record(arctanh_op, x); }
Tensor exp2(const Arg& x) { return record(exp2_op, x); }
Tensor log2(const Arg& x) { return record(log2_op, x); }
Tensor log10(const Arg& x) { return record(log10_op, x); }
Tensor cbrt(const Arg& x) { return record(cbrt_op, x); }
Tensor logaddexp(const Arg& a, const Arg& b) { return record(logaddexp_op, a, b); }

Tensor logaddexp2(const Arg& a, const Arg& b) {
  const Within here("logaddexp2", a);
  return logaddexp(a * ln_2, b * ln_2) / ln_2;
}

Tensor deg2rad(const Arg& x) {
  const Within here("deg2rad", x);
  return x * (pi / 180);
}

Tensor rad2deg(const Arg& x) {
  const Within here("rad2deg", x);
  return x * (180 / pi);
}

// Near 0 the power series: its derivatives are those of sinc, where the quotient's would lose their digits. Elsewhere
// the sine of what is left of x beside the nearest whole number, so that digits are kept around the zeros.
Tensor sinc(const Arg& x) {
  const Within here("sinc", x);
  const Tensor whole = rint(x), odd = whole - 2 * floor(whole * .5);
  const Tensor angle = x * pi;
  const Tensor near = less(abs(angle), 0.8);
  const Tensor safe = where(near, 1, angle), z = square(where(near, angle, 0));
  Tensor series = 1.0;
  for (int k = 20; k >= 2; k -= 2) series = 1 - z / (k * (k + 1)) * series;
  return where(near, series, (1 - 2 * odd) * sin((x - whole) * pi) / safe);
}

}  // namespace xgrad
