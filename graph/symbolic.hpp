#pragma once
/// Symbolic tensors: graphs without values, which a model records again for each batch.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// A tensor with a shape and a dtype that never has a value. What is recorded from it is symbolic too: asking for its
/// value is a ValueError, and no evaluation computes it. `rerecord` puts other tensors in its place.
Tensor symbolic_input(const Shape& shape, DType dtype = float32, std::string_view name = {});

/// Whether x was recorded from a placeholder, or is one.
bool is_symbolic(const Tensor& x);
bool is_symbolic(std::span<const Tensor> xs);

/// What a deferred step stands for, such as the call of a layer; it lives as long as the step.
class Deferred {
 public:
  virtual ~Deferred() = default;
};

/// Records a step on symbolic inputs that somebody carries out later: results of the shapes and dtypes of `like`. Takes
/// the step over. Throws ValueError unless an input is symbolic.
std::vector<Tensor> defer(const Deferred* step, std::span<const Tensor> inputs, std::span<const Tensor> like,
                          std::string_view name = {});

/// A deferred step of a graph: what was given to `defer`, and those of its results that the graph uses.
struct DeferredCall {
  const Deferred* step = nullptr;
  std::vector<Tensor> inputs;
  std::vector<std::pair<std::size_t, Tensor>> results;  ///< each with its number
};

/// The deferred steps that these tensors were recorded from, each after those it needs.
std::vector<DeferredCall> deferred_calls(std::span<const Tensor> outputs);
/// The placeholders that these tensors were recorded from, those of deferred steps included, in the order first met.
std::vector<Tensor> placeholders_of(std::span<const Tensor> outputs);

}  // namespace xgrad
