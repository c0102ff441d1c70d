#pragma once
/// Derivatives of recorded tensors and of functions: vjp, jvp, Jacobians, Hessians, their products. Everything is
/// recorded and nothing computed, so transforms nest to any order and mix.
///
/// A function is anything that can be called with Tensors; what it closes over counts as constant. The forms that take
/// a function give a function of the same arguments (grad(f)), or take the arguments along (vjp(f, x)).

#include <xgrad/diff/tensors.hpp>

namespace xgrad {

// --- gradients -------------------------------------------------------------------------------------------------------

/// The gradient of a scalar function by argument number `which`: grad(f)(x), grad(grad(f))(x).
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto grad(F f, int which = 0, Unused unused = Unused::zero);
/// The gradients by several arguments, as a vector.
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto grad(F f, std::vector<int> which, Unused unused = Unused::zero);
/// The value as well: auto [loss, dw] = value_and_grad(f)(w).
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto value_and_grad(F f, int which = 0, Unused unused = Unused::zero);
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto value_and_grad(F f, std::vector<int> which, Unused unused = Unused::zero);

// --- vector-Jacobian and Jacobian-vector products --------------------------------------------------------------------

/// f's results and the function that pulls gradients of them back to the arguments, one for each:
/// auto [y, back] = vjp(f, a, b); auto [da, db] = back(g). With several results, g is a vector with a tensor for each.
template <class F, class... X>
  requires TensorFunction<F, X...>
auto vjp(const F& f, const X&... x);

/// f's results and how they move when the arguments move along the tangents: auto [y, dy] = jvp(f, {a, b}, {va, vb}).
template <class F, std::size_t N>
  requires(!std::convertible_to<F, Arg>)
auto jvp(const F& f, const Arg (&xs)[N], const Arg (&tangents)[N]);
template <class F>
  requires TensorFunction<F, Tensor>
auto jvp(const F& f, const Arg& x, const Arg& tangent);

/// The derivative of y along a direction, which need not have length 1: the same as jvp.
Tensor directional_derivative(const Arg& y, const Arg& x, const Arg& direction);
Tensor directional_derivative(const Arg& y, std::span<const Tensor> xs, std::span<const Tensor> directions);
template <class F>
  requires TensorFunction<F, Tensor>
Tensor directional_derivative(const F& f, const Arg& x, const Arg& direction);

// --- Jacobians -------------------------------------------------------------------------------------------------------

/// How a Jacobian is found: one batched backward pass for all outputs, one batched forward pass for all inputs, or
/// whichever has fewer to carry along (reverse if equal).
enum class JacobianMode : std::uint8_t { automatic, reverse, forward };

struct JacobianOptions {
  JacobianMode mode = JacobianMode::automatic;
  std::int64_t chunk = 0;  ///< at most so many outputs (or inputs) a pass, to limit memory; 0: all at once
  Unused unused = Unused::zero;
};

/// dy/dx, shape y.shape + x.shape (at most 8 axes; ShapeError). x may be any tensor y was recorded from.
Tensor jacobian(const Arg& y, const Arg& x, const JacobianOptions& options = {});
/// One for each x, from the same pass.
std::vector<Tensor> jacobian(const Arg& y, std::span<const Tensor> xs, const JacobianOptions& options = {});
/// jacobian(f)(a, b): by argument number `which`. f has one result.
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto jacobian(F f, int which = 0, JacobianOptions options = {});

// --- second order ----------------------------------------------------------------------------------------------------

/// The matrix of second derivatives of a scalar y, shape x.shape + x.shape: the Jacobian, by forward passes, of the
/// gradient.
Tensor hessian(const Arg& y, const Arg& x, const JacobianOptions& options = {.mode = JacobianMode::forward});
/// Blocks: result[i][j] has shape xs[i].shape + xs[j].shape.
std::vector<std::vector<Tensor>> hessian(const Arg& y, std::span<const Tensor> xs,
                                         const JacobianOptions& options = {.mode = JacobianMode::forward});
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto hessian(F f, int which = 0, JacobianOptions options = {.mode = JacobianMode::forward});

/// The Hessian of a scalar y times vectors, by a forward pass through the gradient; the Hessian itself is never made.
/// One result for each x: sum over j of d2y/(dx_i dx_j) v_j.
std::vector<Tensor> hvp(const Arg& y, std::span<const Tensor> xs, std::span<const Tensor> vectors);
std::vector<Tensor> hvp(const Arg& y, std::span<const Parameter> xs, std::span<const Tensor> vectors);
Tensor hvp(const Arg& y, const Arg& x, const Arg& vector);
template <class F>
  requires TensorFunction<F, Tensor>
Tensor hvp(const F& f, const Arg& x, const Arg& vector);

// ---------------------------------------------------------------------------------------------------------------------

/// An argument by its number; throws ValueError if there is none.
const Tensor& argument_number(int which, std::span<const Tensor> arguments);
std::vector<Tensor> argument_numbers(const std::vector<int>& which, std::span<const Tensor> arguments);

template <class F>
  requires(!std::convertible_to<F, Arg>)
auto value_and_grad(F f, int which, Unused unused) {
  return [=](const auto&... x) {
    const Arg given[] = {Arg(x)...};
    const std::vector<Tensor> in = distinct(given);
    const Tensor y = call_with<sizeof...(x)>(f, in);
    return ValueAndGrad<Tensor>{y, grad(Arg(y), Arg(argument_number(which, in)), {.unused = unused})};
  };
}
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto value_and_grad(F f, std::vector<int> which, Unused unused) {
  return [=](const auto&... x) {
    const Arg given[] = {Arg(x)...};
    const std::vector<Tensor> in = distinct(given), by = argument_numbers(which, in);
    const Tensor y = call_with<sizeof...(x)>(f, in);
    return ValueAndGrad<std::vector<Tensor>>{y, grad(Arg(y), std::span(by), {.unused = unused})};
  };
}
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto grad(F f, int which, Unused unused) {
  return [both = value_and_grad(std::move(f), which, unused)](const auto&... x) { return both(x...).grad; };
}
template <class F>
  requires(!std::convertible_to<F, Arg>)
auto grad(F f, std::vector<int> which, Unused unused) {
  return [both = value_and_grad(std::move(f), std::move(which), unused)](const auto&... x) { return both(x...).grad; };
}

/// What `vjp` of a function gives.
template <class Result, std::size_t N>
struct Pulled {
  /// Pulls gradients back to the arguments.
  struct Pullback {
    std::vector<Tensor> results, arguments;
    std::array<Tensor, N> operator()(std::span<const Tensor> seeds, Unused unused = Unused::zero) const {
      const std::vector<Tensor> found = vjp(std::span(results), std::span(arguments), seeds, unused);
      std::array<Tensor, N> out;
      for (std::size_t i = 0; i < N; ++i) out[i] = found[i];
      return out;
    }
    std::array<Tensor, N> operator()(const Tensor& seed, Unused unused = Unused::zero) const {
      return (*this)(std::span(&seed, 1), unused);
    }
  };
  Result value;
  Pullback back;
};

template <class F, class... X>
  requires TensorFunction<F, X...>
auto vjp(const F& f, const X&... x) {
  const Arg given[] = {Arg(x)...};
  std::vector<Tensor> in = distinct(given);
  auto result = call_with<sizeof...(X)>(f, in);
  std::vector<Tensor> results = flattened(result);
  return Pulled<decltype(result), sizeof...(X)>{std::move(result), {std::move(results), std::move(in)}};
}

/// What `jvp` of a function gives.
template <class Result>
struct Moved {
  Result value, tangent;
};

template <class F, std::size_t N>
  requires(!std::convertible_to<F, Arg>)
auto jvp(const F& f, const Arg (&xs)[N], const Arg (&tangents)[N]) {
  const std::vector<Tensor> in = distinct(xs);
  std::vector<Tensor> along;
  for (const Arg& tangent : tangents) along.push_back(variable(tangent));
  auto result = call_with<N>(f, in);
  const std::vector<Tensor> results = flattened(result);
  return Moved<decltype(result)>{result, refilled(result, jvp(std::span(results), std::span(in), std::span(along)))};
}
template <class F>
  requires TensorFunction<F, Tensor>
auto jvp(const F& f, const Arg& x, const Arg& tangent) {
  const Arg xs[] = {x}, tangents[] = {tangent};
  return jvp(f, xs, tangents);
}

template <class F>
  requires TensorFunction<F, Tensor>
Tensor directional_derivative(const F& f, const Arg& x, const Arg& direction) {
  return jvp(f, x, direction).tangent;
}

template <class F>
  requires(!std::convertible_to<F, Arg>)
auto jacobian(F f, int which, JacobianOptions options) {
  return [=](const auto&... x) {
    const Arg given[] = {Arg(x)...};
    const std::vector<Tensor> in = distinct(given);
    return jacobian(Arg(call_with<sizeof...(x)>(f, in)), Arg(argument_number(which, in)), options);
  };
}

template <class F>
  requires(!std::convertible_to<F, Arg>)
auto hessian(F f, int which, JacobianOptions options) {
  return [=](const auto&... x) {
    const Arg given[] = {Arg(x)...};
    const std::vector<Tensor> in = distinct(given);
    return hessian(Arg(call_with<sizeof...(x)>(f, in)), Arg(argument_number(which, in)), options);
  };
}

template <class F>
  requires TensorFunction<F, Tensor>
Tensor hvp(const F& f, const Arg& x, const Arg& vector) {
  const Arg given[] = {x};
  const std::vector<Tensor> in = distinct(given);
  return hvp(Arg(f(in[0])), Arg(in[0]), vector);
}

}  // namespace xgrad
