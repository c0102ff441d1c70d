#pragma once
/// A recorded graph as plain data and back: what files keep of operations.

#include <xgrad/graph/tensor.hpp>

#include <string>

namespace xgrad {

/// One node of a graph. Inputs are places of earlier steps.
struct GraphStep {
  enum class Kind : std::uint8_t { hole, value, number, operation };
  Kind kind = Kind::operation;
  std::size_t hole = 0;       ///< its place among the tensors that are put in
  Tensor value = {};          ///< of a value or a number: a computed leaf
  bool weak = false;          ///< a C++ number, which takes the dtype of what it meets
  std::string operation = {};
  std::vector<std::size_t> inputs = {};
  std::int64_t attributes[2] = {};
  std::vector<std::int64_t> list = {};
  std::uint64_t seed = 0, draw = 0;  ///< of random numbers
};

/// The steps from `holes` to `output`, the last of which is the output. Parts that depend on no hole become values,
/// which are computed. Throws ValueError, naming the operation and the line that recorded it, for functions of a user's
/// own (map, custom_op, checkpoint), which are no data, and for symbolic tensors that are not among the holes.
std::vector<GraphStep> steps_of(const Tensor& output, std::span<const Tensor> holes);

/// Records the steps over other tensors and gives back the last one. Throws ValueError for an operation there is not
/// and for places and numbers out of range, and what the operations themselves throw.
Tensor record_steps(std::span<const GraphStep> steps, std::span<const Tensor> holes);

}  // namespace xgrad
