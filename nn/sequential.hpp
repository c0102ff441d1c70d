#pragma once
/// Sequential: a model that is a list of layers.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/model.hpp>
#include <xgrad/nn/shape_layers.hpp>

namespace xgrad {

/// Layers called one after another; any callable is a layer, a Sequential too. If the first says its input shape, the
/// layers are built as they are added, else by the first call. Each has a name: its own, or that of its type with a
/// number ("dense", "dense_1"). Copies share the layers.
///
///     Sequential model{Flatten(), Dense(128, {.activation = "relu"}), Dropout(0.2), Dense(10)};
class Sequential : public Model {
 public:
  Sequential();
  Sequential(std::initializer_list<Layer> layers);
  explicit Sequential(const std::vector<Layer>& layers);

  /// Adds a layer at the end. Throws ValueError if another layer has the name it was given, ShapeError if it does not
  /// fit.
  void add(Layer layer);
  /// Takes the last layer off. Throws ValueError if there is none.
  void pop();
  /// Builds the layers for inputs of this shape, without the batch.
  void build(const Shape& input_shape, DType dtype = float32);

  std::size_t size() const;
};

}  // namespace xgrad
