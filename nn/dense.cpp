#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/fields.hpp>
#include <xgrad/ops/product.hpp>

namespace xgrad {

struct Dense::State : Counted {
  State(std::int64_t units, DenseOptions options) : units(units), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }

  std::string label() const { return options.name.empty() ? "[Dense]" : "[Dense '" + options.name + "']"; }

  std::int64_t units;
  DenseOptions options;
  Parameter kernel, bias;
};

Dense::Dense(std::int64_t units, DenseOptions options) : state_(new State(units, std::move(options))) {
  if (units <= 0) throw ValueError(state_->label() + " expected units above 0, got " + std::to_string(units));
  const Shape& input = state_->options.input_shape;
  if (input.rank() > 0) build(input[-1], state_->options.dtype.value_or(float32), default_generator());
}

namespace {

void describe(Fields& f, std::int64_t& units, DenseOptions& o) {
  f("units", units);
  f("activation", o.activation);
  f("use_bias", o.use_bias);
  f("kernel_initializer", o.kernel_initializer);
  f("bias_initializer", o.bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("activity_regularizer", o.activity_regularizer);
  f("kernel_constraint", o.kernel_constraint);
  f("bias_constraint", o.bias_constraint);
  f("input_shape", o.input_shape);
  f("name", o.name);
  f("dtype", o.dtype);
}

}  // namespace

Config Dense::get_config() const {
  std::int64_t units = state_->units;
  DenseOptions options = state_->options;
  return written([&](Fields& f) { describe(f, units, options); });
}

Dense Dense::from_config(const Config& config) {
  std::int64_t units = 0;
  DenseOptions options;
  read_config("Dense", config, [&](Fields& f) { describe(f, units, options); });
  return Dense(units, std::move(options));
}

bool Dense::built() const { return state_->kernel.defined(); }
const Parameter& Dense::kernel() const { return state_->kernel; }
const Parameter& Dense::bias() const { return state_->bias; }
std::int64_t Dense::units() const { return state_->units; }
const std::string& Dense::name() const { return state_->options.name; }
const Shape& Dense::input_shape() const { return state_->options.input_shape; }

void Dense::build(std::int64_t inputs, DType dtype, Generator& generator) const {
  if (built()) return;
  State& s = *state_;
  const DenseOptions& o = s.options;
  if (!is_floating(dtype))
    throw DTypeError(s.label() + " expected a floating dtype for the weights, got " + name_of(dtype));
  const std::string prefix = (o.name.empty() ? "dense" : o.name) + "/";
  const auto first_values = [&](const char* what, const initializers::Initializer& initializer, const Shape& shape) {
    const Tensor values = initializer(shape, dtype, generator);
    if (values.shape() != shape || values.dtype() != dtype)
      throw ShapeError(s.label() + " expected the " + what + " initializer to give " + to_string(shape) + " " +
                       name_of(dtype) + ", got " + to_string(values.shape()) + " " + name_of(values.dtype()));
    return Parameter(values, prefix + what);
  };
  const Parameter kernel = first_values("kernel", o.kernel_initializer, {inputs, s.units});
  if (o.use_bias) s.bias = first_values("bias", o.bias_initializer, {s.units});
  s.kernel = kernel;
}

Tensor Dense::operator()(const Tensor& x) const { return call_alone(*this, x); }

Tensor Dense::operator()(const Tensor& x, Call& call) const {
  State& s = *state_;
  const DenseOptions& o = s.options;
  if (x.rank() == 0) throw ShapeError(s.label() + " expected x with at least one axis, got a scalar");
  const std::int64_t inputs = x.dim(-1);
  build(inputs, o.dtype.value_or(is_floating(x.dtype()) ? x.dtype() : float32), call.random());
  if (inputs != s.kernel.shape()[0])
    throw ShapeError(s.label() + " expected " + std::to_string(s.kernel.shape()[0]) +
                     " features on the last axis of x (the kernel is " + to_string(s.kernel.shape()) +
                     "), got x of shape " + to_string(x.shape()) +
                     (x.rank() > 2 && x.size() == x.dim(0) * s.kernel.shape()[0] ? "; a Flatten layer before it fits"
                                                                                 : ""));

  Tensor rows = is_floating(x.dtype()) ? x : cast(x, s.kernel.dtype());
  const bool fold = x.rank() > 2 && x.size() > 0;
  if (fold) rows = reshape(rows, {-1, inputs});
  Tensor y = matmul(rows, s.kernel);
  if (fold) {
    // The first length is left open, so that another batch size can be recorded.
    Shape shape = x.shape();
    shape.set(0, -1);
    shape.set(-1, s.units);
    y = reshape(y, shape);
  }
  if (o.use_bias) y = y + s.bias;
  y = o.activation.apply(y);
  if (o.activity_regularizer) call.penalties.push_back(o.activity_regularizer(y));
  return y;
}

void Dense::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("kernel", s.kernel, s.options.kernel_regularizer, s.options.kernel_constraint);
  if (s.options.use_bias) visit("bias", s.bias, s.options.bias_regularizer, s.options.bias_constraint);
}

}  // namespace xgrad
