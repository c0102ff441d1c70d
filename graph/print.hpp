#pragma once
/// Recorded graphs as text.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

enum class FormulaStyle : std::uint8_t {
  math,  ///< as people write it: -(T - a2) · a2 (1 - a2) · x1
  code,  ///< one operator for each operation recorded: -(1 * (T - a2)) * (a2 * (1 - a2)) * x1
};

/// The expression y was recorded as, with the names given to tensors and Parameters. Leaves without a name appear by
/// value if they are computed scalars, else by shape; a part that is long, or that several readers share, gets a line
/// of its own ("t1 = ..."). Nothing is computed.
///
/// `math` stops at tensors that have a name, folds numbers and signs, and leaves out broadcasts, casts and reshapes; a
/// product that was recorded as one factor stays together. `code` goes on to the leaves; named parts get lines.
std::string formula(const Tensor& y, FormulaStyle style = FormulaStyle::math);

/// The same formula as `math` in LaTeX, for a display: w1 is w_{1}, eta is \eta. Lines end with \\.
std::string latex(const Tensor& y);

/// The graph as a list, one node a line, inputs first: number, operation, inputs, shape, dtype, layer and source line.
/// Stable from run to run, so it can be compared.
std::string dump(const Tensor& y);

/// The graph in Graphviz's DOT language.
std::string to_dot(const Tensor& y);

}  // namespace xgrad
