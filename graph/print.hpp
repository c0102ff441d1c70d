#pragma once
/// Recorded graphs as text.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// The expression y was recorded as, in infix form: "sigmoid(x1 * w1 + x2 * w2 + b1)". Leaves appear by name, by value
/// if they are computed scalars, else by shape. A part that several readers share, or that grows long, gets a line of
/// its own
/// ("t1 = ..."). Nothing is computed.
std::string formula(const Tensor& y);

/// The graph as a list, one node a line, inputs first: number, operation, inputs, shape, dtype, layer and source line.
/// Stable from run to run, so it can be compared.
std::string dump(const Tensor& y);

/// The graph in Graphviz's DOT language.
std::string to_dot(const Tensor& y);

}  // namespace xgrad
