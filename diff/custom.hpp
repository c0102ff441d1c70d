#pragma once
/// Operations and gradients of one's own: whole-tensor functions with a rule, and values with another gradient.

#include <xgrad/diff/op_name.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/graph/shared.hpp>

#include <optional>

namespace xgrad {

/// `value`'s elements with the gradient of `through`: straight_through(round(x), x) rounds and passes gradients on as
/// if it had not (Bengio, Leonard and Courville 2013). Both have one shape and dtype (ShapeError, DTypeError).
Tensor straight_through(const Arg& value, const Arg& through);

/// The gradients of the xs, one for each (undefined: none), from the gradient g reaching y. It may be called any number
/// of times, must be linear in g, and is differentiated again for higher orders, so it works on its arguments rather
/// than on tensors it closes over.
using GradientRule = Function<std::vector<Tensor>(std::span<const Tensor> xs, const Tensor& y, const Tensor& g)>;

/// y's elements with gradients by this rule instead of those of the operations y was recorded from (a surrogate
/// gradient, a clipped one, one in closed form). Works inside vmap, and in forward mode.
Tensor custom_gradient(const Arg& y, std::span<const Tensor> xs, GradientRule rule);
/// The same for one x: custom_gradient(step(x), x, [](auto& x, auto& y, auto& g) { return g * exp(-abs(x)); }).
Tensor custom_gradient(const Arg& y, const Arg& x,
                       Function<Tensor(const Tensor& x, const Tensor& y, const Tensor& g)> rule);

/// The elements of an array that a custom operation is given; throws DTypeError if they are not of type T.
template <class T>
std::span<T> elements(const View& view) {
  if (view.dtype != dtype_of<std::remove_const_t<T>>)
    throw DTypeError(std::string("[elements] expected ") + name_of(dtype_of<std::remove_const_t<T>>) + ", got " +
                     name_of(view.dtype));
  return {static_cast<T*>(view.data), static_cast<std::size_t>(view.shape.size())};
}

/// What a custom operation consists of.
struct CustomOp {
  /// Computes the result's elements from those of the inputs: contiguous, row-major, of the dtypes they were recorded
  /// with. It may throw; then nothing has changed.
  Function<void(std::span<const View> in, const View& out)> run;
  /// The gradients of the inputs, one for each (undefined: none), from the gradient g reaching the result: a graph,
  /// which may hold custom operations too. Without it, asking for a gradient throws GradientError.
  Function<std::vector<Tensor>(std::span<const Tensor> in, const Tensor& out, const Tensor& g)> reverse = {};
  /// The result's tangent from those of the inputs (undefined: it does not move); without it, what follows from
  /// `reverse`.
  Function<Tensor(std::span<const Tensor> in, const Tensor& out, std::span<const Tensor> tangents)> forward = {};
  /// The result's shape; the first input's if not given. It throws what it does not like.
  Function<Shape(std::span<const Shape> in)> shape = {};
  std::optional<DType> dtype = {};  ///< the result's; the first input's if not given
};

void infer_custom(Recording& call);
void run_custom(const Launch& launch);
Tensor custom_rule(const Applied& call, const Tensor& g);
void custom_rules(const Applied& call, const Tensor& g, std::span<Tensor> out);
Tensor custom_forward(const Applied& call, std::span<const Tensor> tangents);
/// The functions in a shape that nodes carry.
const Carried* carry(CustomOp functions);

template <OpName name>
inline constexpr Op custom_description{.name = name.text,
                                       .infer = infer_custom,
                                       .rules = {custom_rule},
                                       .variadic = true,
                                       .fails = true,
                                       .run = run_custom,
                                       .once = true,
                                       .reverse = custom_rules,
                                       .forward = custom_forward};

/// A custom operation: called with tensors, it records. Copies share the functions, which live as long as a node that
/// was recorded with them.
template <OpName name>
class Custom {
 public:
  explicit Custom(CustomOp functions) : functions_(carry(std::move(functions))) {}
  Custom(const Custom& other) : functions_(other.functions_) { functions_->retain(); }
  Custom& operator=(const Custom&) = delete;
  ~Custom() { functions_->release(); }

  // As Args, tensors bring the user's line along.
  Tensor operator()(const Arg& x) const { return record(custom_description<name>, {x}, {.carried = functions_}); }
  Tensor operator()(const Arg& x, const Arg& y) const {
    return record(custom_description<name>, {x, y}, {.carried = functions_});
  }
  Tensor operator()(const Arg& x, const Arg& y, const Arg& z) const {
    return record(custom_description<name>, {x, y, z}, {.carried = functions_});
  }
  template <class... X>
    requires(sizeof...(X) > 3)
  Tensor operator()(const X&... x) const {
    return record(custom_description<name>, {Arg(x)...}, {.carried = functions_});
  }
  Tensor operator()(std::span<const Tensor> xs) const {
    const std::vector<Arg> inputs(xs.begin(), xs.end());
    return record(custom_description<name>, inputs, {.carried = functions_});
  }

 private:
  const Carried* functions_;
};

/// An operation of whole tensors by this name: custom_op<"cube">({.run = ..., .reverse = ...})(x). For each recorded
/// node `run` is called at most once, never merged with another and never repeated; it is printed, checked and planned
/// like any operation. Throws ValueError without `run`. Inside vmap it is recorded once an example.
template <OpName name = "custom_op">
Custom<name> custom_op(CustomOp functions) {
  return Custom<name>(std::move(functions));
}

}  // namespace xgrad
