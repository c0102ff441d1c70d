#pragma once
/// Activation functions by name, and the layer made of one.

#include <xgrad/nn/layer.hpp>
#include <xgrad/optim/shared.hpp>

namespace xgrad {

/// What a layer does to its output: from Keras's name ("relu", "softmax", "linear", ...) or any callable Tensor ->
/// Tensor; empty is linear. An unknown name is a ValueError that lists the near misses.
class ActivationFunction : public Function<Tensor(const Tensor&)> {
 public:
  using Function::Function;
  ActivationFunction() = default;
  ActivationFunction(std::string_view name);
  ActivationFunction(const char* name) : ActivationFunction(std::string_view(name)) {}
  ActivationFunction(const std::string& name) : ActivationFunction(std::string_view(name)) {}

  /// The name it was made from, or nothing.
  const std::string& name() const { return name_; }
  /// x itself if empty.
  Tensor apply(const Tensor& x) const { return *this ? (*this)(x) : x; }

 private:
  std::string name_;
};

struct ActivationOptions {
  std::string name = {};
};

/// A layer that applies a function to each element (softmax: to each row).
struct Activation {
  explicit Activation(ActivationFunction function, ActivationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call&) const { return function.apply(x); }
  Config get_config() const;
  static Activation from_config(const Config& config);

  ActivationFunction function;
  std::string name;
};

}  // namespace xgrad
