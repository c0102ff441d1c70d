#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/graph_layers.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

namespace {

enum class Aggregation : std::uint8_t { sum, mean, max, min };
constexpr Named<Aggregation> aggregations[] = {
    {"sum", Aggregation::sum}, {"mean", Aggregation::mean}, {"max", Aggregation::max}, {"min", Aggregation::min}};
Aggregation aggregation_named(std::string_view name) { return find_named(aggregations, "aggregation", name); }

void need_edges(const std::string& where, const Tensor& edges) {
  if (edges.rank() != 2 || edges.dim(0) != 2)
    throw ShapeError(where + "expected edges of shape (2, edges), got " + to_string(edges.shape()));
  if (is_floating(edges.dtype()) || edges.dtype() == bool_)
    throw DTypeError(where + "expected integers as edges, got " + name_of(edges.dtype()));
}
Tensor end_of(const Tensor& edges, std::int64_t row) { return squeeze(slice_axis(edges, 0, {row, row + 1}), 0); }
/// The edges, whose node numbers are looked at when values are computed: negative ones would count from the end.
Tensor checked(const Tensor& edges, std::int64_t nodes) { return check_labels(edges, nodes, "node"); }
Tensor sources(const Tensor& edges) { return end_of(edges, 0); }
Tensor targets(const Tensor& edges) { return end_of(edges, 1); }

/// x with axes of length 1 at the end, as many axes as `like`.
Tensor as_rows(Tensor x, const Tensor& like) {
  while (x.rank() < like.rank()) x = expand_dims(x, -1);
  return x;
}

/// x (floating), edges and perhaps a third tensor.
struct GraphInputs {
  Tensor x, edges, extra;
};
GraphInputs graph_inputs(const std::string& where, std::span<const Tensor> inputs, bool extra) {
  if (inputs.size() != 2 && !(extra && inputs.size() == 3))
    throw ValueError(where + "expected x and edges" + (extra ? ", and perhaps a tensor over the edges" : "") +
                     ", got " + std::to_string(inputs.size()) + " tensors");
  GraphInputs in{floating(inputs[0]), inputs[1], inputs.size() == 3 ? inputs[2] : Tensor()};
  check_rank(where, in.x, 2);
  need_edges(where, in.edges);
  if (in.extra.defined() && (in.extra.rank() == 0 || in.extra.dim(0) != in.edges.dim(1)))
    throw ShapeError(where + "expected one row for each of " + std::to_string(in.edges.dim(1)) + " edges, got " +
                     to_string(in.extra.shape()));
  return in;
}

void need_features(const std::string& where, const Parameter& kernel, const Tensor& x) {
  if (x.dim(1) != kernel.shape()[0])
    throw ShapeError(where + "expected x with " + std::to_string(kernel.shape()[0]) + " features, got " +
                     to_string(x.shape()));
}

void describe(Fields& f, std::int64_t& channels, GCNConvOptions& o) {
  f("channels", channels);
  f("activation", o.activation);
  f("use_bias", o.use_bias);
  f("add_self_loops", o.add_self_loops);
  f("normalize", o.normalize);
  f("kernel_initializer", o.kernel_initializer);
  f("bias_initializer", o.bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("activity_regularizer", o.activity_regularizer);
  f("kernel_constraint", o.kernel_constraint);
  f("bias_constraint", o.bias_constraint);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, std::int64_t& channels, GATConvOptions& o) {
  f("channels", channels);
  f("heads", o.heads);
  f("concat", o.concat);
  f("negative_slope", o.negative_slope);
  f("dropout", o.dropout);
  f("add_self_loops", o.add_self_loops);
  f("activation", o.activation);
  f("use_bias", o.use_bias);
  f("kernel_initializer", o.kernel_initializer);
  f("attention_initializer", o.attention_initializer);
  f("bias_initializer", o.bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("attention_regularizer", o.attention_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("name", o.name);
  f("dtype", o.dtype);
}

}  // namespace

Tensor aggregate(const Tensor& data, const Tensor& ids, std::int64_t segments, std::string_view aggregation) {
  const Aggregation kind = aggregation_named(aggregation);
  if (kind == Aggregation::sum) return segment_sum(data, ids, segments);
  const Tensor x = floating(data);
  const Tensor counts = as_rows(segment_sum(broadcast_like(Tensor(1), ids), ids, segments), x);
  if (kind == Aggregation::mean) return segment_sum(x, ids, segments) / cast(maximum(counts, 1), x.dtype());
  const Tensor extremes = kind == Aggregation::max ? segment_max(x, ids, segments) : segment_min(x, ids, segments);
  return where(counts > 0, extremes, 0);
}

Tensor propagate(const Tensor& given, const Tensor& edges, const Tensor& edge_weight, std::string_view aggregation) {
  const Tensor x = floating(given);
  need_edges("[propagate] ", edges);
  if (x.rank() == 0) throw ShapeError("[propagate] expected x with nodes, got a scalar");
  const Tensor ends = checked(edges, x.dim(0));
  Tensor messages = take(x, sources(ends));
  if (edge_weight.defined()) {
    if (edge_weight.shape() != Shape{edges.dim(1)})
      throw ShapeError("[propagate] expected a weight for each of " + std::to_string(edges.dim(1)) + " edges, got " +
                       to_string(edge_weight.shape()));
    messages = as_rows(edge_weight, messages) * messages;
  }
  return aggregate(messages, targets(ends), x.dim(0), aggregation);
}

Tensor segment_softmax(const Tensor& given, const Tensor& ids, std::int64_t segments) {
  const Tensor x = floating(given);
  const Tensor e = exp(x - take(stop_gradient(segment_max(x, ids, segments)), ids));
  return e / take(segment_sum(e, ids, segments), ids);
}

WeightedEdges add_self_loops(const Tensor& edges, std::int64_t nodes, const Tensor& edge_weight, DType dtype) {
  need_edges("[add_self_loops] ", edges);
  const Tensor each = expand_dims(arange(nodes, {.dtype = edges.dtype()}), 0);
  const Tensor weights = edge_weight.defined() ? edge_weight : ones({edges.dim(1)}, {.dtype = dtype});
  return {concatenate({edges, concatenate({each, each})}, 1),
          concatenate({weights, ones({nodes}, {.dtype = weights.dtype()})})};
}

Tensor symmetric_normalization(const Tensor& edges, std::int64_t nodes, const Tensor& edge_weight) {
  const Tensor degree = segment_sum(edge_weight, targets(edges), nodes);
  const Tensor factor = where(degree > 0, 1 / sqrt(where(degree > 0, degree, 1)), 0);
  return take(factor, sources(edges)) * edge_weight * take(factor, targets(edges));
}

// --- GCNConv

struct GCNConv::State : Counted {
  State(std::int64_t channels, GCNConvOptions options) : channels(channels), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  std::string where() const { return label("GCNConv", options.name); }
  std::int64_t channels;
  GCNConvOptions options;
  Parameter kernel, bias;
};

GCNConv::GCNConv(std::int64_t channels, GCNConvOptions options) : state_(new State(channels, std::move(options))) {
  if (channels <= 0) throw ValueError(state_->where() + "expected channels above 0, got " + std::to_string(channels));
}

Tensor GCNConv::operator()(std::span<const Tensor> inputs, Call& call) const {
  State& s = *state_;
  const GCNConvOptions& o = s.options;
  const GraphInputs in = graph_inputs(s.where(), inputs, true);
  if (!s.kernel.defined()) {
    const DType dtype = o.dtype.value_or(in.x.dtype());
    const std::string prefix = (o.name.empty() ? "gcn_conv" : o.name) + "/";
    if (o.use_bias) s.bias = Parameter(o.bias_initializer({s.channels}, dtype, call.random()), prefix + "bias");
    s.kernel = Parameter(o.kernel_initializer({in.x.dim(1), s.channels}, dtype, call.random()), prefix + "kernel");
  }
  need_features(s.where(), s.kernel, in.x);
  const std::int64_t nodes = in.x.dim(0);
  WeightedEdges graph{in.edges, in.extra};
  if (o.add_self_loops) graph = add_self_loops(in.edges, nodes, in.extra, in.x.dtype());
  if (o.normalize && !graph.weights.defined()) graph.weights = ones({in.edges.dim(1)}, {.dtype = in.x.dtype()});
  if (o.normalize) graph.weights = symmetric_normalization(graph.edges, nodes, graph.weights);
  Tensor y = propagate(matmul(in.x, s.kernel), graph.edges, graph.weights);
  if (o.use_bias) y = y + s.bias;
  y = o.activation.apply(y);
  if (o.activity_regularizer) call.penalties.push_back(o.activity_regularizer(y));
  return y;
}

void GCNConv::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("kernel", s.kernel, s.options.kernel_regularizer, s.options.kernel_constraint);
  if (s.options.use_bias) visit("bias", s.bias, s.options.bias_regularizer, s.options.bias_constraint);
}
const std::string& GCNConv::name() const { return state_->options.name; }
const Parameter& GCNConv::kernel() const { return state_->kernel; }
const Parameter& GCNConv::bias() const { return state_->bias; }
Config GCNConv::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.channels, s.options); });
}
GCNConv GCNConv::from_config(const Config& config) {
  std::int64_t channels = 0;
  GCNConvOptions options;
  read_config("GCNConv", config, [&](Fields& f) { describe(f, channels, options); });
  return GCNConv(channels, std::move(options));
}

// --- GATConv

struct GATConv::State : Counted {
  State(std::int64_t channels, GATConvOptions options) : channels(channels), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  std::string where() const { return label("GATConv", options.name); }
  std::int64_t channels;
  GATConvOptions options;
  Parameter kernel, source, target, bias;
  Generator generator;
};

GATConv::GATConv(std::int64_t channels, GATConvOptions options) : state_(new State(channels, std::move(options))) {
  const GATConvOptions& o = state_->options;
  if (channels <= 0 || o.heads <= 0)
    throw ValueError(state_->where() + "expected channels and heads above 0, got " + std::to_string(channels) +
                     " and " + std::to_string(o.heads));
  if (!(o.dropout >= 0 && o.dropout < 1))
    throw ValueError(state_->where() + "expected dropout from 0 to less than 1, got " + number_text(o.dropout));
}

Tensor GATConv::operator()(std::span<const Tensor> inputs, Call& call) const {
  State& s = *state_;
  const GATConvOptions& o = s.options;
  const GraphInputs in = graph_inputs(s.where(), inputs, false);
  if (!s.kernel.defined()) {
    const DType dtype = o.dtype.value_or(in.x.dtype());
    const std::string prefix = (o.name.empty() ? "gat_conv" : o.name) + "/";
    const Shape heads{o.heads, s.channels};
    s.source = Parameter(o.attention_initializer(heads, dtype, call.random()), prefix + "attention_source");
    s.target = Parameter(o.attention_initializer(heads, dtype, call.random()), prefix + "attention_target");
    const Shape of_bias{o.concat ? o.heads * s.channels : s.channels};
    if (o.use_bias) s.bias = Parameter(o.bias_initializer(of_bias, dtype, call.random()), prefix + "bias");
    if (o.dropout > 0) s.generator = call.random().split();
    s.kernel =
        Parameter(o.kernel_initializer({in.x.dim(1), o.heads * s.channels}, dtype, call.random()), prefix + "kernel");
  }
  need_features(s.where(), s.kernel, in.x);
  const std::int64_t nodes = in.x.dim(0);
  const Tensor edges = checked(o.add_self_loops ? add_self_loops(in.edges, nodes).edges : in.edges, nodes);
  const Tensor from = sources(edges), to = targets(edges);
  const Tensor h = reshape(matmul(in.x, s.kernel), {nodes, o.heads, s.channels});
  const Tensor logits =
      leaky_relu(take(sum(h * s.source, -1), from) + take(sum(h * s.target, -1), to), o.negative_slope);
  Tensor attention = segment_softmax(logits, to, nodes);
  if (call.training && o.dropout > 0)
    attention = where(bernoulli_like(attention, 1 - o.dropout, &s.generator), attention / (1 - o.dropout), 0);
  Tensor y = segment_sum(take(h, from) * expand_dims(attention, -1), to, nodes);
  y = o.concat ? reshape(y, {nodes, o.heads * s.channels}) : mean(y, 1);
  if (o.use_bias) y = y + s.bias;
  return o.activation.apply(y);
}

void GATConv::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("kernel", s.kernel, s.options.kernel_regularizer);
  visit("attention_source", s.source, s.options.attention_regularizer);
  visit("attention_target", s.target, s.options.attention_regularizer);
  if (s.options.use_bias) visit("bias", s.bias, s.options.bias_regularizer);
  if (s.options.dropout > 0 && s.kernel.defined()) visit("generator", s.generator);
}
const std::string& GATConv::name() const { return state_->options.name; }
const Parameter& GATConv::kernel() const { return state_->kernel; }
Config GATConv::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.channels, s.options); });
}
GATConv GATConv::from_config(const Config& config) {
  std::int64_t channels = 0;
  GATConvOptions options;
  read_config("GATConv", config, [&](Fields& f) { describe(f, channels, options); });
  return GATConv(channels, std::move(options));
}

// --- MessagePassing

struct MessagePassing::State : Counted {
  State(Layer message, Layer update, MessagePassingOptions options)
      : message(std::move(message)), update(std::move(update)), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  Layer message, update;
  MessagePassingOptions options;
};

MessagePassing::MessagePassing(Layer message, Layer update, MessagePassingOptions options)
    : state_(new State(std::move(message), std::move(update), std::move(options))) {
  aggregation_named(state_->options.aggregation);
}

Tensor MessagePassing::operator()(std::span<const Tensor> inputs, Call& call) const {
  State& s = *state_;
  const std::string where = label("MessagePassing", s.options.name);
  const GraphInputs in = graph_inputs(where, inputs, true);
  const Tensor edges = checked(in.edges, in.x.dim(0));
  std::vector<Tensor> parts{take(in.x, sources(edges)), take(in.x, targets(edges))};
  if (in.extra.defined()) parts.push_back(as_rows(floating(in.extra), in.x));
  const Tensor messages = s.message(concatenate(parts, 1), call);
  if (messages.rank() != 2 || messages.dim(0) != in.edges.dim(1))
    throw ShapeError(where + "expected messages of shape (edges, features) from the message layer, got " +
                     to_string(messages.shape()));
  const Tensor together = aggregate(messages, targets(edges), in.x.dim(0), s.options.aggregation);
  return s.update(concatenate({in.x, together}, 1), call);
}

void MessagePassing::each(Visit visit) {
  visit.own(state_);
  visit("message", state_->message);
  visit("update", state_->update);
}
const std::string& MessagePassing::name() const { return state_->options.name; }
Config MessagePassing::get_config() const {
  return Config::object({{"message", layer_config(state_->message)},
                         {"update", layer_config(state_->update)},
                         {"aggregation", state_->options.aggregation},
                         {"name", state_->options.name}});
}
MessagePassing MessagePassing::from_config(const Config& config, const CustomObjects& custom) {
  Config message, update;
  MessagePassingOptions options;
  read_config("MessagePassing", config, [&](Fields& f) {
    f("message", message);
    f("update", update);
    f("aggregation", options.aggregation);
    f("name", options.name);
  });
  return MessagePassing(layer_from_config(message, custom), layer_from_config(update, custom), std::move(options));
}

}  // namespace xgrad
