// Derivatives of derivatives on one small network: a Jacobian in both modes, products with the Hessian inside a method
// of Newton's kind, and gradients of each example.

#include <xgrad/xgrad.hpp>

#include <iostream>

int main() {
  using namespace xgrad;
  set_random_seed(1);
  const Tensor xs = normal({20, 2}, 0, 1, {.dtype = float64}).eval();
  const Tensor targets = (sin(slice_axis(xs, 1, {0, 1})) + 0.1 * slice_axis(xs, 1, {1, 2})).eval();

  // One vector holds all weights of a 2-4-1 network.
  const auto network = [](const Tensor& w, const Tensor& x) {
    const Tensor w1 = reshape(slice_axis(w, 0, {0, 8}), {2, 4}), b1 = slice_axis(w, 0, {8, 12});
    return matmul(tanh(matmul(x, w1) + b1), reshape(slice_axis(w, 0, {12, 16}), {4, 1}));
  };
  const auto loss = [&](const Tensor& w) { return mean(square(network(w, xs) - targets)) + 1e-4 * sum(w * w); };
  Tensor w = normal({16}, 0, 0.5, {.dtype = float64}).eval();
  const double start = loss(w).item();

  // Newton's direction by conjugate gradients: (H + damping) d = g, with products alone.
  for (int step = 0; step < 40; ++step) {
    const Tensor g = grad(loss)(w).eval();
    Tensor d = zeros_like(g), r = g, p = g;
    for (int i = 0; i < 16; ++i) {
      const Tensor q = hvp(loss, w, p) + 0.1 * p, a = sum(r * r) / sum(p * q), next = r - a * q;
      d = d + a * p;
      p = next + sum(next * next) / sum(r * r) * p;
      r = next;
      eval({d, p, r});
      if (sum(r * r).item() < 1e-20) break;
    }
    const Tensor moved = (w - d).eval();
    if (loss(moved).item() < loss(w).item()) w = moved;
    else w = (w - 0.1 * g).eval();
  }
  const double end = loss(w).item();
  std::cout << "loss " << start << " -> " << end << "\ncurvature along the diagonal "
            << diagonal(hessian(loss)(w)) << '\n';

  // The Jacobian of the outputs by the weights, backward and forward.
  const auto outputs = [&](const Tensor& at) { return network(at, xs); };
  const Tensor backward = jacobian(outputs, 0, {.mode = JacobianMode::reverse})(w);
  const Tensor forward = jacobian(outputs, 0, {.mode = JacobianMode::forward})(w);
  const double apart = max(abs(backward - forward)).item();

  // Which example pulls hardest at the weights?
  const auto one = [&](const Tensor& x, const Tensor& target) {
    return grad([&](const Tensor& at) { return sum(square(network(at, expand_dims(x, 0)) - target)); })(w);
  };
  const Tensor pulls = norm(vmap(one)(xs, targets), 2, -1);
  std::cout << "the hardest example is number " << argmax(pulls).item() << '\n';
  const double sum_apart = max(abs(mean(vmap(one)(xs, targets), 0) + 2e-4 * w - grad(loss)(w))).item();
  return end < 0.1 * start && apart < 1e-12 && sum_apart < 1e-12 ? 0 : 1;
}
