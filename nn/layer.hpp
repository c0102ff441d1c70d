#pragma once
/// Layer: any callable that makes a Tensor from a Tensor, with its type forgotten.

#include <xgrad/nn/call.hpp>
#include <xgrad/nn/visit.hpp>

namespace xgrad {

/// Can be called with (x, call) or (x).
template <class F>
concept CallableLayer = requires(F& f, const Tensor& x, Call& call) { Tensor(f(x, call)); } ||
                        requires(F& f, const Tensor& x) { Tensor(f(x)); };

/// Any layer: a struct with a call, a lambda or a function. One that takes a Call gets it; one with `each` names its
/// parameters; members `name` (text) and `input_shape()` are used where they exist. Copies share the layer.
class Layer {
 public:
  template <class F>
    requires(!std::same_as<std::decay_t<F>, Layer> && CallableLayer<std::decay_t<F>>)
  Layer(F&& layer) : body_(new Held<std::decay_t<F>>(std::forward<F>(layer))) {}

  Tensor operator()(const Tensor& x, Call& call) const { return body_->call(x, call); }
  void each(Visit visit) {
    visit.own(body_);
    body_->each(visit);
  }
  /// The name of its type: "Dense"; "Function" for lambdas and functions.
  std::string_view kind_name() const { return body_->kind(); }
  /// The name its user gave it, or nothing.
  std::string name() const { return body_->name(); }
  /// The shape of one input without the batch, or rank 0 if it does not say.
  Shape input_shape() const { return body_->input_shape(); }

  /// The layer inside, if it is of this type; else null.
  template <class T>
  T* get_if() const {
    auto* held = dynamic_cast<Held<T>*>(body_.get());
    return held ? &held->layer : nullptr;
  }

 private:
  struct Body : Counted {
    virtual Tensor call(const Tensor& x, Call& call) = 0;
    virtual void each(Visit visit) = 0;
    virtual std::string_view kind() const = 0;
    virtual std::string name() const = 0;
    virtual Shape input_shape() const = 0;
  };
  template <class F>
  struct Held final : Body {
    explicit Held(F layer) : layer(std::move(layer)) {}
    Tensor call(const Tensor& x, Call& call) override {
      if constexpr (requires { Tensor(layer(x, call)); }) return layer(x, call);
      else return layer(x);
    }
    void each(Visit visit) override {
      if constexpr (requires { layer.each(visit); }) layer.each(visit);
    }
    std::string_view kind() const override { return kind_of<F>(); }
    std::string name() const override {
      if constexpr (requires { std::string(layer.name()); }) return std::string(layer.name());
      else if constexpr (requires { std::string(layer.name); }) return std::string(layer.name);
      else return {};
    }
    Shape input_shape() const override {
      if constexpr (requires { Shape(layer.input_shape()); }) return layer.input_shape();
      else return {};
    }
    Counted* copy() const override { return new Held(layer); }
    F layer;
  };
  Shared<Body> body_;
};

}  // namespace xgrad
