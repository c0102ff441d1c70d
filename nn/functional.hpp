#pragma once
/// The graph of layers inside a functional model. Internal to nn/.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

/// The call of a layer as a step of a symbolic graph.
struct LayerCall final : Deferred {
  LayerCall(Layer layer, std::size_t outputs, Config arguments)
      : layer(std::move(layer)), outputs(outputs), arguments(std::move(arguments)) {}
  Layer layer;
  std::size_t outputs;
  Config arguments;
};

/// Layers with the ways between them, as one layer. Copies share them.
struct LayerGraph {
  /// A number computed by operations between layers: recorded again with values in place of placeholders.
  struct Expression {
    Tensor output;
    std::vector<std::pair<Tensor, std::size_t>> slots;       ///< placeholders, and the slots that take their places
    std::vector<std::pair<Tensor, std::size_t>> parameters;  ///< the same for Parameters read by the operations
  };
  /// What is read: a slot, or an expression of some.
  struct Source {
    std::size_t slot = 0;
    int expression = -1;  ///< if not -1, instead of the slot
  };
  struct Step {
    std::size_t layer = 0;
    std::vector<Source> inputs;
    std::size_t first_slot = 0, outputs = 1;
    Config arguments = {};
  };
  struct Entry {
    std::string name;
    Layer layer;
  };
  struct Input {
    std::string name;
    Shape shape;  ///< without the batch
    DType dtype = float32;
  };
  struct State : Counted {
    Counted* copy() const override { return new State(*this); }
    std::vector<Input> inputs;
    std::vector<Entry> layers;
    std::vector<Step> steps;
    std::vector<Expression> expressions;
    std::vector<Source> outputs;
    std::vector<std::string> output_names;
    std::vector<std::pair<std::string, Parameter>> parameters;  ///< of expressions
    std::vector<Shape> shapes;                                  ///< of slots, without the batch
    std::size_t slots = 0;
  };

  /// The graph from these inputs to these outputs.
  LayerGraph(const Tensors& inputs, const Tensors& outputs);
  explicit LayerGraph(Shared<State> state) : state(std::move(state)) {}

  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  void each(Visit visit);
  Shape input_shape() const { return state->inputs.size() == 1 ? state->inputs[0].shape : Shape(); }

  Shared<State> state = make_shared<State>();
};

/// The call of a layer under its name: what goes wrong says where.
std::vector<Tensor> call_in(const std::string& name, const Layer& layer, std::span<const Tensor> xs, Call& call);

/// The layer's own name, or one of its type that is not among `taken`. Throws ValueError if its own is.
std::string name_among(std::string_view where, const Layer& layer, const std::vector<std::string>& taken);

}  // namespace xgrad
