#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/fields.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad {

namespace {

std::string label(const char* kind, const std::string& name) {
  return std::string("[") + kind + (name.empty() ? "" : " '" + name + "'") + "] ";
}

void check_not_negative(const std::string& where, const char* what, double value) {
  if (!(value >= 0)) throw ValueError(where + "expected " + what + " of 0 or more, got " + number_text(value));
}

/// The number that stands for what is left out, small enough for softmax to make 0 of it.
double lowest(DType dtype) { return dtype == float64 ? -1e300 : -3e38; }

}  // namespace

ReLU::ReLU(ReLUOptions o)
    : max_value(o.max_value), negative_slope(o.negative_slope), threshold(o.threshold), name(std::move(o.name)) {
  const std::string where = label("ReLU", name);
  if (max_value) check_not_negative(where, "max_value", *max_value);
  check_not_negative(where, "negative_slope", negative_slope);
  check_not_negative(where, "threshold", threshold);
}
Tensor ReLU::operator()(const Tensor& x) const {
  if (is_symbolic(x)) return symbolic_call(Layer(*this), std::span(&x, 1))[0];
  const Tensor t = is_floating(x.dtype()) ? x : cast(x, float32);
  Tensor y = threshold == 0 ? relu(t) : where(t <= threshold, 0, t);
  if (max_value) y = where(y >= *max_value, *max_value, y);
  if (negative_slope == 0) return y;
  return where(t < threshold, negative_slope * (t - threshold), y);
}

LeakyReLU::LeakyReLU(LeakyReLUOptions o) : negative_slope(o.negative_slope), name(std::move(o.name)) {
  check_not_negative(label("LeakyReLU", name), "negative_slope", negative_slope);
}
Tensor LeakyReLU::operator()(const Tensor& x) const {
  if (is_symbolic(x)) return symbolic_call(Layer(*this), std::span(&x, 1))[0];
  return leaky_relu(x, negative_slope);
}

ELU::ELU(ELUOptions o) : alpha(o.alpha), name(std::move(o.name)) {}
Tensor ELU::operator()(const Tensor& x) const {
  if (is_symbolic(x)) return symbolic_call(Layer(*this), std::span(&x, 1))[0];
  return elu(x, alpha);
}

Softmax::Softmax(SoftmaxOptions o) : axis(o.axis), name(std::move(o.name)) {}
Tensor Softmax::operator()(const Tensor& x) const {
  if (is_symbolic(x)) return symbolic_call(Layer(*this), std::span(&x, 1))[0];
  if (!axis.all() && axis.end() - axis.begin() == 1) return softmax(x, *axis.begin());
  return exp(x - logsumexp(x, axis, true));
}
Tensor Softmax::operator()(const Tensor& x, const Tensor& mask) const {
  const Tensor kept = mask.dtype() == bool_ ? mask : mask > 0.5;
  bool fits = kept.rank() <= x.rank();
  for (int i = 1; fits && i <= kept.rank(); ++i) fits = kept.dim(-i) == 1 || kept.dim(-i) == x.dim(-i);
  if (!fits)
    throw ShapeError(label("Softmax", name) + "expected a mask that broadcasts to x " + to_string(x.shape()) +
                     ", got " + to_string(mask.shape()));
  return where(kept, (*this)(where(kept, x, lowest(x.dtype()))), 0);
}

struct PReLU::State : Counted {
  explicit State(PReLUOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }

  PReLUOptions options;
  Parameter alpha;
};

PReLU::PReLU(PReLUOptions options) : state_(new State(std::move(options))) {
  const PReLUOptions& o = state_->options;
  for (std::size_t i = 0; i < o.shared_axes.size(); ++i) {
    if (o.shared_axes[i] < 1)
      throw ValueError(label("PReLU", o.name) + "expected shared_axes of 1 or more (0 is the batch), got " +
                       std::to_string(o.shared_axes[i]));
    for (std::size_t k = 0; k < i; ++k)
      if (o.shared_axes[i] == o.shared_axes[k])
        throw ValueError(label("PReLU", o.name) + "expected different shared_axes, got " +
                         std::to_string(o.shared_axes[i]) + " twice");
  }
  if (o.input_shape.rank() > 0) build(o.input_shape, o.dtype.value_or(float32), default_generator());
}

const Parameter& PReLU::alpha() const { return state_->alpha; }
const std::string& PReLU::name() const { return state_->options.name; }
const Shape& PReLU::input_shape() const { return state_->options.input_shape; }

void PReLU::build(const Shape& input, DType dtype, Generator& generator) const {
  State& s = *state_;
  const PReLUOptions& o = s.options;
  if (s.alpha.defined()) return;
  Shape shape = input;
  for (const int axis : o.shared_axes) {
    if (axis > input.rank())
      throw ValueError(label("PReLU", o.name) + "expected shared_axes of x's " + std::to_string(input.rank() + 1) +
                       " axes, got " + std::to_string(axis));
    shape.set(axis - 1, 1);
  }
  const Tensor values = o.alpha_initializer(shape, dtype, generator);
  if (values.shape() != shape || values.dtype() != dtype)
    throw ShapeError(label("PReLU", o.name) + "expected the alpha initializer to give " + to_string(shape) + " " +
                     name_of(dtype) + ", got " + to_string(values.shape()) + " " + name_of(values.dtype()));
  s.alpha = Parameter(values, (o.name.empty() ? "p_re_lu" : o.name) + "/alpha");
}

Tensor PReLU::operator()(const Tensor& x) const { return call_alone(*this, x); }

Tensor PReLU::operator()(const Tensor& x, Call& call) const {
  const PReLUOptions& o = state_->options;
  if (x.rank() == 0) throw ShapeError(label("PReLU", o.name) + "expected x with a batch axis, got a scalar");
  Shape one;
  for (int i = 1; i < x.rank(); ++i) one.append(x.dim(i));
  build(one, o.dtype.value_or(is_floating(x.dtype()) ? x.dtype() : float32), call.random());
  const Shape& built = state_->alpha.shape();
  bool fits = built.rank() == one.rank();
  for (int i = 0; fits && i < one.rank(); ++i) {
    bool is_shared = false;
    for (const int axis : o.shared_axes) is_shared = is_shared || axis == i + 1;
    fits = is_shared || built[i] == one[i];
  }
  if (!fits)
    throw ShapeError(label("PReLU", o.name) + "expected inputs that fit slopes of shape " + to_string(built) +
                     ", got x of shape " + to_string(x.shape()));
  const Tensor t = is_floating(x.dtype()) ? x : cast(x, state_->alpha.dtype());
  return relu(t) - state_->alpha * relu(-t);
}

void PReLU::each(Visit visit) {
  visit.own(state_);
  visit("alpha", state_->alpha, state_->options.alpha_regularizer, state_->options.alpha_constraint);
}

namespace {

void describe(Fields& f, ReLUOptions& o) {
  f("max_value", o.max_value);
  f("negative_slope", o.negative_slope);
  f("threshold", o.threshold);
  f("name", o.name);
}

}  // namespace

Config ReLU::get_config() const {
  ReLUOptions o{max_value, negative_slope, threshold, name};
  return written([&](Fields& f) { describe(f, o); });
}

ReLU ReLU::from_config(const Config& config) {
  ReLUOptions o;
  read_config("ReLU", config, [&](Fields& f) { describe(f, o); });
  return ReLU(std::move(o));
}

namespace {

void describe(Fields& f, LeakyReLUOptions& o) {
  f("negative_slope", o.negative_slope);
  f("name", o.name);
}

}  // namespace

Config LeakyReLU::get_config() const {
  LeakyReLUOptions o{negative_slope, name};
  return written([&](Fields& f) { describe(f, o); });
}

LeakyReLU LeakyReLU::from_config(const Config& config) {
  LeakyReLUOptions o;
  read_config("LeakyReLU", config, [&](Fields& f) { describe(f, o); });
  return LeakyReLU(std::move(o));
}

namespace {

void describe(Fields& f, ELUOptions& o) {
  f("alpha", o.alpha);
  f("name", o.name);
}

}  // namespace

Config ELU::get_config() const {
  ELUOptions o{alpha, name};
  return written([&](Fields& f) { describe(f, o); });
}

ELU ELU::from_config(const Config& config) {
  ELUOptions o;
  read_config("ELU", config, [&](Fields& f) { describe(f, o); });
  return ELU(std::move(o));
}

namespace {

void describe(Fields& f, SoftmaxOptions& o) {
  f("axis", o.axis);
  f("name", o.name);
}

}  // namespace

Config Softmax::get_config() const {
  SoftmaxOptions o{axis, name};
  return written([&](Fields& f) { describe(f, o); });
}

Softmax Softmax::from_config(const Config& config) {
  SoftmaxOptions o;
  read_config("Softmax", config, [&](Fields& f) { describe(f, o); });
  return Softmax(std::move(o));
}

namespace {

void describe(Fields& f, PReLUOptions& o) {
  f("alpha_initializer", o.alpha_initializer);
  f("alpha_regularizer", o.alpha_regularizer);
  f("alpha_constraint", o.alpha_constraint);
  f("shared_axes", o.shared_axes);
  f("input_shape", o.input_shape);
  f("name", o.name);
  f("dtype", o.dtype);
}

}  // namespace

Config PReLU::get_config() const {
  PReLUOptions o = state_->options;
  return written([&](Fields& f) { describe(f, o); });
}

PReLU PReLU::from_config(const Config& config) {
  PReLUOptions o;
  read_config("PReLU", config, [&](Fields& f) { describe(f, o); });
  return PReLU(std::move(o));
}

}  // namespace xgrad
