#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

constexpr double inf = __builtin_inf(), nan = __builtin_nan("");

}  // namespace

Rows rounding_rows() {
  using In = std::span<const Tensor>;
  const char* const no_slope = "its result is bool";
  // Between whole numbers and halves, where nothing jumps.
  static const std::vector<Sample> between = unary_samples(0.1, 0.4);
  static const std::vector<Row> rows = {
      {.name = "floor",
       .call = call_unary<floor>,
       .samples = between,
       .special = {{[] {
                      return floor(doubles({-0.5, -0.0, 2.9, -inf, nan}));
                    },
                    {-1, -0.0, 2, -inf, nan}},
                   {[] { return floor(tensor({7}, {.dtype = uint8})); }, {7}}}},
      {.name = "ceil",
       .call = call_unary<ceil>,
       .samples = between,
       .special = {{[] {
                      return ceil(doubles({-0.5, -0.0, 2.1, -inf, nan}));
                    },
                    {-0.0, -0.0, 3, -inf, nan}},
                   {[] { return ceil(ints({0x1p62})); }, {0x1p62}}}},
      {.name = "trunc",
       .call = call_unary<trunc>,
       .samples = between,
       .special = {{[] {
                      return trunc(doubles({-0.5, -2.9, 2.9, -inf, nan, 1e300}));
                    },
                    {-0.0, -2, 2, -inf, nan, 1e300}}}},
      {.name = "fix",
       .call = call_unary<fix>,
       .samples = between,
       .special = {{[] {
                      return fix(doubles({-2.9, 2.9}));
                    },
                    {-2, 2}}}},
      {.name = "rint",
       .call = call_unary<rint>,
       .samples = between,
       .special = {{[] {
                      return rint(doubles({-0.5, 0.5, 1.5, 2.5, -2.6, inf, nan, -0.0}));
                    },
                    {-0.0, 0, 2, 2, -3, inf, nan, -0.0}}}},
      {.name = "round",
       .call = [](In in) { return round(in[0], 1); },
       .samples = unary_samples(0.11, 0.14),
       .special = {{[] {
                      return round(doubles({0.5, 1.5, -2.5, nan}));
                    },
                    {0, 2, -2, nan}},
                   {[] {
                      return round(doubles({1.25, -1.35, 0.05}), 1);
                    },
                    {1.2, -1.4, 0}},
                   {[] {
                      return round(doubles({1250, 1350, -49}), -2);
                    },
                    {1200, 1400, -0.0}},
                   {[] {
                      return round(ints({1250, 1350, -1250, -1350, -49, 51, 7}), -2);
                    },
                    {1200, 1400, -1200, -1400, 0, 100, 0}},
                   {[] {
                      return round(tensor({150, 149, 50}, {.dtype = uint8}), -2);
                    },
                    {200, 100, 0}},
                   {[] { return round(ints({9007199254740993.}), 3) - ints({9007199254740992.}); }, {0}}},
       .errors = {{[] { return round(zeros({2}), 400); }, "[round] expected from -300 to 300 decimals, got 400"}}},
      {.name = "floor_divide",
       .call = call_binary<floor_divide>,
       .samples = binary_samples(2.1, 2.9, 4, 6),
       .special = {{[] {
                      return floor_divide(doubles({7, -7, 7, -7, 1, -1, 0}), doubles({2, 2, -2, -2, inf, inf, -3}));
                    },
                    {3, -4, -4, 3, 0, -1, -0.0}},
                   {[] {
                      return floor_divide(doubles({1, -1, 0, inf, nan}), doubles({0, 0, 0, 1, 1}));
                    },
                    {inf, -inf, nan, nan, nan}},
                   {[] {
                      return floor_divide(ints({7, -7, 7, -7, 5, -0x1p63}), ints({2, 2, -2, -2, 0, -1}));
                    },
                    {3, -4, -4, 3, 0, -0x1p63}},
                   {[] { return floor_divide(tensor({200}, {.dtype = uint8}), tensor({7}, {.dtype = uint8})); }, {28}}},
       .errors = {{[] { return floor_divide(zeros({2}), zeros({3})); }, "[floor_divide] expected shapes"},
                  {[] { return floor_divide(Tensor(true), Tensor(true)); }, "[floor_divide] expected a dtype"}}},
      {.name = "remainder",
       .call = call_binary<remainder>,
       .samples = binary_samples(-7.9, -6.3, 4, 6),
       .special = {{[] {
                      return doubles({7, -7, 7, -7, 1, -1, -4}) % doubles({3, 3, -3, -3, inf, inf, 2});
                    },
                    {1, 2, -2, -1, 1, inf, 0}},
                   {[] {
                      return remainder(doubles({1, inf, nan, 4, -4}), doubles({0, 1, 1, -2, 2}));
                    },
                    {nan, nan, nan, -0.0, 0}},
                   {[] {
                      return remainder(ints({7, -7, 7, -7, 5, -0x1p63}), ints({3, 3, -3, -3, 0, -1}));
                    },
                    {1, 2, -2, -1, 0, 0}},
                   {[] { return remainder(doubles({1e300}), 7); }, {1}}},
       .errors = {{[] { return remainder(zeros({2}), zeros({3})); }, "[remainder]"}}},
      {.name = "mod", .call = call_binary<mod>, .samples = binary_samples(6.3, 7.9, 4, 6)},
      {.name = "fmod",
       .call = call_binary<fmod>,
       .samples = binary_samples(-7.9, -6.3, 4, 6),
       .special = {{[] {
                      return fmod(doubles({7, -7, 7, -7, 1, -1, -4}), doubles({3, 3, -3, -3, inf, inf, 2}));
                    },
                    {1, -1, 1, -1, 1, -1, -0.0}},
                   {[] {
                      return fmod(doubles({1, inf, nan}), doubles({0, 1, 1}));
                    },
                    {nan, nan, nan}},
                   {[] {
                      return fmod(ints({7, -7, 7, 5, -0x1p63}), ints({3, 3, -3, 0, -1}));
                    },
                    {1, -1, 1, 0, 0}}},
       .errors = {{[] { return fmod(zeros({2}), zeros({3})); }, "[fmod]"}}},
      {.name = "signbit",
       .call = call_unary<signbit>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return signbit(doubles({-1, -0.0, 0, inf, -inf}));
                    },
                    {1, 1, 0, 0, 1}},
                   {[] {
                      return signbit(ints({-3, 0}));
                    },
                    {1, 0}}},
       .no_derivative = no_slope},
      {.name = "copysign",
       .call = call_binary<copysign>,
       .samples = binary_samples(0.3, 2, -2, -0.4),
       .special = {{[] {
                      return copysign(doubles({1, -2, nan, 0, inf}), doubles({-0.0, 0, -1, -3, -2}));
                    },
                    {-1, 2, nan, -0.0, -inf}},
                   {[] {
                      const Tensor x = doubles({-2, 0, 3});
                      return grad(sum(copysign(x, -1)), x);
                    },
                    {1, -0.0, -1}}},
       .errors = {{[] { return copysign(zeros({2}), zeros({3})); }, "[copysign]"}}},
      {.name = "nextafter",
       .call = call_binary<nextafter>,
       .samples = binary_samples(0.3, 2, -2, 2),
       .special = {{[] {
                      return nextafter(doubles({0, 0, 1, inf, nan}), doubles({1, -1, 2, 0, 1}));
                    },
                    {5e-324, -5e-324, 1 + 0x1p-52, 0x1.fffffffffffffp1023, nan}},
                   {[] { return nextafter(tensor({1.0}), tensor({2.0})); }, {1 + 0x1p-23}}},
       .errors = {{[] { return nextafter(zeros({2}), zeros({3})); }, "[nextafter]"}},
       .no_derivative = "it steps between numbers of the dtype"},
      {.name = "positive",
       .call = call_unary<positive>,
       .samples = unary_samples(-2, 2),
       .errors = {{[] { return positive(true); }, "[positive] expected numbers, got bool"}}},
      {.name = "fabs",
       .call = call_unary<fabs>,
       .samples = unary_samples(0.3, 2),
       .special = {{[] { return fabs(ints({-3})); }, {3}},
                   {[] {
                      return fabs(doubles({-0.0, -inf}));
                    },
                    {0, inf}}}},
      {.name = "float_power",
       .call = call_binary<float_power>,
       .samples = binary_samples(0.5, 2, -2, 2),
       .special = {{[] {
                      return float_power(ints({2, 3}), -1);
                    },
                    {0.5, 1.0 / 3}}},
       .errors = {{[] { return float_power(zeros({2}), zeros({3})); }, "[float_power"}}},
      {.name = "heaviside",
       .call = call_binary<heaviside>,
       .samples = binary_samples(0.3, 2, -2, 2),
       .special = {{[] {
                      return heaviside(doubles({-1, 0, -0.0, 2, nan}), 0.5);
                    },
                    {0, 0.5, 0.5, 1, nan}},
                   {[] {
                      const Tensor v = doubles({3, 3, 3});
                      return grad(sum(heaviside(doubles({-1, 0, 1}), v)), v);
                    },
                    {0, 1, 0}}},
       .errors = {{[] { return heaviside(zeros({2}), zeros({3})); }, "[heaviside"}}},
      {.name = "xlogy",
       .call = call_binary<xlogy>,
       .samples = binary_samples(-2, 2, 0.3, 3),
       .special = {{[] {
                      return xlogy(doubles({0, 0, 0, 0, 2, 0}), doubles({0, -1, inf, nan, 0, 3}));
                    },
                    {0, 0, 0, nan, -inf, 0}},
                   {[] {
                      const Tensor x = doubles({0, 0});
                      return grad(sum(xlogy(x, doubles({0, 1}))), x);
                    },
                    {0, 0}}},
       .errors = {{[] { return xlogy(zeros({2}), zeros({3})); }, "[xlogy"}}},
      {.name = "lerp",
       .call = [](In in) { return lerp(in[0], in[1], 0.3) + lerp(in[0], 2, in[1]); },
       .samples = binary_samples(-2, 2, -2, 0.4),
       .special = {{[] {
                      return lerp(doubles({1, 1, 0.1}), doubles({3, 3, 0.7}), doubles({0, 0.5, 1}));
                    },
                    {1, 2, 0.7}}},
       .errors = {{[] { return lerp(zeros({2}), zeros({3}), 0.5); }, "[lerp"}}},
      {.name = "nan_to_num",
       .call = [](In in) { return nan_to_num(in[0]); },
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return nan_to_num(doubles({nan, inf, -inf, 3}));
                    },
                    {0, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023, 3}},
                   {[] {
                      return nan_to_num(tensor({inf, nan}), 7);
                    },
                    {0x1.fffffep127, 7}},
                   {[] {
                      return nan_to_num(doubles({nan, inf, -inf}), 1, 2, 3);
                    },
                    {1, 2, 3}},
                   {[] { return nan_to_num(ints({5})); }, {5}},
                   {[] {
                      const Tensor x = doubles({nan, inf, 3});
                      return grad(sum(nan_to_num(x)), x);
                    },
                    {0, 0, 1}}}},
      {.name = "fmax",
       .call = call_binary<fmax>,
       .samples = binary_samples(-2, 0, 0.1, 2),
       .special = {{[] {
                      return fmax(doubles({nan, 1, nan, 2}), doubles({1, nan, nan, 3}));
                    },
                    {1, 1, nan, 3}},
                   {[] {
                      const Tensor a = doubles({nan, 1, 2, 5});
                      return grad(sum(fmax(a, doubles({1, nan, 2, 3}))), a);
                    },
                    {0, 1, 0.5, 1}}},
       .errors = {{[] { return fmax(zeros({2}), zeros({3})); }, "[fmax"}}},
      {.name = "fmin",
       .call = call_binary<fmin>,
       .samples = binary_samples(-2, 0, 0.1, 2),
       .special = {{[] {
                      return fmin(doubles({nan, 1, nan, 2}), doubles({1, nan, nan, 3}));
                    },
                    {1, 1, nan, 2}}},
       .errors = {{[] { return fmin(zeros({2}), zeros({3})); }, "[fmin"}}},
      {.name = "logical_xor",
       .call = call_binary<logical_xor>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] {
                      return logical_xor(doubles({0, nan, 1}), doubles({1, 1, 0}));
                    },
                    {1, 0, 1}}},
       .no_derivative = no_slope},
      {.name = "isinf",
       .call = call_unary<isinf>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return isinf(doubles({0, -inf, inf, nan}));
                    },
                    {0, 1, 1, 0}},
                   {[] { return isinf(ints({3})); }, {0}}},
       .no_derivative = no_slope},
      {.name = "isposinf",
       .call = call_unary<isposinf>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return isposinf(doubles({0, -inf, inf, nan}));
                    },
                    {0, 0, 1, 0}}},
       .no_derivative = no_slope},
      {.name = "isneginf",
       .call = call_unary<isneginf>,
       .samples = unary_samples(-2, 2),
       .special = {{[] {
                      return isneginf(doubles({0, -inf, inf, nan}));
                    },
                    {0, 1, 0, 0}}},
       .no_derivative = no_slope},
  };
  return rows;
}

}  // namespace xgrad
