#pragma once
/// Derivatives: reverse mode (grad) and forward mode (jvp), both as new graph.

#include <xgrad/graph/parameter.hpp>

#include <array>
#include <cstddef>

namespace xgrad {

/// What `grad` gives for an x that y does not depend on.
enum class Unused : std::uint8_t { zero, error };

struct GradOptions {
  Tensor seed = {};  ///< the incoming gradient, shaped like y; ones if undefined (then y must have one element)
  Unused unused = Unused::zero;
};

/// dy/dx for each x, recorded as new nodes; nothing is computed. y must be floating (DTypeError) and have one element
/// unless a seed is given (ShapeError). Any order by repetition. Throws GradientError through a history that has ended.
std::vector<Tensor> grad(const Arg& y, std::span<const Tensor> xs, const GradOptions& options = {});
std::vector<Tensor> grad(const Arg& y, std::span<const Parameter> xs, const GradOptions& options = {});
/// The same, written to `out`; after an exception that is as it was.
void grad_into(const Arg& y, std::span<const Arg> xs, std::span<Tensor> out, const GradOptions& options);
void grad_into(const Arg& y, std::span<const Parameter> xs, std::span<Tensor> out, const GradOptions& options = {});

/// auto [dw, db] = grad(y, {w, b});
template <std::size_t N>
std::array<Tensor, N> grad(const Arg& y, const Arg (&xs)[N], const GradOptions& options = {}) {
  std::array<Tensor, N> out;
  grad_into(y, xs, out, options);
  return out;
}
/// One derivative: Tensor dw = grad(y, w);
inline Tensor grad(const Arg& y, const Arg& x, const GradOptions& options = {}) {
  Tensor out;
  grad_into(y, std::span(&x, 1), std::span(&out, 1), options);
  return out;
}

/// Reverse mode from several outputs at once: for each x the sum over the ys of seed_k times dy_k/dx. A seed is shaped
/// like its y (ShapeError); an undefined one means ones, for a y of one element.
std::vector<Tensor> vjp(std::span<const Tensor> ys, std::span<const Tensor> xs, std::span<const Tensor> seeds,
                        Unused unused = Unused::zero, Location where = Location::current());

/// Forward mode to several outputs at once: how each y moves when each xs[i] moves along tangents[i] (same shape and
/// dtype; ShapeError). The xs may be any tensors the ys were recorded from; a y that depends on none gets zeros.
std::vector<Tensor> jvp(std::span<const Tensor> ys, std::span<const Tensor> xs, std::span<const Tensor> tangents,
                        Location where = Location::current());
/// Forward mode: the directional derivative of y when each xs[i] moves along tangents[i] (same shape and dtype).
Tensor jvp(const Arg& y, std::span<const Tensor> xs, std::span<const Tensor> tangents);

/// f's value and its derivatives: auto [loss, grads] = value_and_grad([&] { return loss_of(x); }, {w, b}).
template <class F, std::size_t N>
auto value_and_grad(F&& f, const Arg (&xs)[N]) {
  struct Result {
    Tensor value;
    std::array<Tensor, N> grads;
  };
  Tensor value = f();
  std::array<Tensor, N> grads;
  grad_into(value, xs, grads, {});
  return Result{value, grads};
}
template <class F>
auto value_and_grad(F&& f, std::span<const Parameter> xs) {
  struct Result {
    Tensor value;
    std::vector<Tensor> grads;
  };
  Tensor value = f();
  return Result{value, grad(value, xs)};
}

/// The same values, with no derivative: gradients end here.
Tensor stop_gradient(const Arg& x);

/// While an object of this type lives, what this thread records has no gradient (PyTorch's no_grad).
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

}  // namespace xgrad
