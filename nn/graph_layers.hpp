#pragma once
/// Layers on graphs with sparse adjacency: GCNConv, GATConv, MessagePassing, and the sums over neighbours they are made
/// of. A graph is a list of edges: integers (2, edges), sources in the first row, targets in the second. A node listens
/// to the sources of its edges; an undirected graph has both directions in its list. A node number out of range is an
/// error when values are computed. Models on graphs are fitted from a BatchSource, which gives {x, edges} at once.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct CustomObjects;

/// For each node the sum, mean, max or min over its incoming edges of weight * x[source]: (nodes, ...) -> (nodes, ...).
/// A node without edges gets 0. Weights (edges,) are 1 if undefined. Throws ShapeError unless edges are (2, n) and x
/// has nodes, DTypeError unless they are integers, ValueError for another word.
Tensor propagate(const Tensor& x, const Tensor& edges, const Tensor& edge_weight = {},
                 std::string_view aggregation = "sum");
/// Rows data (n, ...) by segment: sum, mean, max or min, 0 for a segment without rows.
Tensor aggregate(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments,
                 std::string_view aggregation = "sum");
/// exp(data) / sum of exp(data) over the rows of a segment, shifted by their maximum.
Tensor segment_softmax(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments);

/// Edges with weights.
struct WeightedEdges {
  Tensor edges, weights;
};
/// The edges and one from each node to itself, of weight 1 (weights are 1 if undefined).
WeightedEdges add_self_loops(const Tensor& edges, std::int64_t nodes, const Tensor& edge_weight = {},
                             DType dtype = float32);
/// The weights of D^-1/2 A D^-1/2, D the sums of the weights of incoming edges; 0 for nodes without any.
Tensor symmetric_normalization(const Tensor& edges, std::int64_t nodes, const Tensor& edge_weight);

struct GCNConvOptions {
  ActivationFunction activation = {};
  bool use_bias = true;
  bool add_self_loops = true;
  bool normalize = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// activation(A (x kernel) + bias) with A = D^-1/2 (adjacency + I) D^-1/2 (Kipf and Welling 2017). Inputs are x (nodes,
/// features), edges and, if there are any, weights of the edges (edges,): layer({x, edges}), layer({x, edges,
/// weights}).
class GCNConv {
 public:
  /// Throws ValueError unless channels > 0.
  explicit GCNConv(std::int64_t channels, GCNConvOptions options = {});
  Tensor operator()(std::span<const Tensor> inputs) const { return call_alone(*this, inputs); }
  Tensor operator()(std::initializer_list<Tensor> inputs) const {
    return (*this)(std::span<const Tensor>(inputs.begin(), inputs.size()));
  }
  Tensor operator()(std::span<const Tensor> inputs, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& kernel() const;  ///< (features, channels); undefined until built
  const Parameter& bias() const;
  Config get_config() const;
  static GCNConv from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct GATConvOptions {
  std::int64_t heads = 1;
  bool concat = true;  ///< heads side by side, (nodes, heads * channels); else their mean, (nodes, channels)
  double negative_slope = .2;
  double dropout = 0;  ///< of attention coefficients, in training
  bool add_self_loops = true;
  ActivationFunction activation = {};
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer attention_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer attention_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Graph attention (Velickovic et al. 2018): h = x kernel in heads; an edge from j to i has the logit
/// leaky_relu(attention_source . h_j + attention_target . h_i), and node i becomes the sum of its sources' h weighted
/// by the softmax over its incoming edges, plus bias, then activation. Inputs are x (nodes, features) and edges.
class GATConv {
 public:
  /// Throws ValueError unless channels and heads > 0 and 0 <= dropout < 1.
  explicit GATConv(std::int64_t channels, GATConvOptions options = {});
  Tensor operator()(std::span<const Tensor> inputs) const { return call_alone(*this, inputs); }
  Tensor operator()(std::initializer_list<Tensor> inputs) const {
    return (*this)(std::span<const Tensor>(inputs.begin(), inputs.size()));
  }
  Tensor operator()(std::span<const Tensor> inputs, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& kernel() const;  ///< (features, heads * channels); undefined until built
  Config get_config() const;
  static GATConv from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct MessagePassingOptions {
  std::string aggregation = "sum";  ///< or "mean", "max", "min"
  std::string name = {};
};

/// Message passing in general (Gilmer et al. 2017): for each edge message(x[source], x[target], features of the edge,
/// if there are any, side by side), aggregated over the edges that end in a node, then update(x, aggregated, side by
/// side). Both are layers of matrices (n, features). Inputs are x (nodes, features), edges and, if there are any,
/// features of the edges (edges, ...).
class MessagePassing {
 public:
  /// Throws ValueError for another aggregation.
  MessagePassing(Layer message, Layer update, MessagePassingOptions options = {});
  Tensor operator()(std::span<const Tensor> inputs) const { return call_alone(*this, inputs); }
  Tensor operator()(std::initializer_list<Tensor> inputs) const {
    return (*this)(std::span<const Tensor>(inputs.begin(), inputs.size()));
  }
  Tensor operator()(std::span<const Tensor> inputs, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static MessagePassing from_config(const Config& config, const CustomObjects& custom);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
