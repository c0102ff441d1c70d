#pragma once
/// Sums over products of labelled axes. Internal to ops/.

#include <xgrad/graph/op.hpp>

#include <vector>

namespace xgrad {

/// A tensor whose axes carry labels: small numbers, the same for axes that run together.
struct Labelled {
  Tensor x;
  std::vector<int> labels;
};

/// The sum over all labels that `result` leaves out of the product of the operands, with the axes in the order of
/// `result`. A label twice on one operand means its diagonal; length 1 repeats. Two operands are multiplied at a time,
/// in the order of least work (all orders are compared for up to 8 operands). Throws ShapeError where lengths differ;
/// `letter` names a label in its message.
Tensor contract(std::vector<Labelled> operands, const std::vector<int>& result, std::string (*letter)(int label),
                const char* name, const Location& where);

}  // namespace xgrad
