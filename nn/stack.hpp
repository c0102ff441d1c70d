#pragma once
/// The list inside a Sequential. Internal to nn/.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

/// Layers in order, as one layer. Copies share the list.
struct Stack {
  struct Entry {
    std::string name;
    Layer layer;
    bool known = false;  ///< whether shape and dtype of its output, without the batch, are
    Shape output = {};
    DType dtype = float32;
  };
  struct State : Counted {
    Counted* copy() const override { return new State(*this); }
    std::vector<Entry> entries;
    bool input_known = false;  ///< whether the layers were built for an input of this shape, without the batch
    Shape input = {};
    DType input_dtype = float32;
  };

  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);

  /// Calls entry i on an input of this shape, of which only the shape matters: builds it and learns its output's shape.
  void reach(std::size_t i, const Shape& input, DType dtype) const;

  Shared<State> state = make_shared<State>();
};

}  // namespace xgrad
