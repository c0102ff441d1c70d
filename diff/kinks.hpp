#pragma once
/// Internal to diff/: which piece of a piecewise function a value belongs to.

#include <xgrad/graph/node.hpp>

namespace xgrad::checking {

/// An operation with a kink or a jump.
struct Site {
  const char* operation = "";
  Location where;
  bool jumps = false;  ///< its values, not only its derivatives
};

/// What tells pieces apart: one tensor a site. Two points with equal marks lie on one piece.
struct Marks {
  std::vector<Site> sites;
  std::vector<Tensor> owners;  ///< the operations themselves
  std::vector<Tensor> tensors;
};

/// The marks of all that these tensors were recorded from; records, computes nothing.
Marks marks_of(std::span<const Tensor> ys);

/// The computed marks.
using Piece = std::vector<std::vector<double>>;
/// The first site where two pieces differ, -1 if they are one; -2 if the graphs have different sites.
int difference(const Piece& a, const Piece& b);
/// All sites where two pieces of one graph differ.
std::vector<int> differences(const Piece& a, const Piece& b);

}  // namespace xgrad::checking
