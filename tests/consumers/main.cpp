// Records, differentiates, multiplies matrices and prints: what any user of the library does first.
#include <xgrad/xgrad.hpp>

#include <iostream>

int main() {
  xgrad::Tensor x = 3.0;
  xgrad::Tensor y = x * x + 2.0 * x;
  std::cout << "value " << y.item() << "\nderivative " << xgrad::grad(y, x).item() << "\n";
  xgrad::Tensor ones = xgrad::ones({40, 30});
  std::cout << "product " << xgrad::sum(xgrad::matmul(ones, xgrad::transpose(ones))).item() << "\n";
}
