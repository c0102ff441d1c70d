#pragma once
/// Recomputing instead of keeping.

#include <xgrad/diff/tensors.hpp>
#include <xgrad/graph/leading.hpp>

namespace xgrad {

/// A recorded function of stand-ins, as a tensor that keeps nothing for gradients: see `checkpoint`.
Tensor checkpointed(std::span<const Tensor> inputs, std::span<const Tensor> stand_ins, const Tensor& y);
/// A stand-in for each input.
std::vector<Tensor> stand_ins_for(std::span<const Tensor> inputs);

/// f(x...), whose inner values are not kept for its gradient but computed again when that is due: less memory for one
/// more forward pass (Chen et al. 2016). f has one result and is called once, with stand-ins for the inputs whose
/// values nobody may ask for; gradients reach the inputs and whatever else f uses (weights). Draws keep their numbers,
/// so dropout drops the same elements again. The values and gradients are the same bits as without. A gradient that is
/// held together with what it was taken by keeps its own history (docs/design.md); the memory is saved where an update
/// or stop_gradient ends that.
template <class F, class... X>
Tensor checkpoint(const F& f, const X&... x) {
  const Arg given[] = {Arg(x)...};
  const std::vector<Tensor> inputs = distinct(given), stand_ins = stand_ins_for(inputs);
  const Tensor y = [&] {
    const RecordOnly recorded;
    return Tensor(call_with<sizeof...(X)>(f, stand_ins));
  }();
  return checkpointed(inputs, stand_ins, y);
}

}  // namespace xgrad
