/// XOR by backpropagation: two inputs, two hidden sigmoids, one sigmoid; all four patterns at once, rate 0.1.
/// The number of epochs may be given; the classic exercise takes 180,000.

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

using namespace xgrad;

namespace {

Parameter weight(const Tensor& value, const char* name) { return Parameter(cast(value, float64), name); }

Tensor numbers(const Nested& rows) { return tensor(rows, {.dtype = float64}); }

}  // namespace

int main(int count, char** arguments) {
  const int epochs = count > 1 ? std::atoi(arguments[1]) : 180000;
  const Tensor x = numbers({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), target = numbers({{0}, {1}, {1}, {0}});
  // Kernels are inputs x units.
  const Parameter w1 = weight(numbers({{0.1, -0.3}, {0.2, 0.4}}), "w1"), b1 = weight(numbers({{0.5, -0.6}}), "b1");
  const Parameter w2 = weight(numbers({{0.7}, {-0.8}}), "w2"), b2 = weight(numbers({{0.9}}), "b2");
  optimizers::SGD optimizer(std::vector{w1, b1, w2, b2}, {.learning_rate = 0.1});

  bool right = true;
  const auto check = [&](double value, double expected) { right = right && std::abs(value - expected) < 1e-10; };
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    const Tensor hidden = sigmoid(matmul(x, w1) + b1);
    const Tensor out = sigmoid(matmul(hidden, w2) + b2);
    const Tensor error = mean(abs(target - out));
    optimizer.minimize(sum(square(target - out)) / 2);

    if (epoch != 1 && epoch != 10000 && epoch % 30000 != 0) continue;
    std::printf("epoch %6d: mean error %.13f\n", epoch, error.item());
    if (epoch == 1) {
      check(error.item(), 0.5003019291246);
      const std::vector<double> kernel = w1.value().to_vector<double>();
      check(kernel[0], 0.09861533195244);
      check(kernel[1], -0.2980942619931);
      check(kernel[3], 0.4016176891881);
      check(b2.value().item(), 0.8814577357939);
    }
    if (epoch == 10000) check(error.item(), 0.07846942789684);
    if (epoch == 180000) {
      check(error.item(), 0.008556145207362);
      const std::vector<double> outputs = out.to_vector<double>();
      const double expected[] = {0.009586994102363, 0.9918514282469, 0.9918513083217, 0.008340323295661};
      for (int i = 0; i < 4; ++i) {
        std::printf("  %d xor %d = %.4f\n", i / 2, i % 2, outputs[i]);
        check(outputs[i], expected[i]);
      }
    }
  }
  std::printf(right ? "All values are right.\n" : "Some values are wrong.\n");
  return right ? 0 : 1;
}
