// A function written on xtensor's arrays, differentiated: an operation of one's own around it, with its reverse rule.

#include <xgrad/diff/custom.hpp>
#include <xgrad/diff/transforms.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/xtensor.hpp>

#include <xtensor/xio.hpp>
#include <xtensor/xmath.hpp>

#include <iostream>

int main() {
  using namespace xgrad;

  // y_k = x_1 + ... + x_k, by xtensor; its gradient is the sum from the other end, by xgrad.
  const auto running = custom_op<"running_sum">(
      {.run =
           [](std::span<const View> in, const View& out) {
             xtensor_view<double>(out) = xt::cumsum(xtensor_view<const double>(in[0]));
           },
       .reverse =
           [](std::span<const Tensor>, const Tensor&, const Tensor& g) { return std::vector{cumsum(g, 0, true)}; }});

  const xt::xarray<double> start = {1, -2, 3, 0.5};
  const Tensor x = borrow_xtensor(start);  // no copy
  const Tensor loss = sum(square(running(x)));
  const Tensor slope = grad(loss, x);
  std::cout << "loss " << loss.item() << "\nslope " << xtensor_view<double>(slope) << '\n';

  // The same by differences.
  const auto loss_at = [](const xt::xarray<double>& at) { return xt::sum(xt::square(xt::cumsum(at)))(); };
  for (std::size_t i = 0; i < start.size(); ++i) {
    xt::xarray<double> up = start, down = start;
    up(i) += 1e-5;
    down(i) -= 1e-5;
    const double difference = (loss_at(up) - loss_at(down)) / 2e-5;
    if (std::abs(difference - slope.data<double>()[i]) > 1e-6) return 1;
  }
}
