/// The gradient check: derivatives against difference quotients. What is wrong, by how much for what is allowed, and
/// whose rule it is. The exit code says whether all went as it should.

#include <xgrad/xgrad.hpp>

#include <iostream>

using namespace xgrad;

int main() {
  set_random_seed(1);
  const RandomOptions in_double{.dtype = float64};
  const Tensor x = normal({4, 3}, 0, 1, in_double).eval().named("x"), w = normal({3, 5}, 0, 1, in_double).eval();
  const Tensor labels = tensor({0, 4, 2, 2}, {.dtype = int64});

  const auto norm_of_rows = [](const Tensor& t) {
    const Tensor centred = t - mean(t, 1, true);
    return sum(square(tanh(centred / sqrt(var(t, 1, true) + 1e-3))));
  };
  const auto network = [&](const Tensor& t) {
    return mean(losses::sparse_categorical_crossentropy(labels, matmul(tanh(t), w), true));
  };
  // A derivative is a function too: the length of the gradient, differentiated up to twice more.
  const auto gradient_length = [&](const Tensor& t) { return sum(square(grad(network(t), t))); };
  // What a mistake looks like: the second factor is treated as if it did not depend on t.
  const auto mistaken = [](const Tensor& t) { return sum(t * stop_gradient(exp(t))); };
  // At 0 a relu has a kink: every slope from 0 to 1 is a subgradient.
  const auto kinked = [](const Tensor& t) { return sum(maximum(t, 0) * 2); };

  bool right = true;
  const auto report = [&](const char* name, const GradcheckReport& found, bool should_pass) {
    std::cout << name << "\n" << found << "\n";
    right = right && found.passed() == should_pass;
  };
  report("Normalised rows", gradcheck(norm_of_rows, {x}), true);
  report("A layer and cross-entropy", gradcheck(network, {x}), true);
  report("The gradient of a gradient", gradcheck(gradient_length, {x}), true);
  report("At a kink", gradcheck(kinked, {tensor({0, 1, -1}, {.dtype = float64}).named("t")}), true);
  report("A wrong derivative", gradcheck(mistaken, {x}), false);

  // A whole compiled model on a batch, weight by weight; float32 is checked as float64.
  Sequential model{Dense(5, {.activation = "relu"}), Dense(1, {.kernel_regularizer = "l2"})};
  model.compile({.loss = "mse"});
  report("A compiled model", gradcheck(model, cast(x, float32).eval(), zeros({4, 1})), true);
  return right ? 0 : 1;
}
