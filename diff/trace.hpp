#pragma once
/// Backpropagation as a table: each value, each local derivative, and the product that reached it.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// A value on the way from the leaves to the result.
struct TraceValue {
  std::string name;     ///< the name it was given, or "v3"
  std::string formula;  ///< how it follows from the named values before it; "" for leaves
  Tensor value;
  Tensor gradient;  ///< the derivative of the result by it, undefined if there is none
};

/// One step back: from a value to one that it was made from.
struct TraceStep {
  std::string from, to;
  std::string local;    ///< d from / d to as a formula; of tensors, what it makes of the gradient g
  Tensor local_value;   ///< for tensors: the gradient that arrives by this step alone, too
  Tensor reached;       ///< the derivative of the result by `from`
  Tensor product;       ///< what `to` gets by this step: reached times local
};

/// The hand calculation of a derivative. Numbers of more than one element are shown by their norm.
struct Trace {
  std::string result;              ///< the name of the differentiated tensor
  std::vector<TraceValue> values;  ///< inputs first
  std::vector<TraceStep> steps;    ///< from the result back
  int digits = 6;                  ///< shown after the point's first digit, in all forms

  std::string text() const;
  std::string markdown() const;
  std::string latex() const;  ///< two tabular environments
  std::string csv() const;    ///< "kind,from,to,expression,value,reached,product", with 17 digits
};

/// Traces a scalar back to its leaves, from one named tensor or Parameter to the next; with no names in between,
/// operation by operation. Computes all values. Throws ShapeError unless y has one element, DTypeError unless it is
/// floating.
Trace backprop_trace(const Tensor& y);

std::ostream& operator<<(std::ostream& out, const Trace& trace);

}  // namespace xgrad
