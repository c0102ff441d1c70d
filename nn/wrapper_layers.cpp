#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/wrapper_layers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

// --- Bidirectional

struct Bidirectional::State : Counted {
  enum class Merge : std::uint8_t { concat, sum, mul, ave, none };
  State(Layer forward, Layer backward) : forward(std::move(forward)), backward(std::move(backward)) {}
  Counted* copy() const override { return new State(*this); }
  std::string where() const { return label("Bidirectional", name); }

  Layer forward, backward;
  Merge merge = Merge::concat;
  std::optional<std::string> merge_mode;
  bool own_backward = false;  ///< given, not made from the other
  bool sequences = false, states = false;
  std::string name;
};

namespace {

/// An option of the layer's config that every recurrent layer has.
bool option_of(const std::string& where, const Layer& layer, std::string_view name) {
  const Config config = layer.get_config();
  if (!config.contains(name))
    throw ValueError(where + "expected a recurrent layer, whose config has " + std::string(name) + ", got " +
                     std::string(layer.kind_name()));
  return config.at(name).boolean();
}

/// The same layer the other way, with weights of its own.
Layer reversed(const std::string& where, const Layer& layer, const CustomObjects& custom) {
  const bool backwards = option_of(where, layer, "go_backwards");
  Config config = layer_config(layer), options = config.at("config");
  options.set("go_backwards", !backwards);
  if (!layer.name().empty()) options.set("name", "backward_" + layer.name());
  return layer_from_config(config.set("config", options), custom);
}

Bidirectional with_backward(Layer layer, BidirectionalOptions options, const CustomObjects& custom) {
  if (!options.backward_layer)
    options.backward_layer = reversed(label("Bidirectional", options.name), layer, custom);
  return Bidirectional(std::move(layer), std::move(options));
}

}  // namespace

Bidirectional::Bidirectional(Layer layer, BidirectionalOptions o) {
  const std::string where = label("Bidirectional", o.name);
  constexpr Named<State::Merge> modes[] = {{"concat", State::Merge::concat},
                                           {"sum", State::Merge::sum},
                                           {"mul", State::Merge::mul},
                                           {"ave", State::Merge::ave}};
  const State::Merge merge = o.merge_mode ? find_named(modes, "merge_mode", *o.merge_mode) : State::Merge::none;
  const bool given = o.backward_layer.has_value();
  Layer backward = given ? *o.backward_layer : reversed(where, layer, {});
  state_ = make_shared<State>(std::move(layer), std::move(backward));
  State& s = *state_;
  s.merge = merge;
  s.merge_mode = std::move(o.merge_mode);
  s.own_backward = given;
  s.name = std::move(o.name);
  s.sequences = option_of(where, s.forward, "return_sequences");
  s.states = option_of(where, s.forward, "return_state");
  for (const char* same : {"return_sequences", "return_state", "stateful"})
    if (option_of(where, s.backward, same) != option_of(where, s.forward, same))
      throw ValueError(where + "expected two layers with the same " + same);
  if (option_of(where, s.forward, "go_backwards") == option_of(where, s.backward, "go_backwards"))
    throw ValueError(where + "expected two layers with different go_backwards");
}

const std::string& Bidirectional::name() const { return state_->name; }
Layer& Bidirectional::forward_layer() const { return state_->forward; }
Layer& Bidirectional::backward_layer() const { return state_->backward; }
Shape Bidirectional::input_shape() const { return state_->forward.input_shape(); }

Tensor Bidirectional::operator()(const Tensor& x, Call& call) const {
  std::vector<Tensor> all = (*this)(std::span(&x, 1), call);
  if (all.size() != 1) detail::throw_outputs("Bidirectional", all.size());
  return std::move(all[0]);
}

std::vector<Tensor> Bidirectional::operator()(std::span<const Tensor> xs, Call& call) const {
  const State& s = *state_;
  if (xs.empty()) throw ValueError(s.where() + "expected x, got no input");
  if (xs.size() % 2 == 0)
    throw ValueError(s.where() + "expected as many states for either direction, got " + std::to_string(xs.size() - 1));
  const std::size_t half = (xs.size() - 1) / 2;
  const Tensor mask = call.mask;
  const auto run = [&](const Layer& layer, std::size_t first) {
    std::vector<Tensor> inputs = {xs[0]};
    for (std::size_t i = 0; i < half; ++i) inputs.push_back(xs[first + i]);
    call.mask = mask;
    call.masks.clear();
    return layer(inputs, call);
  };
  std::vector<Tensor> forward = run(s.forward, 1), backward = run(s.backward, 1 + half);
  Tensor left = forward[0], right = s.sequences ? flip(backward[0], 1) : backward[0];
  if (s.sequences && mask.defined()) {
    // Steps that do not count give 0, as in Keras.
    const Tensor counts = expand_dims(not_equal(mask, 0), -1);
    left = where(counts, left, 0);
    right = where(counts, right, 0);
  }
  std::vector<Tensor> out;
  switch (s.merge) {
    case State::Merge::concat: out = {concatenate({left, right}, -1)}; break;
    case State::Merge::sum: out = {left + right}; break;
    case State::Merge::mul: out = {left * right}; break;
    case State::Merge::ave: out = {(left + right) / 2}; break;
    case State::Merge::none: out = {left, right};
  }
  call.mask = s.sequences ? mask : Tensor();
  std::vector<Tensor> masks(out.size(), call.mask);
  if (s.states) {
    out.insert(out.end(), forward.begin() + 1, forward.end());
    out.insert(out.end(), backward.begin() + 1, backward.end());
  }
  masks.resize(out.size());
  call.masks = out.size() > 1 ? masks : std::vector<Tensor>();
  return out;
}

void Bidirectional::each(Visit visit) {
  visit.own(state_);
  visit("forward_layer", state_->forward);
  visit("backward_layer", state_->backward);
}

Config Bidirectional::get_config() const {
  const State& s = *state_;
  Config out = Config::object({{"layer", layer_config(s.forward)},
                               {"merge_mode", s.merge_mode ? Config(*s.merge_mode) : Config()}});
  out.set("backward_layer", s.own_backward ? layer_config(s.backward) : Config());
  return out.set("name", s.name);
}

Bidirectional Bidirectional::from_config(const Config& config, const CustomObjects& custom) {
  Config layer, backward;
  BidirectionalOptions options;
  read_config("Bidirectional", config, [&](Fields& f) {
    f("layer", layer);
    f("merge_mode", options.merge_mode);
    f("backward_layer", backward);
    f("name", options.name);
  });
  if (!backward.is_nothing()) options.backward_layer = layer_from_config(backward, custom);
  return with_backward(layer_from_config(layer, custom), std::move(options), custom);
}

// --- TimeDistributed

struct TimeDistributed::State : Counted {
  State(Layer layer, std::string name) : layer(std::move(layer)), name(std::move(name)) {}
  Counted* copy() const override { return new State(*this); }
  Layer layer;
  std::string name;
};

TimeDistributed::TimeDistributed(Layer layer, TimeDistributedOptions options)
    : state_(new State(std::move(layer), std::move(options.name))) {}

const std::string& TimeDistributed::name() const { return state_->name; }
Layer& TimeDistributed::layer() const { return state_->layer; }

Tensor TimeDistributed::operator()(const Tensor& x, Call& call) const {
  const State& s = *state_;
  const std::string where = label("TimeDistributed", s.name);
  if (x.rank() < 3) throw ShapeError(where + "expected x (batch, steps, ...), got " + to_string(x.shape()));
  const Tensor mask = call.mask;
  if (mask.defined() && (mask.rank() < 2 || mask.dim(0) != x.dim(0) || mask.dim(1) != x.dim(1)))
    throw ShapeError(where + "expected a mask (batch, steps) for x " + to_string(x.shape()) + ", got " +
                     to_string(mask.shape()));
  const std::int64_t steps = x.dim(1);
  // The first two axes as one, and back. The batch is left open, so that another can be recorded.
  const auto folded = [](const Tensor& t) {
    Shape shape;
    shape.append(t.dim(0) * t.dim(1));
    for (int axis = 2; axis < t.rank(); ++axis) shape.append(t.dim(axis));
    if (t.size() > 0) shape.set(0, -1);
    return reshape(t, shape);
  };
  call.mask = mask.defined() && mask.rank() > 2 ? folded(mask) : Tensor();
  call.masks.clear();
  const Tensor y = s.layer(folded(x), call);
  if (y.rank() == 0 || y.dim(0) != x.dim(0) * steps)
    throw ShapeError(where + "expected the layer to give one output for each of " +
                     std::to_string(x.dim(0) * steps) + " rows, got " + to_string(y.shape()));
  Shape shape;
  shape.append(x.dim(0));
  shape.append(steps);
  for (int axis = 1; axis < y.rank(); ++axis) shape.append(y.dim(axis));
  if (y.size() > 0) shape.set(0, -1);
  call.mask = mask;
  return reshape(y, shape);
}

void TimeDistributed::each(Visit visit) {
  visit.own(state_);
  visit("layer", state_->layer);
}

Config TimeDistributed::get_config() const {
  return Config::object({{"layer", layer_config(state_->layer)}, {"name", state_->name}});
}

TimeDistributed TimeDistributed::from_config(const Config& config, const CustomObjects& custom) {
  Config layer;
  TimeDistributedOptions options;
  read_config("TimeDistributed", config, [&](Fields& f) {
    f("layer", layer);
    f("name", options.name);
  });
  return TimeDistributed(layer_from_config(layer, custom), std::move(options));
}

}  // namespace xgrad
