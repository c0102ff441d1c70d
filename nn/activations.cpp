#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/fields.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad {

namespace {

using Plain = Tensor (*)(const Tensor&);

constexpr Named<Plain> functions[] = {
    {"linear", [](const Tensor& x) { return x; }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu6", [](const Tensor& x) { return relu6(x); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"celu", [](const Tensor& x) { return celu(x); }},
    {"selu", [](const Tensor& x) { return selu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"glu", [](const Tensor& x) { return glu(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"hard_sigmoid", [](const Tensor& x) { return hard_sigmoid(x); }},
    {"sparse_sigmoid", [](const Tensor& x) { return sparse_sigmoid(x); }},
    {"log_sigmoid", [](const Tensor& x) { return log_sigmoid(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"hard_tanh", [](const Tensor& x) { return hard_tanh(x); }},
    {"tanh_shrink", [](const Tensor& x) { return tanh_shrink(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"sparse_plus", [](const Tensor& x) { return sparse_plus(x); }},
    {"squareplus", [](const Tensor& x) { return squareplus(x); }},
    {"softsign", [](const Tensor& x) { return softsign(x); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"swish", [](const Tensor& x) { return swish(x); }},
    {"hard_silu", [](const Tensor& x) { return hard_silu(x); }},
    {"hard_swish", [](const Tensor& x) { return hard_swish(x); }},
    {"mish", [](const Tensor& x) { return mish(x); }},
    {"hard_shrink", [](const Tensor& x) { return hard_shrink(x); }},
    {"soft_shrink", [](const Tensor& x) { return soft_shrink(x); }},
    {"exponential", [](const Tensor& x) { return exp(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
    {"sparsemax", [](const Tensor& x) { return sparsemax(x); }},
    {"binary_step", [](const Tensor& x) { return binary_step(x); }},
};

}  // namespace

ActivationFunction::ActivationFunction(std::string_view name)
    : Function(find_named(functions, "activation", name)), name_(name) {}

Activation::Activation(ActivationFunction function, ActivationOptions options)
    : function(std::move(function)), name(std::move(options.name)) {}

Config Activation::get_config() const {
  Activation o = *this;
  return written([&](Fields& f) {
    f("activation", o.function);
    f("name", o.name);
  });
}

Activation Activation::from_config(const Config& config) {
  Activation o{ActivationFunction()};
  read_config("Activation", config, [&](Fields& f) {
    f("activation", o.function);
    f("name", o.name);
  });
  return o;
}

}  // namespace xgrad
