#include <xgrad/nn/conv_recurrent.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/recurrent_parts.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>

namespace xgrad {

namespace {

constexpr std::string_view names[] = {"ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"};

/// The cell of all three layers.
struct ConvLSTMCell {
  struct State : Counted {
    Counted* copy() const override { return new State(*this); }
    void describe(Fields& f);
    void check();
    std::string where() const { return label(names[axes - 1], o.name); }
    int channel_axis() const { return channels_first(names[axes - 1], o.data_format) ? 1 : axes + 1; }

    int axes = 1;
    std::int64_t filters = 0;
    std::vector<std::int64_t> kernel_size, strides, dilation_rate;
    ConvLSTMOptions o;
    Parameter kernel, recurrent_kernel, bias;
    std::optional<Generator> generator;
  };

  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const {
    const CellSequence sequence = over(expand_dims(x, 0), call);
    return sequence.step(sequence.inputs, states);
  }
  CellSequence over(const Tensor& xs, Call& call) const;
  std::vector<std::int64_t> state_size() const { return {state->filters, state->filters}; }
  std::vector<Shape> state_shapes(const Shape& step) const;
  void build(std::int64_t channels, DType dtype, Call& call) const;
  std::vector<Tensor> masks(const Tensor& like, double rate) const;
  void each(Visit visit);
  const std::string& name() const { return state->o.name; }
  Config get_config() const;

  Shared<State> state = make_shared<State>();
};

void ConvLSTMCell::State::describe(Fields& f) {
  f("filters", filters);
  f("kernel_size", kernel_size);
  f("strides", strides);
  f("padding", o.padding);
  f("data_format", o.data_format);
  f("dilation_rate", dilation_rate);
  f("activation", o.activation);
  f("recurrent_activation", o.recurrent_activation);
  f("use_bias", o.use_bias);
  f("kernel_initializer", o.kernel_initializer);
  f("recurrent_initializer", o.recurrent_initializer);
  f("bias_initializer", o.bias_initializer);
  f("unit_forget_bias", o.unit_forget_bias);
  f("kernel_regularizer", o.kernel_regularizer);
  f("recurrent_regularizer", o.recurrent_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("kernel_constraint", o.kernel_constraint);
  f("recurrent_constraint", o.recurrent_constraint);
  f("bias_constraint", o.bias_constraint);
  f("dropout", o.dropout);
  f("recurrent_dropout", o.recurrent_dropout);
  f("seed", o.seed);
  f("name", o.name);
  f("dtype", o.dtype);
}

void ConvLSTMCell::State::check() {
  const std::string_view kind = names[axes - 1];
  if (filters < 1) throw ValueError(where() + "expected filters above 0, got " + std::to_string(filters));
  kernel_size = EachAxis(kernel_size).of(axes, kind, "kernel_size");
  strides = EachAxis(strides).of(axes, kind, "strides");
  dilation_rate = EachAxis(dilation_rate).of(axes, kind, "dilation_rate");
  bool strided = false, dilated = false;
  for (const std::int64_t n : strides) strided = strided || n > 1;
  for (const std::int64_t n : dilation_rate) dilated = dilated || n > 1;
  if (strided && dilated) throw ValueError(where() + "expected strides of 1 beside a dilation_rate above 1");
  constexpr Named<bool> paddings[] = {{"valid", false}, {"same", true}};
  static_cast<void>(find_named(paddings, "padding", o.padding));
  static_cast<void>(channels_first(kind, o.data_format));
  for (const double rate : {o.dropout, o.recurrent_dropout})
    if (!(rate >= 0 && rate < 1))
      throw ValueError(where() + "expected rates of dropout from 0 up to 1, got " + number_text(rate));
  if (o.seed) generator.emplace(*o.seed);
}

std::vector<Shape> ConvLSTMCell::state_shapes(const Shape& step) const {
  const State& s = *state;
  if (step.rank() != s.axes + 1)
    throw ShapeError(s.where() + "expected x (batch, steps, ...) with " + std::to_string(s.axes) +
                     " axes in space and channels, got steps of " + to_string(step));
  const bool first = s.channel_axis() == 1;
  Shape out = step;
  out.set(first ? 0 : s.axes, s.filters);
  for (int axis = 0; axis < s.axes; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    const std::int64_t n = step[axis + first];
    const std::int64_t reach = s.o.padding == "same" ? 1 : (s.kernel_size[i] - 1) * s.dilation_rate[i] + 1;
    if (n < reach)
      throw ShapeError(s.where() + "expected steps that the kernel fits into, got " + to_string(step));
    out.set(axis + first, (n - reach) / s.strides[i] + 1);
  }
  return {out, out};
}

void ConvLSTMCell::build(std::int64_t channels, DType dtype, Call& call) const {
  State& s = *state;
  if (!s.kernel.defined()) {
    Shape of_kernel, of_recurrent;
    for (const std::int64_t n : s.kernel_size) {
      of_kernel.append(n);
      of_recurrent.append(n);
    }
    of_kernel.append(channels);
    of_recurrent.append(s.filters);
    of_kernel.append(4 * s.filters);
    of_recurrent.append(4 * s.filters);
    Generator& random = call.random();
    const std::string prefix = (s.o.name.empty() ? "conv_lstm" : s.o.name) + "/";
    const Parameter kernel(s.o.kernel_initializer(of_kernel, dtype, random), prefix + "kernel");
    const Parameter recurrent(s.o.recurrent_initializer(of_recurrent, dtype, random), prefix + "recurrent_kernel");
    if (s.o.use_bias) {
      const Tensor values = s.o.unit_forget_bias
                                ? concatenate({s.o.bias_initializer({s.filters}, dtype, random),
                                               ones({s.filters}, {.dtype = dtype}),
                                               s.o.bias_initializer({2 * s.filters}, dtype, random)})
                                : s.o.bias_initializer({4 * s.filters}, dtype, random);
      s.bias = Parameter(values, prefix + "bias");
    }
    s.recurrent_kernel = recurrent;
    s.kernel = kernel;
  }
  if ((s.o.dropout > 0 || s.o.recurrent_dropout > 0) && !s.generator) s.generator.emplace(call.random().split());
}

/// A mask for each part.
std::vector<Tensor> ConvLSTMCell::masks(const Tensor& like, double rate) const {
  std::vector<Tensor> out;
  for (int k = 0; k < 4; ++k)
    out.push_back(cast(bernoulli_like(like, 1 - rate, &*state->generator), like.dtype()) * (1 / (1 - rate)));
  return out;
}

CellSequence ConvLSTMCell::over(const Tensor& given, Call& call) const {
  State& s = *state;
  const int channels = s.channel_axis();
  if (given.rank() != s.axes + 3)
    throw ShapeError(s.where() + "expected x (batch, steps, ...) with " + std::to_string(s.axes) +
                     " axes in space and channels, got steps of " + to_string(given.shape()));
  const std::int64_t features = given.dim(channels + 1);
  build(features, s.o.dtype.value_or(is_floating(given.dtype()) ? given.dtype() : float32), call);
  if (features != s.kernel.shape()[s.axes])
    throw ShapeError(s.where() + "expected " + std::to_string(s.kernel.shape()[s.axes]) + " channels (the kernel is " +
                     to_string(s.kernel.shape()) + "), got " + std::to_string(features));
  const Tensor xs = is_floating(given.dtype()) ? given : cast(given, s.kernel.dtype());
  const ConvOptions of_x{.strides = EachAxis(s.strides),
                         .padding = s.o.padding,
                         .data_format = s.o.data_format,
                         .dilation_rate = EachAxis(s.dilation_rate)};
  const ConvOptions of_h{.padding = "same", .data_format = s.o.data_format};
  // Steps and batch are one axis here.
  const auto folded = [&](const Tensor& x) {
    Shape shape;
    shape.append(x.dim(0) * x.dim(1));
    for (int axis = 2; axis < x.rank(); ++axis) shape.append(x.dim(axis));
    if (x.size() > 0) shape.set(0, -1);
    return reshape(x, shape);
  };
  Tensor inputs;
  if (call.training && s.o.dropout > 0) {
    const std::vector<Tensor> kept = masks(squeeze(slice_axis(xs, 0, {0, 1}), 0), s.o.dropout);
    const std::vector<Tensor> kernels = split(s.kernel, 4, -1);
    std::vector<Tensor> parts;
    for (std::size_t k = 0; k < 4; ++k) parts.push_back(conv(folded(xs * kept[k]), kernels[k], of_x));
    inputs = concatenate(parts, channels);
  } else {
    inputs = conv(folded(xs), s.kernel, of_x);
  }
  if (s.o.use_bias) {
    Shape shape;
    for (int axis = 0; axis < s.axes + 1; ++axis) shape.append(1);
    shape.set(channels - 1, 4 * s.filters);
    inputs = inputs + reshape(s.bias, shape);
  }
  std::vector<Tensor> kept, kernels;
  if (call.training && s.o.recurrent_dropout > 0) {
    Shape step = given.shape();
    const Shape state_shape = state_shapes(Shape(std::span(step.begin(), step.end()).subspan(2)))[0];
    Shape like;
    like.append(given.dim(1));
    for (const std::int64_t n : state_shape) like.append(n);
    kept = masks(zeros(like, {.dtype = s.kernel.dtype()}), s.o.recurrent_dropout);
    kernels = split(s.recurrent_kernel, 4, -1);
  }
  auto step = [kernel = Tensor(s.recurrent_kernel), kept, kernels, of_h, channels, a = s.o.activation,
               r = s.o.recurrent_activation](const Tensor& input, std::span<const Tensor> states) {
    const std::vector<Tensor> x = split(input, 4, channels);
    std::vector<Tensor> h;
    if (kept.empty()) h = split(conv(states[0], kernel, of_h), 4, channels);
    for (std::size_t k = 0; k < kept.size(); ++k) h.push_back(conv(states[0] * kept[k], kernels[k], of_h));
    const Tensor i = r.apply(x[0] + h[0]), f = r.apply(x[1] + h[1]), o = r.apply(x[3] + h[3]);
    const Tensor c = f * states[1] + i * a.apply(x[2] + h[2]);
    const Tensor out = o * a.apply(c);
    return CellStep{out, {out, c}};
  };
  return {inputs, std::move(step)};
}

void ConvLSTMCell::each(Visit visit) {
  visit.own(state);
  State& s = *state;
  visit("kernel", s.kernel, s.o.kernel_regularizer, s.o.kernel_constraint);
  visit("recurrent_kernel", s.recurrent_kernel, s.o.recurrent_regularizer, s.o.recurrent_constraint);
  if (s.o.use_bias) visit("bias", s.bias, s.o.bias_regularizer, s.o.bias_constraint);
  if (s.generator) visit("generator", *s.generator);
}

Config ConvLSTMCell::get_config() const {
  State s = *state;
  return written([&](Fields& f) { s.describe(f); });
}

ConvLSTMCell cell_of(int axes, std::int64_t filters, const EachAxis& kernel_size, const ConvLSTMOptions& o) {
  ConvLSTMCell cell;
  ConvLSTMCell::State& s = *cell.state;
  s.axes = axes;
  s.filters = filters;
  const std::string_view kind = names[axes - 1];
  s.kernel_size = kernel_size.of(axes, kind, "kernel_size");
  s.strides = o.strides.of(axes, kind, "strides");
  s.dilation_rate = o.dilation_rate.of(axes, kind, "dilation_rate");
  s.o = o;
  s.check();
  return cell;
}

}  // namespace

ConvLSTM::ConvLSTM(int axes, std::int64_t filters, const EachAxis& kernel_size, ConvLSTMOptions o)
    : RNN(names[axes - 1], cell_of(axes, filters, kernel_size, o), sequence_options(o)) {}

ConvLSTM ConvLSTM::read(int axes, const Config& config) {
  ConvLSTMCell::State s;
  s.axes = axes;
  s.strides = s.dilation_rate = std::vector<std::int64_t>(static_cast<std::size_t>(axes), 1);
  read_config(names[axes - 1], config, [&](Fields& f) {
    s.describe(f);
    describe_sequence(f, s.o);
  });
  s.o.strides = EachAxis(s.strides);
  s.o.dilation_rate = EachAxis(s.dilation_rate);
  return ConvLSTM(axes, s.filters, EachAxis(s.kernel_size), s.o);
}

std::string_view ConvLSTM::kind_name() const { return names[cell().get_if<ConvLSTMCell>()->state->axes - 1]; }
const Parameter& ConvLSTM::kernel() const { return cell().get_if<ConvLSTMCell>()->state->kernel; }
const Parameter& ConvLSTM::recurrent_kernel() const { return cell().get_if<ConvLSTMCell>()->state->recurrent_kernel; }
const Parameter& ConvLSTM::bias() const { return cell().get_if<ConvLSTMCell>()->state->bias; }

}  // namespace xgrad
