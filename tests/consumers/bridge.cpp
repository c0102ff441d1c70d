// Values from xtensor, a gradient back to it, with the installed headers.
#include <xgrad/xgrad.hpp>
#include <xgrad/xtensor.hpp>

int main() {
  const xt::xtensor<float, 2> start = {{1, 2}, {3, 4}};
  const xgrad::Tensor x = xgrad::borrow_xtensor(start);
  const xgrad::Tensor slope = xgrad::grad(xgrad::sum(x * x), x);
  return xgrad::to_xtensor<float, 2>(slope)(1, 0) == 6 ? 0 : 1;
}
