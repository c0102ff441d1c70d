#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <iostream>

int main() {
  xgrad::Tensor a = xgrad::tensor({1, 2, 3}), b = xgrad::tensor({4, 5, 6});
  auto [da, db] = xgrad::grad(xgrad::sum(a * b), {a, b});
  std::cout << da << "\n" << db << "\n";
}
