/// One neuron by hand: z = x1 w1 + x2 w2 + b1, a = sigmoid(z). Its output, its derivatives of every order, its
/// formulas.

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>
#include <iostream>

using namespace xgrad;

namespace {

bool right = true;

/// Prints a number and compares it with what it should be.
void show(const char* name, const Tensor& value, double expected) {
  const bool equal = std::abs(value.item() - expected) < 1e-15;
  std::printf("  %-12s %20.16f%s\n", name, value.item(), equal ? "" : "   WRONG");
  right = right && equal;
}

}  // namespace

int main() {
  const Tensor x1(0.5, {.dtype = float64, .name = "x1"}), x2(-0.35, {.dtype = float64, .name = "x2"});
  const Parameter w1(Tensor(0.55, {.dtype = float64}), "w1");
  const Parameter w2(Tensor(0.45, {.dtype = float64}), "w2");
  const Parameter b1(Tensor(0.15, {.dtype = float64}), "b1");

  const Tensor z = (x1 * w1 + x2 * w2 + b1).named("z");
  const Tensor a = sigmoid(z);
  std::printf("The output of the network is %.4f\n", a.item());

  // A derivative is a tensor like any other: it can be printed, computed and differentiated again.
  const auto [dw1, dw2, db1] = grad(a, {w1, w2, b1});
  const auto [dx1, dx2] = grad(a, {x1, x2});
  const Tensor dz = grad(a, z), dzz = grad(dz, z), dzzz = grad(dzz, z);
  std::cout << "\nAs a formula:\n" << formula(a) << "\nda/dw1:\n" << formula(dw1) << "\n\nDerivatives:\n";
  show("z", z, 0.2675);
  show("a", a, 0.5664790559676279);
  show("da/dz", dz, 0.2455805351176530);
  show("da/dx1", dx1, 0.1350692943147091);
  show("da/dx2", dx2, 0.1105112408029438);
  show("da/dw1", dw1, 0.1227902675588265);
  show("da/dw2", dw2, -0.08595318729117855);
  show("da/db1", db1, 0.2455805351176530);
  show("d2a/dz2", dzz, -0.03265192427729292);
  show("d3a/dz3", dzzz, -0.1162782602543838);

  std::cout << "\nThe Hessian, d2a / (row, column), in w1, w2, b1:\n";
  const double hessian[3][3] = {{-0.00816298106932323, 0.005714086748526261, -0.01632596213864645},
                                {0.005714086748526261, -0.003999860723968379, 0.01142817349705252},
                                {-0.01632596213864645, 0.01142817349705252, -0.03265192427729292}};
  const char* names[] = {"w1", "w2", "b1"};
  const Tensor first[] = {dw1, dw2, db1};
  for (int i = 0; i < 3; ++i) {
    const auto row = grad(first[i], {w1, w2, b1});
    for (int j = 0; j < 3; ++j) show((std::string(names[i]) + ", " + names[j]).c_str(), row[j], hessian[i][j]);
  }

  std::cout << "\nThe same z through other activations, and two errors for the target 1:\n";
  show("relu", relu(z), 0.2675);
  show("tanh", tanh(z), 0.2612970513021489);
  show("(1 - a)^2 / 2", square(1 - a) / 2, 0.09397020445735955);
  show("-log(a)", -log(a), 0.5683151701284482);

  std::cout << (right ? "\nAll values are right.\n" : "\nSome values are wrong.\n");
  return right ? 0 : 1;
}
