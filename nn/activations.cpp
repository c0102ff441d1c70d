#include <xgrad/nn/activations.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad {

namespace {

using Plain = Tensor (*)(const Tensor&);

// exp is only taken of what is not positive: the side not chosen must stay finite for its derivative.
Tensor elu(const Tensor& x) { return where(x > 0, x, expm1(minimum(x, 0))); }

constexpr Named<Plain> functions[] = {
    {"linear", [](const Tensor& x) { return x; }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu6", [](const Tensor& x) { return minimum(relu(x), 6); }},
    {"leaky_relu", [](const Tensor& x) { return where(x > 0, x, 0.2 * x); }},
    {"elu", elu},
    {"selu",
     [](const Tensor& x) {
       const Tensor negative = 1.6732632423543772 * expm1(minimum(x, 0));
       return 1.0507009873554805 * where(x > 0, x, negative);
     }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"hard_sigmoid", [](const Tensor& x) { return minimum(relu(x + 3), 6) / 6; }},
    {"log_sigmoid", [](const Tensor& x) { return -softplus(-x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softsign", [](const Tensor& x) { return x / (1 + abs(x)); }},
    {"silu", [](const Tensor& x) { return x * sigmoid(x); }},
    {"swish", [](const Tensor& x) { return x * sigmoid(x); }},
    {"mish", [](const Tensor& x) { return x * tanh(softplus(x)); }},
    {"exponential", [](const Tensor& x) { return exp(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
};

}  // namespace

ActivationFunction::ActivationFunction(std::string_view name)
    : ActivationFunction(find_named(functions, "activation", name)) {}

Activation::Activation(ActivationFunction function, ActivationOptions options)
    : function(std::move(function)), name(std::move(options.name)) {}

}  // namespace xgrad
