/// The perceptron rule (Rosenblatt 1958): after each pattern, w += (target - output) x and b += target - output. It
/// finds OR and AND, and no line there is for XOR: the rule goes round in circles, as its weights show.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <map>
#include <vector>

using namespace xgrad;

namespace {

struct Result {
  int epochs = 0;  ///< the first one without a mistake; 0: there was none
  std::vector<double> weights;
  int circle = 0;  ///< after how many epochs the same weights came back
};

Result learn(const Tensor& targets) {
  const Tensor patterns = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}, {.dtype = float64});
  Tensor w = zeros({2}, {.dtype = float64}), b = zeros({}, {.dtype = float64});
  std::map<std::vector<double>, int> seen;
  for (int epoch = 1; epoch <= 100; ++epoch) {
    int mistakes = 0;
    for (int i = 0; i < 4; ++i) {
      const Tensor x = take(patterns, i), target = take(targets, i);
      const Tensor error = target - binary_step(dot(w, x) + b);
      w = (w + error * x).eval();
      b = (b + error).eval();
      mistakes += error.item() != 0;
    }
    const std::vector<double> weights = {w.to_vector<double>()[0], w.to_vector<double>()[1], b.item()};
    if (mistakes == 0) return {epoch, weights, 0};
    if (const auto [before, fresh] = seen.emplace(weights, epoch); !fresh) return {0, weights, epoch - before->second};
  }
  return {};
}

bool shown(const char* name, const Tensor& targets, const Result& expected) {
  const Result found = learn(targets);
  if (found.epochs)
    std::printf("%s: no mistake in epoch %d, w = (%g, %g), b = %g\n", name, found.epochs, found.weights[0],
                found.weights[1], found.weights[2]);
  else std::printf("%s: never right; the same weights come back after %d epoch(s)\n", name, found.circle);
  return found.epochs == expected.epochs && (!found.epochs || found.weights == expected.weights);
}

}  // namespace

int main() {
  const auto targets = [](const Nested& values) { return tensor(values, {.dtype = float64}); };
  const bool by_or = shown("OR ", targets({0, 1, 1, 1}), {4, {1, 1, -1}});
  const bool by_and = shown("AND", targets({0, 0, 0, 1}), {6, {2, 1, -3}});
  const bool by_xor = shown("XOR", targets({0, 1, 1, 0}), {0, {}});
  return by_or && by_and && by_xor ? 0 : 1;
}
