#include <xgrad/ops/elementwise.hpp>

#include <xgrad/graph/op.hpp>

#include <cmath>

namespace xgrad {
namespace {

using kernels::Code;

/// A function of real numbers.
constexpr Op real_function(const char* name, Code code, Rule rule) {
  return {.name = name,
          .kind = Kind::elementwise,
          .code = code,
          .promotion = Promotion::floating,
          .rules = {rule}};
}

constexpr Op exp_op = real_function("exp", Code::exp, [](const Applied& c, const Tensor& g) { return g * c.out(); });
constexpr Op expm1_op =
    real_function("expm1", Code::expm1, [](const Applied& c, const Tensor& g) { return g * (c.out() + 1); });
constexpr Op log_op = real_function("log", Code::log, [](const Applied& c, const Tensor& g) { return g / c.in(0); });
constexpr Op log1p_op =
    real_function("log1p", Code::log1p, [](const Applied& c, const Tensor& g) { return g / (1 + c.in(0)); });
constexpr Op sqrt_op =
    real_function("sqrt", Code::sqrt, [](const Applied& c, const Tensor& g) { return 0.5 * g / c.out(); });
constexpr Op reciprocal_op = real_function("reciprocal", Code::reciprocal, [](const Applied& c, const Tensor& g) {
  return -(g * square(c.out()));
});
constexpr Op sin_op =
    real_function("sin", Code::sin, [](const Applied& c, const Tensor& g) { return g * cos(c.in(0)); });
constexpr Op cos_op =
    real_function("cos", Code::cos, [](const Applied& c, const Tensor& g) { return -(g * sin(c.in(0))); });
constexpr Op tanh_op =
    real_function("tanh", Code::tanh, [](const Applied& c, const Tensor& g) { return g * (1 - square(c.out())); });

constexpr Op square_op{.name = "square",
                       .kind = Kind::elementwise,
                       .code = Code::square,
                       .rules = {[](const Applied& c, const Tensor& g) { return g * (2 * c.in(0)); }}};
constexpr Op abs_op{.name = "abs",
                    .kind = Kind::elementwise,
                    .code = Code::absolute,
                    .rules = {[](const Applied& c, const Tensor& g) { return g * sign(c.in(0)); }}};
constexpr Op sign_op{.name = "sign", .kind = Kind::elementwise, .code = Code::sign};

// --- powers ----------------------------------------------------------------------------------------------------------

/// With a known exponent (attribute 1 is twice the exponent) the derivative is known too, also at 0.
Tensor power_by_base(const Applied& c, const Tensor& g) {
  const Tensor a = c.in(0), b = c.in(1);
  if (c.attribute(0)) {
    const double exponent = static_cast<double>(c.attribute(1)) / 2;
    if (exponent == 0) return zeros_like(g);
    if (exponent == 1) return g;
    if (exponent == 2) return g * (2 * a);
    return g * (exponent * power(a, exponent - 1));
  }
  // At 0^0 the derivative is 0, not 0 * infinity.
  const Tensor lower = where(logical_and(equal(a, 0), equal(b, 0)), 0, b - 1);
  return g * (b * power(a, lower));
}

/// log is kept away from 0 inside the selection, so that no derivative of it meets 0 * infinity.
Tensor power_by_exponent(const Applied& c, const Tensor& g) {
  const Tensor a = c.in(0), b = c.in(1);
  const Tensor flat = logical_and(equal(a, 0), greater_equal(b, 0));
  return where(flat, 0, g * (c.out() * log(where(flat, 1, a))));
}

constexpr Op power_op{.name = "power",
                      .kind = Kind::elementwise,
                      .code = Code::power,
                      .rules = {power_by_base, power_by_exponent},
                      .symbol = "**"};

// --- choosing --------------------------------------------------------------------------------------------------------

/// The gradient of the side that was chosen: all of it, half at a tie, nothing where the other was.
Tensor share(const Tensor& lost, const Tensor& a, const Tensor& b, const Tensor& g) {
  return where(lost, 0, where(equal(a, b), 0.5 * g, g));
}

constexpr Op maximum_op{.name = "maximum",
                        .kind = Kind::elementwise,
                        .code = Code::maximum,
                        .rules = {[](const Applied& c, const Tensor& g) {
                                    return share(less(c.in(0), c.in(1)), c.in(0), c.in(1), g);
                                  },
                                  [](const Applied& c, const Tensor& g) {
                                    return share(less(c.in(1), c.in(0)), c.in(0), c.in(1), g);
                                  }}};
constexpr Op minimum_op{.name = "minimum",
                        .kind = Kind::elementwise,
                        .code = Code::minimum,
                        .rules = {[](const Applied& c, const Tensor& g) {
                                    return share(less(c.in(1), c.in(0)), c.in(0), c.in(1), g);
                                  },
                                  [](const Applied& c, const Tensor& g) {
                                    return share(less(c.in(0), c.in(1)), c.in(0), c.in(1), g);
                                  }}};

/// Whether x gives way to its bound: it is outside, or the bound is NaN (which no C++ number is expected to be).
Tensor gives_way(const Applied& c, const Tensor& outside) {
  return c.attribute(0) ? logical_or(outside, isnan(c.in(0))) : outside;
}
Tensor below(const Applied& c) { return gives_way(c, less(c.in(1), c.in(0))); }
Tensor above(const Applied& c) { return gives_way(c, less(c.in(0), c.in(1))); }

/// The larger and the smaller of a bound and x, where x keeps all of the gradient at a tie. Attribute 0 says whether
/// the bound is a tensor. Half the instructions of a comparison and a selection.
constexpr Op raise_op{.name = "clip",
                      .kind = Kind::elementwise,
                      .code = Code::maximum,
                      .rules = {[](const Applied& c, const Tensor& g) { return where(below(c), g, 0); },
                                [](const Applied& c, const Tensor& g) { return where(below(c), 0, g); }}};
constexpr Op lower_op{.name = "clip",
                      .kind = Kind::elementwise,
                      .code = Code::minimum,
                      .rules = {[](const Applied& c, const Tensor& g) { return where(above(c), g, 0); },
                                [](const Applied& c, const Tensor& g) { return where(above(c), 0, g); }}};

constexpr Op where_op{
    .name = "where",
    .kind = Kind::elementwise,
    .code = Code::select,
    .rules = {nullptr, [](const Applied& c, const Tensor& g) { return where(c.in(0), g, 0); },
              [](const Applied& c, const Tensor& g) { return where(c.in(0), 0, g); }}};

// --- questions -------------------------------------------------------------------------------------------------------

constexpr Op question(const char* name, Code code, const char* symbol = nullptr,
                      Promotion promotion = Promotion::common) {
  return {.name = name,
          .kind = Kind::elementwise,
          .code = code,
          .promotion = promotion,
          .gives_bool = true,
          .symbol = symbol};
}

constexpr Op equal_op = question("equal", Code::equal, "==");
constexpr Op not_equal_op = question("not_equal", Code::not_equal, "!=");
constexpr Op less_op = question("less", Code::less, "<");
constexpr Op less_equal_op = question("less_equal", Code::less_equal, "<=");
constexpr Op logical_and_op = question("logical_and", Code::logical_and, "&&");
constexpr Op logical_or_op = question("logical_or", Code::logical_or, "||");
constexpr Op logical_not_op = question("logical_not", Code::logical_not, "!");
constexpr Op isnan_op = question("isnan", Code::is_nan, nullptr, Promotion::floating);
constexpr Op isfinite_op = question("isfinite", Code::is_finite, nullptr, Promotion::floating);

}  // namespace

Tensor exp(const Arg& x) { return record(exp_op, x); }
Tensor expm1(const Arg& x) { return record(expm1_op, x); }
Tensor log(const Arg& x) { return record(log_op, x); }
Tensor log1p(const Arg& x) { return record(log1p_op, x); }
Tensor sqrt(const Arg& x) { return record(sqrt_op, x); }
Tensor square(const Arg& x) { return record(square_op, x); }
Tensor reciprocal(const Arg& x) { return record(reciprocal_op, x); }
Tensor abs(const Arg& x) { return record(abs_op, x); }
Tensor sign(const Arg& x) { return record(sign_op, x); }
Tensor sin(const Arg& x) { return record(sin_op, x); }
Tensor cos(const Arg& x) { return record(cos_op, x); }
Tensor tanh(const Arg& x) { return record(tanh_op, x); }

Tensor power(const Arg& a, const Arg& b) {
  if (b.kind() == Arg::Kind::tensor) return record(power_op, a, b);
  const double exponent = b.kind() == Arg::Kind::real ? b.real() : static_cast<double>(b.integer());
  const double twice = 2 * exponent;
  if (!(std::fabs(exponent) <= 64) || twice != std::floor(twice)) return record(power_op, a, b);
  return record(power_op, {a, b}, {.a = 1, .b = static_cast<std::int64_t>(twice)});
}

Tensor maximum(const Arg& a, const Arg& b) { return record(maximum_op, a, b); }
Tensor minimum(const Arg& a, const Arg& b) { return record(minimum_op, a, b); }

Tensor clip(const Arg& x, const Arg& low, const Arg& high) {
  const Within here("clip", x);
  // Of equals the second operand is taken: x keeps its sign of zero.
  const Tensor raised = record(raise_op, {low, x}, {.a = low.kind() == Arg::Kind::tensor});
  return record(lower_op, {high, raised}, {.a = high.kind() == Arg::Kind::tensor});
}

Tensor equal(const Arg& a, const Arg& b) { return record(equal_op, a, b); }
Tensor not_equal(const Arg& a, const Arg& b) { return record(not_equal_op, a, b); }
Tensor less(const Arg& a, const Arg& b) { return record(less_op, a, b); }
Tensor less_equal(const Arg& a, const Arg& b) { return record(less_equal_op, a, b); }
Tensor greater(const Arg& a, const Arg& b) {
  const Within here("greater", a);
  return record(less_op, b, a);
}
Tensor greater_equal(const Arg& a, const Arg& b) {
  const Within here("greater_equal", a);
  return record(less_equal_op, b, a);
}

Tensor logical_and(const Arg& a, const Arg& b) { return record(logical_and_op, a, b); }
Tensor logical_or(const Arg& a, const Arg& b) { return record(logical_or_op, a, b); }
Tensor logical_not(const Arg& x) { return record(logical_not_op, x); }
Tensor isnan(const Arg& x) { return record(isnan_op, x); }
Tensor isfinite(const Arg& x) { return record(isfinite_op, x); }

Tensor where(const Arg& condition, const Arg& a, const Arg& b) {
  const Within here("where", condition);
  return record(where_op, {cast(condition, bool_), a, b});
}

}  // namespace xgrad
