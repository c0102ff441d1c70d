#pragma once
/// Layers and Parameters that stand in several places of a model, for files. Internal to nn/.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

/// Which places of the network, in the order of `each`, hold an object or a Parameter that an earlier place holds;
/// nothing if none does.
Config sharing_of(const Layer& network);

/// Puts into the places of a network of the same architecture what they shared. Throws ValueError for another one.
void share(Layer& network, const Config& sharing);

}  // namespace xgrad
