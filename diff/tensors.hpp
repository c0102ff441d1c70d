#pragma once
/// Arguments and results of functions of tensors: what the transforms take apart and put together again.

#include <xgrad/graph/grad.hpp>

#include <concepts>
#include <tuple>
#include <utility>

namespace xgrad {

/// A function's value and its gradient, which is a Tensor or several.
template <class Gradient>
struct ValueAndGrad {
  Tensor value;
  Gradient grad;
};

/// Results a transform can take apart: a Tensor, vectors, arrays, pairs and tuples of such, and ValueAndGrad.
inline void flatten_into(std::vector<Tensor>& list, const Tensor& x) { list.push_back(x); }
template <class T>
void flatten_into(std::vector<Tensor>& list, const std::vector<T>& xs);
template <class T, std::size_t N>
void flatten_into(std::vector<Tensor>& list, const std::array<T, N>& xs);
template <class... T>
void flatten_into(std::vector<Tensor>& list, const std::tuple<T...>& xs);
template <class A, class B>
void flatten_into(std::vector<Tensor>& list, const std::pair<A, B>& xs);
template <class G>
void flatten_into(std::vector<Tensor>& list, const ValueAndGrad<G>& x);

template <class T>
void flatten_into(std::vector<Tensor>& list, const std::vector<T>& xs) {
  for (const T& x : xs) flatten_into(list, x);
}
template <class T, std::size_t N>
void flatten_into(std::vector<Tensor>& list, const std::array<T, N>& xs) {
  for (const T& x : xs) flatten_into(list, x);
}
template <class... T>
void flatten_into(std::vector<Tensor>& list, const std::tuple<T...>& xs) {
  std::apply([&](const auto&... x) { (flatten_into(list, x), ...); }, xs);
}
template <class A, class B>
void flatten_into(std::vector<Tensor>& list, const std::pair<A, B>& xs) {
  flatten_into(list, xs.first);
  flatten_into(list, xs.second);
}
template <class G>
void flatten_into(std::vector<Tensor>& list, const ValueAndGrad<G>& x) {
  flatten_into(list, x.value);
  flatten_into(list, x.grad);
}

/// Replaces the tensors of a result, in the order of `flatten_into`.
inline void refill(Tensor& x, const Tensor*& next) { x = *next++; }
template <class T>
void refill(std::vector<T>& xs, const Tensor*& next);
template <class T, std::size_t N>
void refill(std::array<T, N>& xs, const Tensor*& next);
template <class... T>
void refill(std::tuple<T...>& xs, const Tensor*& next);
template <class A, class B>
void refill(std::pair<A, B>& xs, const Tensor*& next);
template <class G>
void refill(ValueAndGrad<G>& x, const Tensor*& next);

template <class T>
void refill(std::vector<T>& xs, const Tensor*& next) {
  for (T& x : xs) refill(x, next);
}
template <class T, std::size_t N>
void refill(std::array<T, N>& xs, const Tensor*& next) {
  for (T& x : xs) refill(x, next);
}
template <class... T>
void refill(std::tuple<T...>& xs, const Tensor*& next) {
  std::apply([&](auto&... x) { (refill(x, next), ...); }, xs);
}
template <class A, class B>
void refill(std::pair<A, B>& xs, const Tensor*& next) {
  refill(xs.first, next);
  refill(xs.second, next);
}
template <class G>
void refill(ValueAndGrad<G>& x, const Tensor*& next) {
  refill(x.value, next);
  refill(x.grad, next);
}

template <class Result>
std::vector<Tensor> flattened(const Result& result) {
  std::vector<Tensor> list;
  flatten_into(list, result);
  return list;
}
template <class Result>
Result refilled(Result result, std::span<const Tensor> tensors) {
  const Tensor* next = tensors.data();
  refill(result, next);
  return result;
}

/// A function that can be called with this many tensors.
template <class F, class... X>
concept TensorFunction =
    !std::convertible_to<F, Arg> && std::invocable<const F&, std::conditional_t<true, Tensor, X>...>;

/// An argument as a tensor to differentiate by: a C++ number gets a dtype of its own (float32, int64, bool).
Tensor variable(const Arg& argument);

/// Arguments of a function as tensors that are independent of each other, so that each has a derivative of its own.
std::vector<Tensor> distinct(std::span<const Arg> arguments);

/// f of the first N tensors.
template <std::size_t N, class F>
auto call_with(const F& f, std::span<const Tensor> in) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(in[I]...); }(std::make_index_sequence<N>());
}

}  // namespace xgrad
