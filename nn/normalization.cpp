#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

namespace {

template <class O>
void describe_weights(Fields& f, O& o) {
  f("epsilon", o.epsilon);
  f("center", o.center);
  f("scale", o.scale);
  f("beta_initializer", o.beta_initializer);
  f("gamma_initializer", o.gamma_initializer);
  f("beta_regularizer", o.beta_regularizer);
  f("gamma_regularizer", o.gamma_regularizer);
  f("beta_constraint", o.beta_constraint);
  f("gamma_constraint", o.gamma_constraint);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, BatchNormalizationOptions& o) {
  f("axis", o.axis);
  f("momentum", o.momentum);
  f("moving_mean_initializer", o.moving_mean_initializer);
  f("moving_variance_initializer", o.moving_variance_initializer);
  describe_weights(f, o);
}
void describe(Fields& f, LayerNormalizationOptions& o) {
  f("axis", o.axis);
  describe_weights(f, o);
}
void describe(Fields& f, GroupNormalizationOptions& o) {
  f("groups", o.groups);
  f("axis", o.axis);
  describe_weights(f, o);
}
void describe(Fields& f, RMSNormalizationOptions& o) {
  f("axis", o.axis);
  f("epsilon", o.epsilon);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, UnitNormalization& o) {
  f("axis", o.axis);
  f("name", o.name);
}

constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

template <class Options>
Config options_config(Options options) {
  return written([&](Fields& f) { describe(f, options); });
}
template <class L, class Options>
L from_options(std::string_view kind, const Config& config) {
  Options options;
  read_config(kind, config, [&](Fields& f) { describe(f, options); });
  return L(std::move(options));
}

void check_epsilon(const std::string& where, double epsilon) {
  if (!(epsilon > 0)) throw ValueError(where + "expected an epsilon above 0, got " + number_text(epsilon));
}

int positive_axis(const std::string& where, int axis, const Tensor& x) {
  const int at = axis < 0 ? axis + x.rank() : axis;
  if (at < 0 || at >= x.rank())
    throw ShapeError(where + "expected x with an axis " + std::to_string(axis) + ", got " + to_string(x.shape()));
  return at;
}

/// Every axis but one.
Axes without(int axis, int rank) {
  int list[max_rank];
  int n = 0;
  for (int i = 0; i < rank; ++i)
    if (i != axis) list[n++] = i;
  switch (n) {
    case 0:
      return Axes::none();
    case 1:
      return {list[0]};
    case 2:
      return {list[0], list[1]};
    case 3:
      return {list[0], list[1], list[2]};
    case 4:
      return {list[0], list[1], list[2], list[3]};
    case 5:
      return {list[0], list[1], list[2], list[3], list[4]};
    default:
      throw ShapeError("expected at most 6 axes, got " + std::to_string(rank));
  }
}

/// A vector along one axis of x, with axes of length 1 behind it.
Tensor along(const Tensor& vector, int axis, int rank) {
  Tensor out = vector;
  for (int i = axis + 1; i < rank; ++i) out = expand_dims(out, -1);
  return out;
}

/// Scale and offset with what they were made with.
template <class Options>
struct Affine {
  void build(const Options& o, const char* kind, const Shape& shape, DType dtype, Generator& generator) {
    const std::string prefix = (o.name.empty() ? std::string(kind) : o.name) + "/";
    if (o.scale && !gamma.defined()) gamma = Parameter(o.gamma_initializer(shape, dtype, generator), prefix + "gamma");
    if (o.center && !beta.defined()) beta = Parameter(o.beta_initializer(shape, dtype, generator), prefix + "beta");
  }
  void each(const Options& o, Visit visit) {
    if (o.scale) visit("gamma", gamma, o.gamma_regularizer, o.gamma_constraint);
    if (o.center) visit("beta", beta, o.beta_regularizer, o.beta_constraint);
  }
  void check(const std::string& where, const Shape& shape, const Tensor& x) const {
    for (const Parameter* p : {&gamma, &beta})
      if (p->defined() && p->shape() != shape)
        throw ShapeError(where + "expected x to fit weights of shape " + to_string(p->shape()) + ", got x " +
                         to_string(x.shape()));
  }
  Parameter gamma, beta;
};

/// x, or 1 where it is 0.
Tensor where_zero_is_one(const Tensor& x) { return where(equal(x, 0), 1, x); }

/// 1 / sqrt(variance + epsilon), times gamma if there is one.
Tensor factor_of(const Tensor& variance, double epsilon, const Tensor& gamma) {
  const Tensor inverse = 1 / sqrt(variance + epsilon);
  return gamma.defined() ? inverse * gamma : inverse;
}

}  // namespace

// --- BatchNormalization

struct BatchNormalization::State : Counted {
  explicit State(BatchNormalizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  BatchNormalizationOptions options;
  Affine<BatchNormalizationOptions> affine;
  Parameter mean, variance;
  bool trainable = true;
};

BatchNormalization::BatchNormalization(BatchNormalizationOptions options) : state_(new State(std::move(options))) {
  const BatchNormalizationOptions& o = state_->options;
  const std::string where = label("BatchNormalization", o.name);
  check_epsilon(where, o.epsilon);
  if (!(o.momentum >= 0 && o.momentum <= 1))
    throw ValueError(where + "expected a momentum between 0 and 1, got " + number_text(o.momentum));
}

const std::string& BatchNormalization::name() const { return state_->options.name; }
const Parameter& BatchNormalization::gamma() const { return state_->affine.gamma; }
const Parameter& BatchNormalization::beta() const { return state_->affine.beta; }
const Parameter& BatchNormalization::moving_mean() const { return state_->mean; }
const Parameter& BatchNormalization::moving_variance() const { return state_->variance; }

Tensor BatchNormalization::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const BatchNormalizationOptions& o = s.options;
  const std::string where = label("BatchNormalization", o.name);
  const Tensor x = floating(given);
  const int axis = positive_axis(where, o.axis, x);
  const Shape shape{x.dim(axis)};
  if (!s.mean.defined()) {
    const DType dtype = o.dtype.value_or(x.dtype());
    s.affine.build(o, "batch_normalization", shape, dtype, call.random());
    const std::string prefix = (o.name.empty() ? "batch_normalization" : o.name) + "/";
    s.variance =
        Parameter(o.moving_variance_initializer(shape, dtype, call.random()), prefix + "moving_variance", false);
    s.mean = Parameter(o.moving_mean_initializer(shape, dtype, call.random()), prefix + "moving_mean", false);
  }
  if (s.mean.shape() != shape)
    throw ShapeError(where + "expected x with " + std::to_string(s.mean.shape()[0]) + " channels on axis " +
                     std::to_string(o.axis) + ", got " + to_string(x.shape()));
  Tensor mean_now = s.mean.value(), variance_now = s.variance.value();
  if (call.training && s.trainable) {
    const Axes axes = without(axis, x.rank());
    if (call.mask.defined()) {
      Tensor counted = cast(call.mask, x.dtype());
      while (counted.rank() < x.rank()) counted = expand_dims(counted, -1);
      counted = broadcast_like(counted, x);
      const Tensor n = sum(counted, axes);
      const Tensor divisor = where_zero_is_one(n);
      mean_now = sum(x * counted, axes) / divisor;
      variance_now = sum(square(x - along(mean_now, axis, x.rank())) * counted, axes) / divisor;
    } else {
      mean_now = mean(x, axes);
      variance_now = var(x, axes);
    }
    const NoGrad no_grad;
    const auto follow = [&](const Parameter& moving, const Tensor& batch) {
      moving.assign(moving.value() * o.momentum + cast(batch, moving.dtype()) * (1 - o.momentum));
    };
    follow(s.mean, mean_now);
    follow(s.variance, variance_now);
  }
  const int rank = x.rank();
  const auto wide = [&](const Parameter& p) { return p.defined() ? along(p.value(), axis, rank) : Tensor(); };
  const Tensor y =
      (x - along(mean_now, axis, rank)) * factor_of(along(variance_now, axis, rank), o.epsilon, wide(s.affine.gamma));
  return s.affine.beta.defined() ? y + wide(s.affine.beta) : y;
}

void BatchNormalization::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit.trainable(s.trainable);
  s.affine.each(s.options, visit);
  visit.state("moving_mean", s.mean);
  visit.state("moving_variance", s.variance);
}

Config BatchNormalization::get_config() const {
  Config out = options_config(state_->options);
  if (!state_->trainable) out.set("trainable", false);
  return out;
}
BatchNormalization BatchNormalization::from_config(const Config& config) {
  BatchNormalizationOptions options;
  bool trainable = true;
  read_config("BatchNormalization", config, [&](Fields& f) {
    describe(f, options);
    f("trainable", trainable);
  });
  BatchNormalization out(std::move(options));
  out.state_->trainable = trainable;
  return out;
}

// --- LayerNormalization, RMSNormalization

namespace {

/// The lengths of these axes, in their order in x, and a shape that broadcasts them over x.
std::pair<Shape, Shape> lengths_along(const std::string& where, const Axes& axes, const Tensor& x) {
  std::vector<bool> chosen(static_cast<std::size_t>(x.rank()), axes.all());
  for (const int axis : axes) chosen[static_cast<std::size_t>(positive_axis(where, axis, x))] = true;
  Shape lengths, wide;
  bool begun = false;
  for (int i = 0; i < x.rank(); ++i) {
    const bool here = chosen[static_cast<std::size_t>(i)];
    if (here) lengths.append(x.dim(i));
    begun = begun || here;
    if (begun) wide.append(here ? x.dim(i) : 1);
  }
  return {lengths, wide};
}

Tensor widened(const Parameter& p, const Shape& wide) {
  if (!p.defined()) return {};
  return p.shape() == wide ? p.value() : reshape(p.value(), wide);
}

}  // namespace

struct LayerNormalization::State : Counted {
  explicit State(LayerNormalizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  LayerNormalizationOptions options;
  Affine<LayerNormalizationOptions> affine;
};

LayerNormalization::LayerNormalization(LayerNormalizationOptions options) : state_(new State(std::move(options))) {
  check_epsilon(label("LayerNormalization", name()), state_->options.epsilon);
}
const std::string& LayerNormalization::name() const { return state_->options.name; }

Tensor LayerNormalization::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const LayerNormalizationOptions& o = s.options;
  const std::string where = label("LayerNormalization", o.name);
  const Tensor x = floating(given);
  const auto [lengths, wide] = lengths_along(where, o.axis, x);
  s.affine.build(o, "layer_normalization", lengths, o.dtype.value_or(x.dtype()), call.random());
  s.affine.check(where, lengths, x);
  const Tensor y =
      (x - mean(x, o.axis, true)) * factor_of(var(x, o.axis, true), o.epsilon, widened(s.affine.gamma, wide));
  return s.affine.beta.defined() ? y + widened(s.affine.beta, wide) : y;
}

void LayerNormalization::each(Visit visit) {
  visit.own(state_);
  state_->affine.each(state_->options, visit);
}
Config LayerNormalization::get_config() const { return options_config(state_->options); }
LayerNormalization LayerNormalization::from_config(const Config& config) {
  return from_options<LayerNormalization, LayerNormalizationOptions>("LayerNormalization", config);
}

struct RMSNormalization::State : Counted {
  explicit State(RMSNormalizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  RMSNormalizationOptions options;
  Parameter scale;
};

RMSNormalization::RMSNormalization(RMSNormalizationOptions options) : state_(new State(std::move(options))) {
  check_epsilon(label("RMSNormalization", name()), state_->options.epsilon);
}
const std::string& RMSNormalization::name() const { return state_->options.name; }

Tensor RMSNormalization::operator()(const Tensor& given, Call&) const {
  State& s = *state_;
  const RMSNormalizationOptions& o = s.options;
  const std::string where = label("RMSNormalization", o.name);
  const Tensor x = floating(given);
  const auto [lengths, wide] = lengths_along(where, o.axis, x);
  if (!s.scale.defined())
    s.scale = Parameter(ones(lengths, {.dtype = o.dtype.value_or(x.dtype())}),
                        (o.name.empty() ? "rms_normalization" : o.name) + "/scale");
  if (s.scale.shape() != lengths)
    throw ShapeError(where + "expected x to fit weights of shape " + to_string(s.scale.shape()) + ", got x " +
                     to_string(x.shape()));
  return x * factor_of(mean(square(x), o.axis, true), o.epsilon, widened(s.scale, wide));
}

void RMSNormalization::each(Visit visit) {
  visit.own(state_);
  visit("scale", state_->scale);
}
Config RMSNormalization::get_config() const { return options_config(state_->options); }
RMSNormalization RMSNormalization::from_config(const Config& config) {
  return from_options<RMSNormalization, RMSNormalizationOptions>("RMSNormalization", config);
}

// --- GroupNormalization

struct GroupNormalization::State : Counted {
  explicit State(GroupNormalizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  GroupNormalizationOptions options;
  Affine<GroupNormalizationOptions> affine;
};

GroupNormalization::GroupNormalization(GroupNormalizationOptions options) : state_(new State(std::move(options))) {
  const GroupNormalizationOptions& o = state_->options;
  check_epsilon(label("GroupNormalization", o.name), o.epsilon);
  if (o.groups < 1 && o.groups != -1)
    throw ValueError(label("GroupNormalization", o.name) + "expected groups above 0, or -1, got " +
                     std::to_string(o.groups));
}
const std::string& GroupNormalization::name() const { return state_->options.name; }

Tensor GroupNormalization::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const GroupNormalizationOptions& o = s.options;
  const std::string where = label("GroupNormalization", o.name);
  const Tensor x = floating(given);
  const int axis = positive_axis(where, o.axis, x);
  if (axis == 0) throw ShapeError(where + "expected an axis other than the batch, got x " + to_string(x.shape()));
  const std::int64_t channels = x.dim(axis), groups = o.groups == -1 ? channels : o.groups;
  if (channels == 0 || channels % groups != 0)
    throw ValueError(where + "expected channels that " + std::to_string(groups) + " groups divide, got " +
                     std::to_string(channels) + " on axis " + std::to_string(o.axis));
  s.affine.build(o, "group_normalization", {channels}, o.dtype.value_or(x.dtype()), call.random());
  s.affine.check(where, {channels}, x);
  // (batch, ..., groups, channels / groups, ...): statistics over all but batch and groups.
  Shape split = x.shape();
  split.append(1);
  for (int i = x.rank(); i > axis + 1; --i) split.set(i, x.dim(i - 1));
  split.set(axis, groups);
  split.set(axis + 1, channels / groups);
  if (x.size() > 0) split.set(0, -1);
  const Tensor parts = reshape(x, split);
  std::vector<int> rest;
  for (int i = 1; i < parts.rank(); ++i)
    if (i != axis) rest.push_back(i);
  Axes axes = rest.size() == 1   ? Axes{rest[0]}
              : rest.size() == 2 ? Axes{rest[0], rest[1]}
              : rest.size() == 3 ? Axes{rest[0], rest[1], rest[2]}
              : rest.size() == 4 ? Axes{rest[0], rest[1], rest[2], rest[3]}
                                 : Axes{rest[0], rest[1], rest[2], rest[3], rest[4]};
  const Tensor normal = (parts - mean(parts, axes, true)) / sqrt(var(parts, axes, true) + o.epsilon);
  Tensor y = reshape_like(normal, x);
  if (s.affine.gamma.defined()) y = y * along(s.affine.gamma.value(), axis, x.rank());
  return s.affine.beta.defined() ? y + along(s.affine.beta.value(), axis, x.rank()) : y;
}

void GroupNormalization::each(Visit visit) {
  visit.own(state_);
  state_->affine.each(state_->options, visit);
}
Config GroupNormalization::get_config() const { return options_config(state_->options); }
GroupNormalization GroupNormalization::from_config(const Config& config) {
  return from_options<GroupNormalization, GroupNormalizationOptions>("GroupNormalization", config);
}

// --- UnitNormalization, SpectralNormalization

UnitNormalization::UnitNormalization(UnitNormalizationOptions options)
    : axis(options.axis), name(std::move(options.name)) {}
Tensor UnitNormalization::operator()(const Tensor& given, Call&) const {
  const Tensor x = floating(given);
  // The bound keeps the derivative at 0 finite.
  return x / sqrt(maximum(sum(square(x), axis, true), x.dtype() == float64 ? 1e-24 : 1e-30));
}
Config UnitNormalization::get_config() const { return config_of(*this, describing); }
UnitNormalization UnitNormalization::from_config(const Config& config) {
  return read_layer("UnitNormalization", config, UnitNormalization(), describing);
}

struct SpectralNormalization::State : Counted {
  State(Layer layer, SpectralNormalizationOptions options) : layer(std::move(layer)), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  Layer layer;
  SpectralNormalizationOptions options;
  Parameter u;
};

SpectralNormalization::SpectralNormalization(Layer layer, SpectralNormalizationOptions options)
    : state_(new State(std::move(layer), std::move(options))) {
  if (state_->options.power_iterations < 1)
    throw ValueError(label("SpectralNormalization", name()) + "expected power_iterations of 1 or more, got " +
                     std::to_string(state_->options.power_iterations));
}
const std::string& SpectralNormalization::name() const { return state_->options.name; }

Tensor SpectralNormalization::operator()(const Tensor& x, Call& call) const {
  State& s = *state_;
  const std::string where = label("SpectralNormalization", s.options.name);
  const Tensor plain = s.layer(x, call);
  Parameter kernel;
  for (const NamedParameter& weight : weights(s.layer))
    if (weight.name == "kernel" || weight.name == "embeddings") kernel = weight.parameter;
  if (!kernel.defined() || kernel.shape().rank() < 1)
    throw ValueError(where + "expected a layer with a kernel or embeddings, got '" + std::string(s.layer.kind_name()) +
                     "'");
  const std::int64_t columns = kernel.shape()[-1];
  if (!s.u.defined())
    s.u = Parameter(initializers::TruncatedNormal{.stddev = .02}({1, columns}, kernel.dtype(), call.random()),
                    (s.options.name.empty() ? "spectral_normalization" : s.options.name) + "/vector_u", false);
  const Tensor matrix = reshape(kernel.value(), {-1, columns});
  Tensor u = s.u.value(), v;
  {
    const NoGrad no_grad;
    const auto unit = [](const Tensor& t) { return t / sqrt(maximum(sum(square(t)), 1e-14)); };
    for (int i = 0; i < s.options.power_iterations; ++i) {
      v = unit(matmul(u, transpose(matrix)));
      if (call.training || i + 1 < s.options.power_iterations) u = unit(matmul(v, matrix));
    }
    if (call.training)
      s.u.assign(u);
    else
      u = unit(matmul(v, matrix));
  }
  const Tensor sigma = sum(matmul(stop_gradient(v), matrix) * stop_gradient(u));
  // A kernel of zeros has no direction: it stays as it is.
  const Tensor normalized = kernel.value() / where_zero_is_one(sigma);
  return rerecord(plain, {{kernel.value(), normalized}});
}

void SpectralNormalization::each(Visit visit) {
  visit.own(state_);
  visit("layer", state_->layer);
  visit.state("vector_u", state_->u);
}

Config SpectralNormalization::get_config() const {
  return Config::object({{"layer", layer_config(state_->layer)},
                         {"power_iterations", state_->options.power_iterations},
                         {"name", state_->options.name}});
}
SpectralNormalization SpectralNormalization::from_config(const Config& config, const CustomObjects& custom) {
  Config layer;
  SpectralNormalizationOptions options;
  read_config("SpectralNormalization", config, [&](Fields& f) {
    f("layer", layer);
    f("power_iterations", options.power_iterations);
    f("name", options.name);
  });
  return SpectralNormalization(layer_from_config(layer, custom), std::move(options));
}

}  // namespace xgrad
