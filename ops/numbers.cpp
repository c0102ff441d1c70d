#include <xgrad/ops/numbers.hpp>

#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <cfloat>
#include <limits>
#include <string>

namespace xgrad {
namespace {

Tensor whole_numbers(const char* name, const Arg& x, const Arg& where) {
  const Tensor t = x.tensor();
  if (is_floating(t.dtype()))
    throw DTypeError(std::string("[") + name + "] expected an integer dtype, got " + name_of(t.dtype()) +
                     place(where.where()));
  return t;
}

/// The exponent that leaves a mantissa in [0.5, 1); 0 where there is none.
Tensor exponent_of(const Tensor& x) {
  const NoGrad none;
  const Tensor wide = cast(x, float64), plain = logical_and(isfinite(wide), not_equal(wide, 0));
  const Tensor size = where(plain, abs(wide), 1), small = less(size, std::numeric_limits<double>::min());
  const Tensor scaled = where(small, size * 0x1p54, size);
  // The logarithm may be rounded to a whole number that the number itself does not reach, or passes.
  const Tensor guess = cast(floor(log2(scaled)), int32) + 1, found = ldexp(scaled, -guess);
  const Tensor exponent = where(less(found, 0.5), guess - 1, where(less(found, 1), guess, guess + 1));
  return where(plain, where(small, exponent - 54, exponent), 0);
}

}  // namespace

FractionAndWhole modf(const Arg& x) {
  const Within here("modf", x);
  const Tensor t = real(x), whole = trunc(t);
  const Tensor rest = where(isinf(t), 0, t - where(isinf(t), 0, whole));
  return {where(equal(rest, 0), copysign(stop_gradient(rest), stop_gradient(t)), rest), whole};
}

MantissaAndExponent frexp(const Arg& x) {
  const Within here("frexp", x);
  const Tensor t = real(x), exponent = exponent_of(t);
  return {ldexp(t, -exponent), exponent};
}

Tensor ldexp(const Arg& x, const Arg& exponent) {
  const Within here("ldexp", x);
  const Tensor t = real(x), n = whole_numbers("ldexp", exponent, x);
  // In float64 and by powers of two that it holds: factors of 1 but for exponents beyond them. Where the result is
  // small, the last factor is so small that nothing was rounded before it.
  const Tensor wide = clip(cast(n, float64), -3100, 3100);
  const auto step = [](const Tensor& rest) {
    return where(less(rest, -1022), -969.0, where(greater(rest, 1023), 1023.0, 0.0));
  };
  const Tensor first = step(wide), second = step(wide - first);
  const Tensor last = clip(wide - first - second, -1022, 1023);
  return cast(cast(t, float64) * exp2(cast(first, float64)) * exp2(cast(second, float64)) * exp2(last), t.dtype());
}

Tensor spacing(const Arg& x) {
  const Within here("spacing", x);
  const NoGrad none;
  const Tensor t = real(x), size = abs(t);
  const Tensor step = nextafter(size, std::numeric_limits<double>::infinity()) - size;
  return where(equal(t, 0), step, copysign(step, t));
}

QuotientAndRemainder divmod(const Arg& a, const Arg& b) {
  const Within here("divmod", a);
  return {floor_divide(a, b), remainder(a, b)};
}

Tensor bitwise_count(const Arg& x) {
  const Within here("bitwise_count", x);
  // Pairs, fours and bytes of bits are summed side by side, then the bytes.
  Tensor n = abs(cast(whole_numbers("bitwise_count", x, x), int64));
  n = n - bitwise_and(right_shift(n, 1), 0x5555555555555555);
  n = bitwise_and(n, 0x3333333333333333) + bitwise_and(right_shift(n, 2), 0x3333333333333333);
  n = bitwise_and(n + right_shift(n, 4), 0x0f0f0f0f0f0f0f0f);
  for (const int bits : {8, 16, 32}) n = n + right_shift(n, bits);
  return cast(bitwise_and(n, 0x7f), uint8);
}

Tensor rsqrt(const Arg& x) {
  const Within here("rsqrt", x);
  return reciprocal(sqrt(x));
}

Tensor divide_no_nan(const Arg& a, const Arg& b) {
  const Within here("divide_no_nan", a);
  const Tensor below = real(b), none = equal(below, 0);
  return where(none, 0, real(a) / where(none, 1, below));
}

Tensor saturate_cast(const Arg& x, DType dtype) {
  const Within here("saturate_cast", x);
  const Tensor t = x.tensor();
  if (t.dtype() == float64 && dtype == float32) {
    const double most = std::numeric_limits<float>::max();
    return cast(clip(t, -most, most), dtype);
  }
  // Floats saturate in the cast itself.
  if (is_floating(t.dtype()) || t.dtype() <= dtype || dtype == bool_) return cast(t, dtype);
  using Limits = std::numeric_limits<std::int32_t>;
  return cast(dtype == uint8 ? clip(t, 0, 255) : clip(t, Limits::min(), Limits::max()), dtype);
}

Rows numbers_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan(""), tiny = 0x1p-1074;
  static const auto given = [](std::vector<double> values, DType dtype = int64) {
    return SampleInput{
        .shape = {static_cast<std::int64_t>(values.size())}, .dtype = dtype, .values = std::move(values)};
  };
  static const char* const whole = "it is a function of whole numbers";
  static const std::vector<Row> rows = {
      {.name = "modf",
       .call = [](In in) { return modf(in[0]).fraction * 2 + modf(in[0]).whole; },
       .samples = unary_samples(-2.4, 2.6),
       .special = {{[] {
                      return modf(doubles({-1.5, 2, -2, 0, -0.0, inf, -inf, nan})).fraction;
                    },
                    {-0.5, 0, -0.0, 0, -0.0, 0, -0.0, nan}},
                   {[] {
                      return modf(doubles({-1.5, 0.5, -0.5, inf, nan})).whole;
                    },
                    {-1, 0, -0.0, inf, nan}},
                   {[] {
                      const Tensor x = doubles({1.5, 2});
                      return grad(sum(modf(x).fraction), x);
                    },
                    {1, 0}}}},
      {.name = "frexp",
       .call = [](In in) { return frexp(in[0]).mantissa + frexp(in[0]).exponent; },
       .samples = unary_samples(0.3, 3.2),
       .special = {{[] {
                      return frexp(doubles({8, 0.75, -3, 0, -0.0, inf, nan, tiny, DBL_MAX})).mantissa;
                    },
                    {0.5, 0.75, -0.75, 0, -0.0, inf, nan, 0.5, 1 - 0x1p-53}},
                   {[] {
                      return frexp(doubles({8, 0.75, -3, 0, inf, nan, tiny, DBL_MAX, 1 - 0x1p-53})).exponent;
                    },
                    {4, 0, 2, 0, 0, 0, -1073, 1024, 0}},
                   {[] {
                      return frexp(cast(doubles({0x1p-149, FLT_MAX}), float32)).exponent;
                    },
                    {-148, 128}}}},
      {.name = "ldexp",
       .call = [](In in) { return ldexp(in[0], in[1]); },
       .samples = {{{{.shape = {3}}, given({-3, 0, 5})}},
                   {{{.shape = {2, 3}}, given({1, 2, 3})}},
                   {{{.shape = {}}, given({1, 2, 3})}},
                   {{{.shape = {0, 3}}, given({1, 2, 3})}},
                   {{{.shape = {2, 3}, .strided = true}, given({-1, 0, 1})}}},
       .special = {{[] {
                      return ldexp(doubles({1, 1, tiny, 3, -1, inf, nan, 1}),
                                   ints({-1074, 1023, 2097, -1075, 4000, -9, 1, -4000}));
                    },
                    {tiny, 0x1p1023, 0x1p1023, 0x1p-1073, -inf, inf, nan, 0}},
                   {[] {
                      return ldexp(cast(doubles({3, 1}), float32), ints({-149, 200}));
                    },
                    {3 * 0x1p-149, inf}}},
       .errors = {{[] { return ldexp(zeros({2}), zeros({2})); }, "[ldexp] expected an integer dtype, got float32"}}},
      {.name = "spacing",
       .call = [](In in) { return spacing(in[0]); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return spacing(doubles({1, -1, 0, -0.0, inf, nan, DBL_MAX}));
                    },
                    {0x1p-52, -0x1p-52, tiny, tiny, nan, nan, inf}}},
       .no_derivative = "it depends on the exponent of its input alone"},
      {.name = "divmod",
       .call = [](In in) { return divmod(in[0], in[1]).quotient + divmod(in[0], in[1]).remainder; },
       .samples = binary_samples(-2, 2, 0.7, 0.9),
       .special = {{[] {
                      return divmod(ints({7, -7, 7, 1}), ints({2, 2, -2, 0})).quotient;
                    },
                    {3, -4, -4, 0}},
                   {[] {
                      return divmod(ints({7, -7, 7, 1}), ints({2, 2, -2, 0})).remainder;
                    },
                    {1, 1, -1, 0}}},
       .errors = {{[] { return divmod(zeros({2}), zeros({3})).quotient; }, "[divmod: floor_divide]"}}},
      {.name = "bitwise_count",
       .call = [](In in) { return bitwise_count(in[0]); },
       .samples = {{{given({0, 5, 255})}}},
       .special = {{[] {
                      return bitwise_count(tensor(std::vector<std::int64_t>{INT64_MAX, INT64_MIN, -1, -3, 0}, {5}));
                    },
                    {63, 1, 1, 2, 0}},
                   {[] {
                      return bitwise_count(tensor({1, 0}, {.dtype = bool_}));
                    },
                    {1, 0}},
                   {[] { return bitwise_count(tensor({255}, {.dtype = uint8})); }, {8}}},
       .errors = {{[] { return bitwise_count(zeros({2})); }, "[bitwise_count] expected an integer dtype, got float32"}},
       .no_derivative = whole,
       .fewer_samples = whole},
      {.name = "rsqrt",
       .call = [](In in) { return rsqrt(in[0]); },
       .samples = unary_samples(0.3, 3),
       .special = {{[] {
                      return rsqrt(doubles({4, 0, -0.0, -1, inf, nan}));
                    },
                    {0.5, inf, -inf, nan, 0, nan}}}},
      {.name = "divide_no_nan",
       .call = [](In in) { return divide_no_nan(in[0], in[1]); },
       .samples = binary_samples(-2, 2, 0.5, 2),
       .special = {{[] {
                      return divide_no_nan(doubles({1, 0, nan, 3}), doubles({0, -0.0, 0, 2}));
                    },
                    {0, 0, 0, 1.5}},
                   {[] {
                      const Tensor a = doubles({1, 3}), b = doubles({0, 2});
                      return concatenate({grad(sum(divide_no_nan(a, b)), a), grad(sum(divide_no_nan(a, b)), b)});
                    },
                    {0, 0.5, 0, -0.75}}},
       .errors = {{[] { return divide_no_nan(zeros({2}), zeros({3})); }, "[divide_no_nan: "}}},
      {.name = "saturate_cast",
       .call = [](In in) { return saturate_cast(in[0], float64); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return saturate_cast(ints({-3, 7, 300}), uint8);
                    },
                    {0, 7, 255}},
                   {[] {
                      return saturate_cast(doubles({-3, 7.9, 300, nan}), uint8);
                    },
                    {0, 7, 255, 0}},
                   {[] {
                      return saturate_cast(ints({1e10, -1e10}), int32);
                    },
                    {2147483647, -2147483648.0}},
                   {[] {
                      return saturate_cast(doubles({1e300, -inf, nan, 2}), float32);
                    },
                    {FLT_MAX, -FLT_MAX, nan, 2}},
                   {[] {
                      return saturate_cast(ints({0, 7}), bool_);
                    },
                    {0, 1}}}},
  };
  return rows;
}

}  // namespace xgrad
