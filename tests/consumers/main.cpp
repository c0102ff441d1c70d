// Records, differentiates, multiplies matrices, prints, saves a model and loads it: all of the library is linked.
#include <xgrad/xgrad.hpp>

#include <iostream>

int main() {
  xgrad::Tensor x = 3.0;
  xgrad::Tensor y = x * x + 2.0 * x;
  std::cout << "value " << y.item() << "\nderivative " << xgrad::grad(y, x).item() << "\n";
  xgrad::Tensor ones = xgrad::ones({40, 30});
  std::cout << "product " << xgrad::sum(xgrad::matmul(ones, xgrad::transpose(ones))).item() << "\n";
  xgrad::Sequential model{xgrad::Input({2}), xgrad::Dense(1, {.kernel_initializer = "ones"})};
  model.save("consumer.xgrad");
  xgrad::Model loaded = xgrad::load_model("consumer.xgrad");
  std::cout << "loaded " << loaded.predict(xgrad::ones({1, 2})).item() << "\n";
}
