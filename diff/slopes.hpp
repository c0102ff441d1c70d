#pragma once
/// How steep the elementwise activations inside a recorded graph are.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// One layer's activation: its slope for each sample and unit, and at 0. Recorded, not computed.
struct UnitSlopes {
  std::string layer;  ///< the name the layer recorded under
  Tensor slopes;      ///< da/dz, shaped like the layer's output
  Tensor at_zero;     ///< da/dz for z = 0, a scalar
};

/// The activations of the layers that y was recorded by, in order: for each layer whose output follows element by
/// element from its sums (the result of a product or a bias) or from the input of the layer, and is not linear. Softmax
/// and the like, whose elements depend on each other, are left out.
std::vector<UnitSlopes> unit_slopes(const Tensor& y);

}  // namespace xgrad
