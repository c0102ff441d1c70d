#pragma once
/// Helpers to write rows of the table of samples. Internal to graph/ and ops/.

#include <xgrad/graph/op.hpp>

namespace xgrad {

/// The rows of graph/basic.hpp.
Rows arithmetic_rows();
Rows reshape_rows();

/// A vector of float64, and one of int64.
inline Tensor doubles(const std::vector<double>& values) {
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())});
}
inline Tensor ints(const std::vector<double>& values) {
  return tensor(values, Shape{static_cast<std::int64_t>(values.size())}, {.dtype = int64});
}

/// Calls a function of one, two or three arguments.
template <Tensor (*function)(const Arg&)>
Tensor call_unary(std::span<const Tensor> in) {
  return function(in[0]);
}
template <Tensor (*function)(const Arg&, const Arg&)>
Tensor call_binary(std::span<const Tensor> in) {
  return function(in[0], in[1]);
}

/// Plain, broadcast, 0-d, empty and strided samples of one argument with values in [low, high].
inline std::vector<Sample> unary_samples(double low, double high) {
  return {{{{.shape = {2, 3}, .low = low, .high = high}}},
          {{{.shape = {3, 4}, .low = low, .high = high, .broadcast = true}}},
          {{{.shape = {}, .low = low, .high = high}}},
          {{{.shape = {0, 3}, .low = low, .high = high}}},
          {{{.shape = {3, 2}, .low = low, .high = high, .strided = true}}}};
}

/// One call without inputs.
inline std::vector<Sample> no_inputs() { return std::vector<Sample>(1); }

/// The same for two arguments that broadcast together.
inline std::vector<Sample> binary_samples(double low_a, double high_a, double low_b, double high_b) {
  const auto pair = [=](const Shape& a, const Shape& b, bool strided = false) {
    return Sample{{{.shape = a, .low = low_a, .high = high_a, .strided = strided},
                   {.shape = b, .low = low_b, .high = high_b}}};
  };
  return {pair({2, 3}, {2, 3}), pair({2, 3}, {3}), pair({2, 1}, {1, 3}), pair({}, {2}), pair({}, {}),
          pair({0, 3}, {1, 3}), pair({3, 2}, {3, 2}, true)};
}

}  // namespace xgrad
