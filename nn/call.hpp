#pragma once
/// Call: what a layer is told about the call it is part of.

#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/tensor.hpp>

namespace xgrad {

class Config;

/// One call of a model: handed from layer to layer, so that no layer has a hidden training state.
struct Call {
  bool training = false;           ///< training or evaluation
  Generator* generator = nullptr;  ///< what layers split theirs from when they are built; null: the thread's default
  Tensor mask = {};                ///< which steps of x count (bool), undefined: all; a layer leaves its result's here
  std::vector<Tensor> penalties = {};  ///< scalars that layers add to the loss
  std::vector<Tensor> masks = {};      ///< for a layer of several inputs or outputs, the mask of each
  bool dry = false;                    ///< only shapes are looked at, nothing is computed: no state may change
  /// In a step of a functional model: what the layer's call was given besides the inputs' order; null: nothing.
  const Config* arguments = nullptr;

  Generator& random() const { return generator ? *generator : default_generator(); }
};

}  // namespace xgrad
