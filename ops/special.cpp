#include <xgrad/ops/special.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

#include <string>

namespace xgrad {
namespace {

using kernels::Code;

constexpr double inf = __builtin_inf(), nan = __builtin_nan("");
constexpr double root_pi = 1.77245385090551603;

constexpr Op special_function(const char* name, Code code, Rule rule) {
  return {.name = name, .kind = Kind::elementwise, .code = code, .promotion = Promotion::floating, .rules = {rule}};
}

constexpr Op erf_op = special_function(
    "erf", Code::erf, [](const Applied& c, const Tensor& g) { return g * (2 / root_pi * exp(-square(c.in(0)))); });
constexpr Op erfc_op = special_function(
    "erfc", Code::erfc, [](const Applied& c, const Tensor& g) { return g * (-2 / root_pi * exp(-square(c.in(0)))); });
constexpr Op erfinv_op = special_function(
    "erfinv", Code::erfinv, [](const Applied& c, const Tensor& g) { return g * (root_pi / 2 * exp(square(c.out()))); });
constexpr Op lgamma_op =
    special_function("lgamma", Code::log_gamma, [](const Applied& c, const Tensor& g) { return g * digamma(c.in(0)); });
constexpr Op digamma_op = special_function("digamma", Code::digamma,
                                           [](const Applied& c, const Tensor& g) { return g * polygamma(1, c.in(0)); });

// The order is an input, a number that rules count up and down, so that derivatives of every order exist.
Tensor polygamma_slope(const Applied& c, const Tensor& g);
Tensor bessel_slope(const Applied& c, const Tensor& g);
Tensor scaled_bessel_slope(const Applied& c, const Tensor& g);

constexpr Op of_order(const char* name, Code code, Rule rule) {
  return {.name = name,
          .kind = Kind::elementwise,
          .code = code,
          .promotion = Promotion::floating,
          .rules = {nullptr, rule}};
}
constexpr Op polygamma_op = of_order("polygamma", Code::polygamma, polygamma_slope);
constexpr Op bessel_op = of_order("bessel_i", Code::bessel_i, bessel_slope);
constexpr Op scaled_bessel_op = of_order("bessel_ie", Code::bessel_ie, scaled_bessel_slope);

Tensor polygamma_slope(const Applied& c, const Tensor& g) { return g * record(polygamma_op, c.in(0) + 1, c.in(1)); }

Tensor neighbours(const Op& op, const Applied& c) {
  const Tensor n = c.in(0), x = c.in(1);
  return 0.5 * (record(op, n - 1, x) + record(op, n + 1, x));
}
Tensor bessel_slope(const Applied& c, const Tensor& g) { return g * neighbours(bessel_op, c); }
Tensor scaled_bessel_slope(const Applied& c, const Tensor& g) {
  return g * (neighbours(scaled_bessel_op, c) - sign(c.in(1)) * c.out());
}

}  // namespace

Tensor erf(const Arg& x) { return record(erf_op, x); }
Tensor erfc(const Arg& x) { return record(erfc_op, x); }
Tensor erfinv(const Arg& x) { return record(erfinv_op, x); }
Tensor lgamma(const Arg& x) { return record(lgamma_op, x); }
Tensor digamma(const Arg& x) { return record(digamma_op, x); }

Tensor polygamma(int n, const Arg& x) {
  const Within here("polygamma", x);
  if (n < 0)
    throw ValueError("[polygamma] expected an order of at least 0, got " + std::to_string(n) + place(x.where()));
  return n == 0 ? digamma(x) : record(polygamma_op, n, x);
}

Tensor i0(const Arg& x) {
  const Within here("i0", x);
  return record(bessel_op, 0, x);
}
Tensor i0e(const Arg& x) {
  const Within here("i0e", x);
  return record(scaled_bessel_op, 0, x);
}
Tensor i1(const Arg& x) {
  const Within here("i1", x);
  return record(bessel_op, 1, x);
}
Tensor i1e(const Arg& x) {
  const Within here("i1e", x);
  return record(scaled_bessel_op, 1, x);
}

Rows special_rows() {
  using In = std::span<const Tensor>;
  static const std::vector<Row> rows = {
      {.name = "erf",
       .call = call_unary<erf>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return erf(doubles({0, -0.0, inf, -inf, nan, 30}));
                    },
                    {0, -0.0, 1, -1, nan, 1}},
                   {[] { return erf(ints({0})); }, {0}}}},
      {.name = "erfc",
       .call = call_unary<erfc>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return erfc(doubles({0, -0.0, inf, -inf, nan, 30}));
                    },
                    {1, 1, 0, 2, nan, 0}}}},
      {.name = "erfinv",
       .call = call_unary<erfinv>,
       .samples = unary_samples(-0.9, 0.9),
       .special = {{[] {
                      return erfinv(doubles({0, -0.0, 1, -1, 1.5, nan}));
                    },
                    {0, -0.0, inf, -inf, nan, nan}}}},
      {.name = "lgamma",
       .call = call_unary<lgamma>,
       .samples = unary_samples(0.3, 6),
       .special = {{[] {
                      return lgamma(doubles({0, 1, 2, -1, inf, nan}));
                    },
                    {inf, 0, 0, inf, inf, nan}}}},
      {.name = "gammaln", .call = call_unary<gammaln>, .samples = unary_samples(0.3, 6)},
      {.name = "digamma",
       .call = call_unary<digamma>,
       .samples = unary_samples(0.4, 6),
       .special = {{[] {
                      return digamma(doubles({0, -0.0, -1, inf, nan}));
                    },
                    {-inf, inf, nan, inf, nan}}}},
      {.name = "polygamma",
       .call = [](In in) { return polygamma(2, in[0]); },
       .samples = unary_samples(0.5, 6),
       .special = {{[] {
                      return polygamma(1, doubles({0, -2, inf, nan}));
                    },
                    {inf, inf, 0, nan}},
                   {[] {
                      return polygamma(0, doubles({0, inf}));
                    },
                    {-inf, inf}}},
       .errors = {{[] { return polygamma(-1, 1.0); }, "[polygamma] expected an order of at least 0, got -1"}}},
      {.name = "i0",
       .call = call_unary<i0>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return i0(doubles({0, -0.0, inf, -inf, nan}));
                    },
                    {1, 1, inf, inf, nan}}}},
      {.name = "i0e",
       .call = call_unary<i0e>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return i0e(doubles({0, inf, -inf, nan}));
                    },
                    {1, 0, 0, nan}}}},
      {.name = "i1",
       .call = call_unary<i1>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return i1(doubles({0, -0.0, inf, -inf, nan}));
                    },
                    {0, -0.0, inf, -inf, nan}}}},
      {.name = "i1e",
       .call = call_unary<i1e>,
       .samples = unary_samples(-3, 3),
       .special = {{[] {
                      return i1e(doubles({0, -0.0, inf, nan}));
                    },
                    {0, -0.0, 0, nan}}}},
  };
  return rows;
}

}  // namespace xgrad
