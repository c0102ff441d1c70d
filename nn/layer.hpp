#pragma once
/// Layer: any callable that makes tensors from tensors, with its type forgotten.

#include <xgrad/graph/symbolic.hpp>
#include <xgrad/nn/call.hpp>
#include <xgrad/nn/config.hpp>
#include <xgrad/nn/tensors.hpp>
#include <xgrad/nn/visit.hpp>

namespace xgrad {

namespace detail {

template <class R>
concept TensorResult = std::convertible_to<R, Tensor> || std::convertible_to<R, std::vector<Tensor>>;

template <TensorResult R>
std::vector<Tensor> as_list(R&& result) {
  if constexpr (std::convertible_to<R, Tensor>) return {Tensor(std::forward<R>(result))};
  else return std::forward<R>(result);
}

template <class F, class... Inputs>
concept CalledWith = requires(F& f, const Inputs&... xs, Call& call) {
  { f(xs..., call) } -> TensorResult;
} || requires(F& f, const Inputs&... xs) {
  { f(xs...) } -> TensorResult;
};

template <class F, class... Inputs>
std::vector<Tensor> call_with(F& f, Call& call, const Inputs&... xs) {
  if constexpr (requires { { f(xs..., call) } -> TensorResult; }) return as_list(f(xs..., call));
  else return as_list(f(xs...));
}

[[noreturn]] void throw_inputs(std::string_view kind, std::size_t expected, std::size_t got);
[[noreturn]] void throw_outputs(std::string_view kind, std::size_t got);

}  // namespace detail

/// Can be called with one tensor, a list of them (std::span<const Tensor>), two or three; each with or without a Call
/// behind them. The result is a Tensor or a std::vector<Tensor>.
template <class F>
concept CallableLayer = detail::CalledWith<F, Tensor> || detail::CalledWith<F, std::span<const Tensor>> ||
                        detail::CalledWith<F, Tensor, Tensor> || detail::CalledWith<F, Tensor, Tensor, Tensor>;

/// Any layer: a struct with a call, a lambda or a function. One that takes a Call gets it; one with `each` names its
/// parameters; members `name` (text), `input_shape()` and `get_config()` are used where they exist. Copies share the
/// layer.
class Layer {
 public:
  template <class F>
    requires(!std::same_as<std::decay_t<F>, Layer> && CallableLayer<std::decay_t<F>>)
  Layer(F&& layer) : body_(new Held<std::decay_t<F>>(std::forward<F>(layer))) {}

  Tensor operator()(const Tensor& x, Call& call) const { return body_->call(x, call); }
  /// All outputs for a list of inputs.
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const { return body_->call_list(xs, call); }
  /// In evaluation. Of a symbolic tensor (a model's Input, or what was recorded from one) a symbolic result: a step of
  /// the model that is made of it.
  Tensor operator()(const Tensor& x) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const;
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }

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
  /// What it was made with, for saving. Throws ValueError for a type that has no get_config.
  Config get_config() const { return body_->config(); }
  /// The address of what copies of the layer inside share, or of this layer: equal for one and the same layer.
  const void* identity() const;

  /// The layer inside, if it is of this type; else null.
  template <class T>
  T* get_if() const {
    auto* held = dynamic_cast<Held<T>*>(body_.get());
    return held ? &held->layer : nullptr;
  }

 private:
  struct Body : Counted {
    virtual Tensor call(const Tensor& x, Call& call) = 0;
    virtual std::vector<Tensor> call_list(std::span<const Tensor> xs, Call& call) = 0;
    virtual void each(Visit visit) = 0;
    virtual std::string_view kind() const = 0;
    virtual std::string name() const = 0;
    virtual Shape input_shape() const = 0;
    virtual Config config() const = 0;
  };
  [[noreturn]] static void no_config(std::string_view kind);

  template <class F>
  struct Held final : Body {
    explicit Held(F layer) : layer(std::move(layer)) {}
    Tensor call(const Tensor& x, Call& call) override {
      if constexpr (requires { Tensor(layer(x, call)); }) return layer(x, call);
      else if constexpr (requires { Tensor(layer(x)); }) return layer(x);
      else {
        std::vector<Tensor> all = call_list(std::span(&x, 1), call);
        if (all.size() != 1) detail::throw_outputs(kind(), all.size());
        return std::move(all[0]);
      }
    }
    std::vector<Tensor> call_list(std::span<const Tensor> xs, Call& call) override {
      if constexpr (detail::CalledWith<F, std::span<const Tensor>>) {
        return detail::call_with(layer, call, xs);
      } else if constexpr (detail::CalledWith<F, Tensor>) {
        if (xs.size() != 1) detail::throw_inputs(kind(), 1, xs.size());
        return detail::call_with(layer, call, xs[0]);
      } else if constexpr (detail::CalledWith<F, Tensor, Tensor>) {
        if (xs.size() != 2) detail::throw_inputs(kind(), 2, xs.size());
        return detail::call_with(layer, call, xs[0], xs[1]);
      } else {
        if (xs.size() != 3) detail::throw_inputs(kind(), 3, xs.size());
        return detail::call_with(layer, call, xs[0], xs[1], xs[2]);
      }
    }
    void each(Visit visit) override {
      if constexpr (requires { layer.each(visit); }) layer.each(visit);
    }
    std::string_view kind() const override {
      if constexpr (requires { std::string_view(layer.kind_name()); }) return layer.kind_name();
      else return kind_of<F>();
    }
    std::string name() const override {
      if constexpr (requires { std::string(layer.name()); }) return std::string(layer.name());
      else if constexpr (requires { std::string(layer.name); }) return std::string(layer.name);
      else return {};
    }
    Shape input_shape() const override {
      if constexpr (requires { Shape(layer.input_shape()); }) return layer.input_shape();
      else return {};
    }
    Config config() const override {
      if constexpr (requires { Config(layer.get_config()); }) return layer.get_config();
      else no_config(kind());
    }
    Counted* copy() const override { return new Held(layer); }
    F layer;
  };
  Shared<Body> body_;
};

/// Records the call of a layer on symbolic tensors: what `layer(x)` does with them. The layer finds `arguments`, which
/// are saved with the model, in its Call.
std::vector<Tensor> symbolic_call(const Layer& layer, std::span<const Tensor> xs, const Config& arguments = {});

/// layer(x) in evaluation, or its symbolic call: the one-argument call of layers.
template <class L>
Tensor call_alone(const L& layer, const Tensor& x) {
  if (is_symbolic(x)) return symbolic_call(Layer(layer), std::span(&x, 1))[0];
  Call call;
  return layer(x, call);
}
/// The same for a layer that makes one tensor of several.
template <class L>
Tensor call_alone(const L& layer, std::span<const Tensor> xs) {
  if (is_symbolic(xs)) return symbolic_call(Layer(layer), xs)[0];
  Call call;
  return layer(xs, call);
}
/// The same for a layer that makes several.
template <class L>
std::vector<Tensor> call_all(const L& layer, std::span<const Tensor> xs) {
  if (is_symbolic(xs)) return symbolic_call(Layer(layer), xs);
  Call call;
  return layer(xs, call);
}

}  // namespace xgrad
