#include <xgrad/ops/elementwise.hpp>

#include <xgrad/graph/op.hpp>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace xgrad {
namespace {

using kernels::Code;

constexpr double inf = __builtin_inf();

// --- rounding --------------------------------------------------------------------------------------------------------

constexpr Op rounding(const char* name, Code code) {
  return {.name = name, .kind = Kind::elementwise, .code = code, .promotion = Promotion::floating};
}
constexpr Op floor_op = rounding("floor", Code::floor);
constexpr Op ceil_op = rounding("ceil", Code::ceil);
constexpr Op trunc_op = rounding("trunc", Code::trunc);
constexpr Op rint_op = rounding("rint", Code::rint);

/// Integers are whole already; as float32 they would lose digits.
Tensor whole(const Op& op, const Arg& x) {
  Tensor t = x.tensor();
  return is_floating(t.dtype()) ? record(op, x) : t;
}

/// An integer to the nearest multiple of `unit`, halves to the even multiple.
Tensor nearest_multiple(const Tensor& x, std::int64_t unit) {
  const Tensor below = floor_divide(x, unit), left = x - below * unit;
  const Tensor half = left * 2, odd = not_equal(remainder(below, 2), 0);
  const Tensor up = logical_or(less(unit, half), logical_and(equal(half, unit), odd));
  return (below + where(up, 1, 0)) * unit;
}

// --- division --------------------------------------------------------------------------------------------------------

constexpr Op floor_divide_op{
    .name = "floor_divide", .kind = Kind::elementwise, .code = Code::floor_divide, .symbol = "//"};

constexpr Op remainder_op{
    .name = "remainder",
    .kind = Kind::elementwise,
    .code = Code::remainder,
    .rules = {[](const Applied&, const Tensor& g) { return g; },
              [](const Applied& c, const Tensor& g) { return -(g * floor_divide(c.in(0), c.in(1))); }},
    .symbol = "%"};

// Without the remainder the quotient is whole but for a rounding, so that trunc(a / b) needs no care at its jumps.
constexpr Op fmod_op{
    .name = "fmod",
    .kind = Kind::elementwise,
    .code = Code::fmod,
    .rules = {[](const Applied&, const Tensor& g) { return g; },
              [](const Applied& c, const Tensor& g) { return -(g * rint((c.in(0) - c.out()) / c.in(1))); }}};

// --- signs -----------------------------------------------------------------------------------------------------------

constexpr Op copysign_op{
    .name = "copysign",
    .kind = Kind::elementwise,
    .code = Code::copysign,
    .promotion = Promotion::floating,
    .rules = {[](const Applied& c, const Tensor& g) { return g * (sign(c.in(0)) * copysign(1, c.in(1))); }}};

constexpr Op nextafter_op{
    .name = "nextafter", .kind = Kind::elementwise, .code = Code::nextafter, .promotion = Promotion::floating};

/// The largest finite number of whatever dtype this is recorded in.
double largest_number(const Applied& c) {
  return c.in(0).dtype() == float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
}
void infer_largest(Recording& call) { call.result({}, call.dtype(0)); }
constexpr Op largest_op{.name = "largest_number",
                        .kind = Kind::constant,
                        .infer = infer_largest,
                        .shape_only = 1,
                        .number = largest_number};

/// Whether x is this infinity; nothing but a float ever is.
Tensor is_infinity(const Tensor& x, double infinity) {
  return is_floating(x.dtype()) ? equal(x, infinity) : cast(zeros_like(x), bool_);
}

}  // namespace

Tensor floor(const Arg& x) { return whole(floor_op, x); }
Tensor ceil(const Arg& x) { return whole(ceil_op, x); }
Tensor trunc(const Arg& x) { return whole(trunc_op, x); }
Tensor rint(const Arg& x) { return whole(rint_op, x); }

Tensor round(const Arg& x, int decimals) {
  const Within here("round", x);
  if (std::abs(decimals) > 300)
    throw ValueError("[round] expected from -300 to 300 decimals, got " + std::to_string(decimals) + place(x.where()));
  const Tensor t = x.tensor();
  if (decimals == 0 || (decimals > 0 && !is_floating(t.dtype()))) return rint(t);
  const double unit = std::pow(10.0, std::abs(decimals));
  if (decimals > 0) return rint(t * unit) / unit;
  if (is_floating(t.dtype())) return rint(t / unit) * unit;
  const double most = t.dtype() == int64 ? 0x1p62 : t.dtype() == int32 ? 0x1p30 : 255.0;
  if (t.dtype() == bool_ || unit > most) return zeros_like(t);
  // A remainder is doubled, for which uint8 is too short.
  const Tensor wide = t.dtype() == uint8 ? cast(t, int32) : t;
  return cast(nearest_multiple(wide, static_cast<std::int64_t>(unit)), t.dtype());
}

Tensor floor_divide(const Arg& a, const Arg& b) { return record(floor_divide_op, a, b); }
Tensor remainder(const Arg& a, const Arg& b) { return record(remainder_op, a, b); }
Tensor fmod(const Arg& a, const Arg& b) { return record(fmod_op, a, b); }

Tensor signbit(const Arg& x) {
  const Within here("signbit", x);
  const Tensor t = x.tensor();
  return is_floating(t.dtype()) ? less(copysign(1, t), 0) : less(t, 0);
}

Tensor copysign(const Arg& a, const Arg& b) { return record(copysign_op, a, b); }
Tensor nextafter(const Arg& a, const Arg& b) { return record(nextafter_op, a, b); }

Tensor positive(const Arg& x) {
  Tensor t = x.tensor();
  if (t.dtype() == bool_) throw DTypeError("[positive] expected numbers, got bool" + place(x.where()));
  return t;
}

Tensor fabs(const Arg& x) {
  const Within here("fabs", x);
  const Tensor t = x.tensor();
  return abs(is_floating(t.dtype()) ? t : cast(t, float32));
}

Tensor float_power(const Arg& a, const Arg& b) {
  const Within here("float_power", a);
  // A C++ number keeps its own rule as an exponent.
  return b.kind() == Arg::Kind::tensor ? power(cast(a, float64), cast(b, float64)) : power(cast(a, float64), b);
}

Tensor heaviside(const Arg& x, const Arg& value) {
  const Within here("heaviside", x);
  const Tensor t = x.tensor();
  const Tensor real = is_floating(t.dtype()) ? t : cast(t, float32);
  const Tensor step = where(less(real, 0), 0, where(equal(real, 0), value, 1));
  return where(isnan(real), stop_gradient(real), step);
}

// Where x is 0 the product may still be needed: its derivative by x is log(y).
Tensor xlogy(const Arg& x, const Arg& y) {
  const Within here("xlogy", x);
  const Tensor flat = logical_and(equal(x, 0), logical_or(less_equal(y, 0), equal(y, inf)));
  return where(flat, 0, multiply(x, log(where(flat, 1, y))));
}

// From the nearer end, so that both ends are met exactly.
Tensor lerp(const Arg& a, const Arg& b, const Arg& t) {
  const Within here("lerp", a);
  const Tensor width = subtract(b, a);
  const auto from_a = [&] { return add(a, multiply(t, width)); };
  const auto from_b = [&] { return subtract(b, width * subtract(1, t)); };
  if (t.kind() == Arg::Kind::real) return t.real() < 0.5 ? from_a() : from_b();
  return where(less(t, 0.5), from_a(), from_b());
}

Tensor nan_to_num(const Arg& x, double nan, double posinf, double neginf) {
  const Within here("nan_to_num", x);
  Tensor t = x.tensor();
  if (!is_floating(t.dtype())) return t;
  // A given replacement is chosen first: limiting then leaves it alone unless it is itself infinite.
  if (!std::isinf(posinf)) t = where(equal(t, inf), posinf, t);
  if (!std::isinf(neginf)) t = where(equal(t, -inf), neginf, t);
  const Tensor largest = record(largest_op, {t});
  return where(isnan(t), nan, clip(t, -largest, largest));
}

Tensor fmax(const Arg& a, const Arg& b) {
  const Within here("fmax", a);
  return where(isnan(a), b, where(isnan(b), a, maximum(a, b)));
}

Tensor fmin(const Arg& a, const Arg& b) {
  const Within here("fmin", a);
  return where(isnan(a), b, where(isnan(b), a, minimum(a, b)));
}

Tensor logical_xor(const Arg& a, const Arg& b) {
  const Within here("logical_xor", a);
  return not_equal(cast(a, bool_), cast(b, bool_));
}

Tensor isinf(const Arg& x) {
  const Within here("isinf", x);
  const Tensor t = x.tensor();
  return is_infinity(is_floating(t.dtype()) ? abs(t) : t, inf);
}
Tensor isposinf(const Arg& x) {
  const Within here("isposinf", x);
  return is_infinity(x.tensor(), inf);
}
Tensor isneginf(const Arg& x) {
  const Within here("isneginf", x);
  return is_infinity(x.tensor(), -inf);
}

}  // namespace xgrad
