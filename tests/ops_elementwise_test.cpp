#include "reference_cases.hpp"

#include <xgrad/graph/rerecord.hpp>
#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <cstring>

using namespace xgrad;
using In = std::span<const Tensor>;

namespace {

template <Tensor (*function)(const Arg&)>
Tensor one(In x) {
  return function(x[0]);
}
template <Tensor (*function)(const Arg&, const Arg&)>
Tensor two(In x) {
  return function(x[0], x[1]);
}

/// Numbers of every size and sign, and between them the special ones.
std::vector<double> assorted(std::size_t n) {
  const double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1e308, -1e-310, 1.0, -1.0};
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(i);
    values[i] = i % 7 == 3 ? special[i / 7 % 10] : std::sin(x * 1.7) * std::exp(std::sin(x * 0.37) * 9);
  }
  return values;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::memcmp(&a[i], &b[i], sizeof(double)) != 0) return false;
  }
  return true;
}

Tensor slice_of(const std::vector<double>& values, std::size_t from, std::size_t count, DType dtype) {
  return tensor(std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(from),
                                    values.begin() + static_cast<std::ptrdiff_t>(from + count)),
                Shape{static_cast<std::int64_t>(count)}, {.dtype = dtype});
}

}  // namespace

TEST_CASE("elementwise functions have NumPy's values and exact derivatives") {
  reference::check_reference("elementwise_values.json",
                             {{"tan", one<xgrad::tan>},
                              {"arcsin", one<arcsin>},
                              {"arccos", one<arccos>},
                              {"arctan", one<arctan>},
                              {"sinh", one<xgrad::sinh>},
                              {"cosh", one<xgrad::cosh>},
                              {"tanh", one<xgrad::tanh>},
                              {"arcsinh", one<arcsinh>},
                              {"arccosh", one<arccosh>},
                              {"arctanh", one<arctanh>},
                              {"exp", one<xgrad::exp>},
                              {"exp2", one<xgrad::exp2>},
                              {"expm1", one<xgrad::expm1>},
                              {"log", one<xgrad::log>},
                              {"log1p", one<xgrad::log1p>},
                              {"log2", one<xgrad::log2>},
                              {"log10", one<xgrad::log10>},
                              {"sqrt", one<xgrad::sqrt>},
                              {"cbrt", one<xgrad::cbrt>},
                              {"square", one<square>},
                              {"reciprocal", one<reciprocal>},
                              {"abs", one<xgrad::abs>},
                              {"sign", one<sign>},
                              {"sinc", one<sinc>},
                              {"deg2rad", one<deg2rad>},
                              {"rad2deg", one<rad2deg>},
                              {"floor", one<xgrad::floor>},
                              {"ceil", one<xgrad::ceil>},
                              {"trunc", one<xgrad::trunc>},
                              {"rint", one<xgrad::rint>},
                              {"round_2", [](In x) { return xgrad::round(x[0], 2); }},
                              {"round_minus_1", [](In x) { return xgrad::round(x[0], -1); }},
                              {"nan_to_num", [](In x) { return nan_to_num(x[0]); }},
                              {"positive", one<positive>},
                              {"fabs", one<xgrad::fabs>},
                              {"isinf", one<xgrad::isinf>},
                              {"isnan", one<xgrad::isnan>},
                              {"isfinite", one<xgrad::isfinite>},
                              {"isposinf", one<isposinf>},
                              {"isneginf", one<isneginf>},
                              {"signbit", one<xgrad::signbit>},
                              {"logical_not", one<logical_not>},
                              {"arctan2", two<arctan2>},
                              {"hypot", two<xgrad::hypot>},
                              {"power", two<power>},
                              {"logaddexp", two<logaddexp>},
                              {"logaddexp2", two<logaddexp2>},
                              {"floor_divide", two<floor_divide>},
                              {"remainder", two<xgrad::remainder>},
                              {"fmod", two<xgrad::fmod>},
                              {"copysign", two<xgrad::copysign>},
                              {"nextafter", two<xgrad::nextafter>},
                              {"heaviside", two<heaviside>},
                              {"fmax", two<xgrad::fmax>},
                              {"fmin", two<xgrad::fmin>},
                              {"maximum", two<maximum>},
                              {"minimum", two<minimum>},
                              {"float_power", two<float_power>},
                              {"logical_xor", two<logical_xor>},
                              {"lerp_half", [](In x) { return xgrad::lerp(x[0], x[1], 0.4); }},
                              {"clip_low", [](In x) { return clip(x[0], x[1], 3); }},
                              {"bitwise_and", two<bitwise_and>},
                              {"bitwise_or", two<bitwise_or>},
                              {"bitwise_xor", two<bitwise_xor>},
                              {"bitwise_not", one<bitwise_not>},
                              {"left_shift", two<left_shift>},
                              {"right_shift", two<right_shift>},
                              {"gcd", two<xgrad::gcd>},
                              {"lcm", two<xgrad::lcm>},
                              {"add", two<add>},
                              {"multiply", two<multiply>}});
}

TEST_CASE("an element's result does not depend on where it stands, on its neighbours or on the form of the operands") {
  const std::vector<double> values = assorted(150), others = assorted(223);
  Tensor (*const functions[])(const Arg&) = {xgrad::tan,  arcsin,       arccos,       arctan,      xgrad::sinh,
                                             xgrad::cosh, xgrad::tanh,  arcsinh,      arccosh,     arctanh,
                                             xgrad::exp2, xgrad::log2,  xgrad::log10, xgrad::cbrt, xgrad::expm1,
                                             xgrad::rint, xgrad::trunc, xgrad::log1p, xgrad::sin,  xgrad::exp};
  Tensor (*const pairs[])(const Arg&, const Arg&) = {arctan2,      xgrad::hypot,     logaddexp,        xgrad::copysign,
                                                     floor_divide, xgrad::remainder, xgrad::nextafter, xgrad::fmod};
  for (const DType dtype : {float32, float64}) {
    for (std::size_t f = 0; f < std::size(functions); ++f) {
      INFO("function " << f << " " << name_of(dtype));
      const std::vector<double> all = functions[f](slice_of(values, 0, 150, dtype)).to_vector<double>();
      for (const std::size_t from : {0u, 1u, 5u, 77u})
        for (const std::size_t count : {1u, 2u, 3u, 9u, 70u}) {
          const std::vector<double> part = functions[f](slice_of(values, from, count, dtype)).to_vector<double>();
          INFO("from " << from << " count " << count);
          CHECK(same_bits(part, {all.begin() + static_cast<std::ptrdiff_t>(from),
                                 all.begin() + static_cast<std::ptrdiff_t>(from + count)}));
        }
    }
    for (std::size_t f = 0; f < std::size(pairs); ++f) {
      INFO("function of two " << f << " " << name_of(dtype));
      const Tensor a = slice_of(values, 0, 150, dtype), b = slice_of(others, 40, 150, dtype);
      const std::vector<double> all = pairs[f](a, b).to_vector<double>();
      for (const std::size_t i : {0u, 1u, 10u, 24u, 66u, 149u}) {
        const Tensor x = slice_of(values, i, 1, dtype), y = slice_of(others, 40 + i, 1, dtype);
        CHECK(same_bits(pairs[f](x, y).to_vector<double>(), {all[i]}));
        CHECK(same_bits({pairs[f](a, y).to_vector<double>()[i]}, {all[i]}));
        CHECK(same_bits({pairs[f](x, b).to_vector<double>()[i]}, {all[i]}));
      }
    }
  }
}

TEST_CASE("arithmetic of bool is or and and, with a result of bool") {
  const Tensor a = tensor({1, 1, 0, 0}, {.dtype = bool_}), b = tensor({1, 0, 1, 0}, {.dtype = bool_});
  CHECK((a + b).dtype() == bool_);
  CHECK((a * b).dtype() == bool_);
  CHECK((a + b).to_vector<int>() == std::vector<int>{1, 1, 1, 0});
  CHECK((a * b).to_vector<int>() == std::vector<int>{1, 0, 0, 0});
  CHECK((a + true).to_vector<int>() == std::vector<int>{1, 1, 1, 1});
  CHECK((a + 1).dtype() == int64);
  CHECK_THROWS_AS(a - b, DTypeError);
  CHECK_THROWS_AS(-a, DTypeError);
}

TEST_CASE("whole powers and logarithms of 2 and 10 are exact over the range of the type") {
  for (const DType dtype : {float32, float64}) {
    const int low = dtype == float32 ? -149 : -1074, high = dtype == float32 ? 127 : 1023;
    std::vector<double> exponents, powers, tens, ten_exponents;
    for (int e = low; e <= high; ++e) exponents.push_back(e), powers.push_back(std::ldexp(1.0, e));
    for (int e = 0; e <= (dtype == float32 ? 10 : 22); ++e) ten_exponents.push_back(e), tens.push_back(std::pow(10, e));
    const auto make = [&](const std::vector<double>& v) {
      return tensor(v, Shape{static_cast<std::int64_t>(v.size())}, {.dtype = dtype});
    };
    CHECK(xgrad::exp2(make(exponents)).to_vector<double>() == powers);
    CHECK(xgrad::log2(make(powers)).to_vector<double>() == exponents);
    CHECK(xgrad::log10(make(tens)).to_vector<double>() == ten_exponents);
  }
}

TEST_CASE("remainders are exact, however far apart the operands are") {
  std::vector<double> a, b;
  for (int i = 0; i < 4000; ++i) {
    a.push_back(std::sin(i * 1.1) * std::ldexp(1.0, i % 120 - 40));
    b.push_back(std::cos(i * 2.3) * std::ldexp(1.0, i % 37 - 20));
  }
  const Shape shape{4000};
  const std::vector<double> found = xgrad::fmod(tensor(a, shape), tensor(b, shape)).to_vector<double>();
  const Tensor x = tensor(a, shape, {.dtype = float32}), y = tensor(b, shape, {.dtype = float32});
  const std::vector<float> singles = xgrad::fmod(x, y).to_vector<float>();
  const std::vector<double> left = xgrad::remainder(tensor(a, shape), tensor(b, shape)).to_vector<double>();
  int wrong = 0, wrong_singles = 0, outside = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    wrong += found[i] != std::fmod(a[i], b[i]);
    wrong_singles += singles[i] != std::fmod(static_cast<float>(a[i]), static_cast<float>(b[i]));
    outside += !(std::fabs(left[i]) <= std::fabs(b[i]) && (left[i] == 0 || (left[i] < 0) == (b[i] < 0)));
  }
  CHECK(wrong == 0);
  CHECK(wrong_singles == 0);
  CHECK(outside == 0);
}

TEST_CASE("a division of integers obeys a = b * floor_divide(a, b) + remainder(a, b)") {
  for (const DType dtype : {uint8, int32, int64}) {
    const Tensor a = tensor({100, 7, 0, 255, 1}, {.dtype = dtype}),
                 b = tensor({{7}, {100}, {255}, {1}}, {.dtype = dtype});
    const Tensor again = b * floor_divide(a, b) + a % b;
    CHECK(again.dtype() == dtype);
    CHECK(again.to_vector<std::int64_t>() == (a + 0 * b).to_vector<std::int64_t>());
  }
}

TEST_CASE("the largest number that replaces an infinity follows the dtype when recorded again") {
  const Tensor x = tensor({double(INFINITY), 1.0}, {.dtype = float64});
  const Tensor y = nan_to_num(x);
  const Tensor again = rerecord(y, {{x, tensor({double(INFINITY), 2.0}, {.dtype = float32})}});
  CHECK(again.dtype() == float32);
  CHECK(again.to_vector<float>() == std::vector<float>{3.4028234663852886e38f, 2.0f});
}

TEST_CASE("third and fourth derivatives of smooth functions agree with the formulas") {
  const Tensor x = tensor({0.3, 0.7}, {.dtype = float64});
  const auto derivative = [&](Tensor y, int order) {
    for (int i = 0; i < order; ++i) y = grad(sum(y), x);
    return y.to_vector<double>();
  };
  const std::vector<double> sinc_3 = derivative(sinc(x), 3), sinc_0 = derivative(sinc(tensor({0.0}) + 0.0 * x), 0);
  const auto sinc_third = [](double t) {
    const double p = M_PI, a = p * t;
    return p * p * p * ((3 * a * a - 6) * std::sin(a) / std::pow(a, 4) - (a * a - 6) * std::cos(a) / std::pow(a, 3));
  };
  CHECK(std::fabs(sinc_3[0] - sinc_third(0.3)) < 1e-10);
  CHECK(std::fabs(sinc_3[1] - sinc_third(0.7)) < 1e-10);
  CHECK(sinc_0[0] == 1);
  const std::vector<double> log_3 = derivative(xgrad::log2(x), 3);
  CHECK(std::fabs(log_3[1] - 2 / (std::log(2) * 0.343)) < 1e-11);
  const std::vector<double> sinh_4 = derivative(xgrad::sinh(x), 4);
  CHECK(std::fabs(sinh_4[0] - std::sinh(0.3)) < 1e-14);
}
