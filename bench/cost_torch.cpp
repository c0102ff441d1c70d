#include <torch/torch.h>

#include <iostream>

int main() {
  auto a = torch::tensor({1.0f, 2.0f, 3.0f}, torch::requires_grad());
  auto b = torch::tensor({4.0f, 5.0f, 6.0f}, torch::requires_grad());
  (a * b).sum().backward();
  std::cout << a.grad() << "\n" << b.grad() << "\n";
}
