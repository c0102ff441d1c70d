/// Backpropagation by hand: x -> z1 = x w1 + b1, a1 = sigmoid(z1) -> z2 = a1 w2 + b2, a2 = sigmoid(z2), with the error
/// E = (T - a2)^2 / 2 and the update w -= rate * dE/dw. The update formulas, the hand calculation of the first step,
/// three steps as a table, then steps until E < 0.0001.

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

using namespace xgrad;

struct Line {
  const char* name;
  double steps[3];
};
constexpr Line expected[] = {
    {"z1", {0.415, 0.4108735606388356, 0.4069588681626899}},
    {"a1", {0.6022861768886307, 0.6012973237935735, 0.6003584488027847}},
    {"z2", {0.9210287795998838, 0.8689547722370230, 0.8170437258153817}},
    {"a2", {0.7152516802527555, 0.7045281613079125, 0.6936084450624347}},
    {"E", {0.1082295629890061, 0.1032979247109759, 0.09839422626535557}},
    {"dE/dw2", {0.05707039820105494, 0.05689374463299691, 0.05659806649596260}},
    {"dE/db2", {0.09475628096908470, 0.09461832338460338, 0.09427379028117057}},
    {"dE/dw1", {0.001021395881476340, 0.0009689832861746668, 0.0009147423388097373}},
    {"dE/db1", {0.01021395881476340, 0.009689832861746668, 0.009147423388097373}},
    {"w2", {0.4271718407195780, 0.4044143428663793, 0.3817751162679942}},
    {"b2", {0.6120974876123661, 0.5742501582585248, 0.5365406421460565}},
    {"w1", {0.1495914416474095, 0.1492038483329396, 0.1488379513974157}},
    {"b1", {0.3959144164740946, 0.3920384833293960, 0.3883795139741570}},
};

static Parameter weight(double value, const char* name) { return Parameter(Tensor(value, {.dtype = float64}), name); }

int main() {
  const Tensor x(0.1, {.dtype = float64, .name = "x1"}), target(0.25, {.dtype = float64, .name = "T"});
  const Parameter w1 = weight(0.15, "w1"), b1 = weight(0.40, "b1"), w2 = weight(0.45, "w2"), b2 = weight(0.65, "b2");
  constexpr double rate = 0.4;

  std::vector<std::vector<double>> table;
  bool right = true;
  int updates = 0;
  double error = 1;
  while (true) {
    const Tensor z1 = (x * w1 + b1).named("z1"), a1 = sigmoid(z1).named("a1");
    const Tensor z2 = (a1 * w2 + b2).named("z2"), a2 = sigmoid(z2).named("a2");
    const Tensor e = (square(target - a2) / 2).named("E");
    const auto [dw1, db1, dw2, db2] = grad(e, {w1, b1, w2, b2});

    // The chain rule as the textbook writes it gives what `grad` found.
    const Tensor delta2 = (a2 - target) * a2 * (1 - a2), delta1 = delta2 * w2 * a1 * (1 - a1);
    for (const auto& [found, by_hand] : {std::pair{dw2, delta2 * a1}, {db2, delta2}, {dw1, delta1 * x}, {db1, delta1}})
      right = right && std::abs(found.item() - by_hand.item()) < 1e-15;

    if (updates == 0) {
      std::printf("E = %s\n", formula(e).c_str());
      for (const auto& [w, dw] : {std::pair{"w2", dw2}, {"b2", db2}, {"w1", dw1}, {"b1", db1}})
        std::printf("%s -> %s - η · (%s)\n", w, w, formula(dw).c_str());
      right = right && formula(dw1) == "-(T - a2) · a2 (1 - a2) · w2 · a1 (1 - a1) · x1";
      std::printf("\n%s\n", backprop_trace(e).text().c_str());
    }
    error = e.item();
    if (error < 1e-4 || updates == 1000) break;
    for (const auto& [w, dw] : {std::pair{w1, dw1}, {b1, db1}, {w2, dw2}, {b2, db2}}) w.assign(w - rate * dw);
    ++updates;
    if (updates > 3) continue;
    table.emplace_back();
    for (const Tensor& value : std::vector<Tensor>{z1, a1, z2, a2, e, dw2, db2, dw1, db1, w2, b2, w1, b1})
      table.back().push_back(value.item());
  }

  std::printf("%-8s%18s %18s %18s\n", "", "step 1", "step 2", "step 3");
  for (std::size_t row = 0; row < std::size(expected); ++row) {
    std::printf("%-8s", expected[row].name);
    for (std::size_t step = 0; step < 3; ++step) {
      std::printf(" %18.15f", table[step][row]);
      right = right && std::abs(table[step][row] - expected[row].steps[step]) < 1e-12;
    }
    std::printf("\n");
  }
  std::printf("E = %.15g after %d updates\n", error, updates);
  right = right && updates == 133 && std::abs(error - 9.72229973602e-05) < 1e-14;
  std::printf(right ? "All values are right.\n" : "Some values are wrong.\n");
  return right ? 0 : 1;
}
