#pragma once
/// Sums over products, written with letters for axes.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// NumPy's einsum: einsum("bij,bjk->bik", {a, b}). Each operand has a letter for each axis; the result is the product
/// of the operands, summed over the letters that do not stand behind "->". A letter twice on one operand means its
/// diagonal. "..." stands for leading axes that broadcast. Without "->" the result has the axes of "..." and then, in
/// alphabetical order (capitals first), the letters that occur once. Axes of length 1 repeat. Mixed dtypes promote;
/// integers wrap. Two operands are multiplied at a time, as matrices where they share summed letters, in the order of
/// least work for the shapes given (all orders are compared for up to 8 operands, then greedily). Throws ValueError for
/// what is not such a text, ShapeError for shapes that do not fit it or a product of more than 8 axes on the way.
Tensor einsum(std::string_view subscripts, std::initializer_list<Arg> operands);
Tensor einsum(std::string_view subscripts, std::span<const Tensor> operands, Location where = Location::current());

}  // namespace xgrad
