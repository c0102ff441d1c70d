#include <xgrad/nn/conv_layers.hpp>

#include <xgrad/nn/layer_parts.hpp>

#include <algorithm>

namespace xgrad {

namespace {

enum class Way : std::uint8_t { plain, transposed, depthwise, separable };

struct Kind {
  const char* name;
  Way way;
  int axes;
};
constexpr Kind kinds[] = {{"Conv1D", Way::plain, 1},
                          {"Conv2D", Way::plain, 2},
                          {"Conv3D", Way::plain, 3},
                          {"Conv1DTranspose", Way::transposed, 1},
                          {"Conv2DTranspose", Way::transposed, 2},
                          {"Conv3DTranspose", Way::transposed, 3},
                          {"DepthwiseConv1D", Way::depthwise, 1},
                          {"DepthwiseConv2D", Way::depthwise, 2},
                          {"SeparableConv1D", Way::separable, 1},
                          {"SeparableConv2D", Way::separable, 2}};

const Kind& kind_for(Way way, int axes) {
  for (const Kind& kind : kinds)
    if (kind.way == way && kind.axes == axes) return kind;
  throw ValueError("[conv] expected 1, 2 or 3 axes in space, got " + std::to_string(axes));
}

}  // namespace

struct ConvLayer::State : Counted {
  explicit State(const Kind& kind) : kind(&kind) {}
  Counted* copy() const override { return new State(*this); }

  /// What options of this kind have in common with those of the others.
  template <class Options>
  void take(EachAxis size, Options& o) {
    const int n = kind->axes;
    kernel_size = size.of(n, kind->name, "kernel_size");
    strides = o.strides.of(n, kind->name, "strides");
    dilation_rate = o.dilation_rate.of(n, kind->name, "dilation_rate");
    padding = std::move(o.padding);
    data_format = std::move(o.data_format);
    activation = std::move(o.activation);
    use_bias = o.use_bias;
    bias_initializer = std::move(o.bias_initializer);
    bias_regularizer = std::move(o.bias_regularizer);
    activity_regularizer = std::move(o.activity_regularizer);
    bias_constraint = std::move(o.bias_constraint);
    input_shape = o.input_shape;
    name = std::move(o.name);
    dtype = o.dtype;
  }
  template <class Options>
  void take_depthwise(Options& o) {
    depth_multiplier = o.depth_multiplier;
    kernel_initializer = std::move(o.depthwise_initializer);
    kernel_regularizer = std::move(o.depthwise_regularizer);
    kernel_constraint = std::move(o.depthwise_constraint);
  }
  template <class Options>
  void take_kernel(Options& o) {
    kernel_initializer = std::move(o.kernel_initializer);
    kernel_regularizer = std::move(o.kernel_regularizer);
    kernel_constraint = std::move(o.kernel_constraint);
  }

  void describe(Fields& f);
  void check() const;
  std::string label() const { return xgrad::label(kind->name, name); }
  bool first() const { return channels_first(kind->name, data_format); }
  bool has_filters() const { return kind->way != Way::depthwise; }
  const char* kernel_name() const { return kind->way == Way::separable ? "depthwise_kernel" : "kernel"; }

  const Kind* kind;
  std::int64_t filters = 1, groups = 1, depth_multiplier = 1;
  std::vector<std::int64_t> kernel_size, strides, dilation_rate;
  std::optional<std::vector<std::int64_t>> output_padding;
  std::string padding = "valid", data_format = "channels_last", name;
  ActivationFunction activation;
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform", pointwise_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer;
  constraints::Constraint kernel_constraint, pointwise_constraint, bias_constraint;
  Shape input_shape;
  std::optional<DType> dtype;

  Parameter kernel, pointwise, bias;
};

void ConvLayer::State::describe(Fields& f) {
  const Way way = kind->way;
  const bool by_depth = way == Way::depthwise || way == Way::separable;
  if (has_filters()) f("filters", filters);
  f("kernel_size", kernel_size);
  f("strides", strides);
  f("padding", padding);
  if (way == Way::transposed) f("output_padding", output_padding);
  f("data_format", data_format);
  f("dilation_rate", dilation_rate);
  if (way == Way::plain) f("groups", groups);
  if (by_depth) f("depth_multiplier", depth_multiplier);
  f("activation", activation);
  f("use_bias", use_bias);
  f(by_depth ? "depthwise_initializer" : "kernel_initializer", kernel_initializer);
  if (way == Way::separable) f("pointwise_initializer", pointwise_initializer);
  f("bias_initializer", bias_initializer);
  f(by_depth ? "depthwise_regularizer" : "kernel_regularizer", kernel_regularizer);
  if (way == Way::separable) f("pointwise_regularizer", pointwise_regularizer);
  f("bias_regularizer", bias_regularizer);
  f("activity_regularizer", activity_regularizer);
  f(by_depth ? "depthwise_constraint" : "kernel_constraint", kernel_constraint);
  if (way == Way::separable) f("pointwise_constraint", pointwise_constraint);
  f("bias_constraint", bias_constraint);
  f("input_shape", input_shape);
  f("name", name);
  f("dtype", dtype);
}

void ConvLayer::State::check() const {
  const int n = kind->axes;
  if (has_filters() && filters < 1)
    throw ValueError(label() + "expected filters above 0, got " + std::to_string(filters));
  if (groups < 1 || filters % groups != 0)
    throw ValueError(label() + "expected groups that divide the " + std::to_string(filters) + " filters, got " +
                     std::to_string(groups));
  if (depth_multiplier < 1)
    throw ValueError(label() + "expected a depth_multiplier above 0, got " + std::to_string(depth_multiplier));
  for (const auto& [what, numbers] : {std::pair("kernel_size", &kernel_size), {"strides", &strides},
                                      {"dilation_rate", &dilation_rate}})
    static_cast<void>(EachAxis(*numbers).of(n, label().substr(1, label().size() - 3), what));
  if (output_padding)
    static_cast<void>(EachAxis(*output_padding).of(n, label().substr(1, label().size() - 3), "output_padding", 0));
  const auto above_one = [](const std::vector<std::int64_t>& numbers) {
    return std::any_of(numbers.begin(), numbers.end(), [](std::int64_t number) { return number > 1; });
  };
  if (kind->way != Way::transposed && above_one(strides) && above_one(dilation_rate))
    throw ValueError(label() + "expected strides or a dilation_rate above 1, got both");
  constexpr Named<int> words[] = {{"valid", 0}, {"same", 1}, {"causal", 2}};
  if (find_named(words, "padding", padding) == 2 && (n != 1 || kind->way == Way::transposed))
    throw ValueError(label() + "expected the padding 'valid' or 'same', got 'causal', which Conv1D alone takes");
  static_cast<void>(first());
}

ConvLayer::ConvLayer(Shared<State> state) : state_(std::move(state)) {
  const State& s = *state_;
  s.check();
  const Shape& shape = s.input_shape;
  if (shape.rank() == 0) return;
  if (shape.rank() != s.kind->axes + 1)
    throw ShapeError(s.label() + "expected an input_shape with " + std::to_string(s.kind->axes + 1) + " axes, got " +
                     to_string(shape));
  build(shape[s.first() ? 0 : -1], s.dtype.value_or(float32), default_generator());
}

ConvLayer ConvLayer::read(std::string_view kind, const Config& config) {
  const auto* found =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& each) { return each.name == kind; });
  Shared<State> state(new State(*found));
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(found->axes), 1);
  state->kernel_size = state->strides = state->dilation_rate = ones;
  read_config(kind, config, [&](Fields& f) { state->describe(f); });
  return ConvLayer(std::move(state));
}

Config ConvLayer::get_config() const {
  State copy = *state_;
  return written([&](Fields& f) { copy.describe(f); });
}

bool ConvLayer::built() const { return state_->kernel.defined(); }
const Parameter& ConvLayer::kernel() const { return state_->kernel; }
const Parameter& ConvLayer::pointwise_kernel() const { return state_->pointwise; }
const Parameter& ConvLayer::bias() const { return state_->bias; }
std::string_view ConvLayer::kind_name() const { return state_->kind->name; }
const std::string& ConvLayer::name() const { return state_->name; }
const Shape& ConvLayer::input_shape() const { return state_->input_shape; }

void ConvLayer::build(std::int64_t channels, DType dtype, Generator& generator) const {
  if (built()) return;
  State& s = *state_;
  if (!is_floating(dtype))
    throw DTypeError(s.label() + "expected a floating dtype for the weights, got " + name_of(dtype));
  if (channels < 1 || channels % s.groups != 0)
    throw ShapeError(s.label() + "expected a number of channels above 0 that the " + std::to_string(s.groups) +
                     " groups divide, got " + std::to_string(channels));
  const std::string prefix = (s.name.empty() ? std::string(s.kind->name) : s.name) + "/";
  const auto first_values = [&](const char* what, const initializers::Initializer& initializer, const Shape& shape) {
    const Tensor values = initializer(shape, dtype, generator);
    if (values.shape() != shape || values.dtype() != dtype)
      throw ShapeError(s.label() + "expected the " + what + " initializer to give " + to_string(shape) + " " +
                       name_of(dtype) + ", got " + to_string(values.shape()) + " " + name_of(values.dtype()));
    return Parameter(values, prefix + what);
  };
  const auto shape_of = [&](bool one_tap, std::int64_t from, std::int64_t to) {
    Shape shape;
    for (const std::int64_t size : s.kernel_size) shape.append(one_tap ? 1 : size);
    shape.append(from);
    shape.append(to);
    return shape;
  };
  std::int64_t results = s.filters;
  Parameter kernel, pointwise;
  switch (s.kind->way) {
    case Way::plain:
      kernel = first_values("kernel", s.kernel_initializer, shape_of(false, channels / s.groups, s.filters));
      break;
    case Way::transposed:
      kernel = first_values("kernel", s.kernel_initializer, shape_of(false, s.filters, channels));
      break;
    case Way::depthwise:
      kernel = first_values("kernel", s.kernel_initializer, shape_of(false, channels, s.depth_multiplier));
      results = channels * s.depth_multiplier;
      break;
    case Way::separable:
      kernel = first_values("depthwise_kernel", s.kernel_initializer, shape_of(false, channels, s.depth_multiplier));
      pointwise = first_values("pointwise_kernel", s.pointwise_initializer,
                               shape_of(true, channels * s.depth_multiplier, s.filters));
      break;
  }
  if (s.use_bias) s.bias = first_values("bias", s.bias_initializer, {results});
  s.pointwise = pointwise;
  s.kernel = kernel;
}

Tensor ConvLayer::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  call.mask = {};
  const int n = s.kind->axes;
  check_rank(s.label(), given, n + 2);
  const bool first = s.first();
  const std::int64_t channels = given.dim(first ? 1 : -1);
  build(channels, s.dtype.value_or(is_floating(given.dtype()) ? given.dtype() : float32), call.random());
  const Shape& kernel = s.kernel.shape();
  const std::int64_t expected = s.kind->way == Way::transposed ? kernel[-1] : kernel[-2] * s.groups;
  if (channels != expected)
    throw ShapeError(s.label() + "expected x with " + std::to_string(expected) + " channels (the kernel is " +
                     to_string(kernel) + "), got x of shape " + to_string(given.shape()));
  const Tensor x = is_floating(given.dtype()) ? given : cast(given, s.kernel.dtype());
  const ConvOptions windows{.strides = EachAxis(s.strides),
                            .padding = s.padding,
                            .data_format = s.data_format,
                            .dilation_rate = EachAxis(s.dilation_rate)};
  EachAxis more;
  if (s.output_padding) more = EachAxis(*s.output_padding);
  Tensor y;
  switch (s.kind->way) {
    case Way::plain: y = conv(x, s.kernel, windows); break;
    case Way::transposed:
      y = conv_transpose(x, s.kernel,
                         {.strides = windows.strides,
                          .padding = windows.padding,
                          .output_padding = more,
                          .data_format = s.data_format,
                          .dilation_rate = windows.dilation_rate});
      break;
    case Way::depthwise: y = depthwise_conv(x, s.kernel, windows); break;
    case Way::separable: y = separable_conv(x, s.kernel, s.pointwise, windows); break;
  }
  if (s.use_bias) {
    Shape beside = s.bias.shape();
    for (int i = 0; i < n && first; ++i) beside.append(1);
    y = y + (first ? reshape(s.bias, beside) : Tensor(s.bias));
  }
  y = s.activation.apply(y);
  if (s.activity_regularizer) call.penalties.push_back(s.activity_regularizer(y));
  return y;
}

void ConvLayer::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit(s.kernel_name(), s.kernel, s.kernel_regularizer, s.kernel_constraint);
  if (s.kind->way == Way::separable)
    visit("pointwise_kernel", s.pointwise, s.pointwise_regularizer, s.pointwise_constraint);
  if (s.use_bias) visit("bias", s.bias, s.bias_regularizer, s.bias_constraint);
}

template <int N>
std::string_view Conv<N>::kind() {
  return kind_for(Way::plain, N).name;
}
template <int N>
Conv<N>::Conv(std::int64_t filters, EachAxis kernel_size, ConvLayerOptions o) : ConvLayer([&] {
  Shared<State> s(new State(kind_for(Way::plain, N)));
  s->take(std::move(kernel_size), o);
  s->take_kernel(o);
  s->filters = filters;
  s->groups = o.groups;
  return s;
}()) {}

template <int N>
std::string_view ConvTranspose<N>::kind() {
  return kind_for(Way::transposed, N).name;
}
template <int N>
ConvTranspose<N>::ConvTranspose(std::int64_t filters, EachAxis kernel_size, ConvTransposeLayerOptions o) :
    ConvLayer([&] {
      Shared<State> s(new State(kind_for(Way::transposed, N)));
      s->take(std::move(kernel_size), o);
      s->take_kernel(o);
      s->filters = filters;
      if (o.output_padding.given()) s->output_padding = o.output_padding.of(N, kind(), "output_padding", 0);
      return s;
    }()) {}

template <int N>
std::string_view DepthwiseConv<N>::kind() {
  return kind_for(Way::depthwise, N).name;
}
template <int N>
DepthwiseConv<N>::DepthwiseConv(EachAxis kernel_size, DepthwiseConvLayerOptions o) : ConvLayer([&] {
  Shared<State> s(new State(kind_for(Way::depthwise, N)));
  s->take(std::move(kernel_size), o);
  s->take_depthwise(o);
  return s;
}()) {}

template <int N>
std::string_view SeparableConv<N>::kind() {
  return kind_for(Way::separable, N).name;
}
template <int N>
SeparableConv<N>::SeparableConv(std::int64_t filters, EachAxis kernel_size, SeparableConvLayerOptions o) :
    ConvLayer([&] {
      Shared<State> s(new State(kind_for(Way::separable, N)));
      s->take(std::move(kernel_size), o);
      s->take_depthwise(o);
      s->filters = filters;
      s->pointwise_initializer = std::move(o.pointwise_initializer);
      s->pointwise_regularizer = std::move(o.pointwise_regularizer);
      s->pointwise_constraint = std::move(o.pointwise_constraint);
      return s;
    }()) {}

template class Conv<1>;
template class Conv<2>;
template class Conv<3>;
template class ConvTranspose<1>;
template class ConvTranspose<2>;
template class ConvTranspose<3>;
template class DepthwiseConv<1>;
template class DepthwiseConv<2>;
template class SeparableConv<1>;
template class SeparableConv<2>;

}  // namespace xgrad
