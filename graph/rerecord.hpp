#pragma once
/// Recording a graph again with other leaves: another batch size, dtype or input.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// `from` is a node of the graph, `to` takes its place.
struct Substitution {
  Tensor from, to;
};

/// Records what `outputs` were recorded from once more, with the substitutions in place: every shape and dtype that
/// follows from them is inferred again, C++ numbers take the new dtypes, draws keep their numbers. Parts that depend on
/// no substitution stay the nodes they are. Nothing is computed. Throws ShapeError where the new shapes do not fit, and
/// GradientError where a history that would be needed has ended.
std::vector<Tensor> rerecord(std::span<const Tensor> outputs, std::span<const Substitution> substitutions);
Tensor rerecord(const Tensor& output, std::initializer_list<Substitution> substitutions);

}  // namespace xgrad
