// Backpropagation as a table.

#include <xgrad/diff/trace.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

/// The two-neuron network of the course notes.
struct TwoNeurons {
  static Parameter weight(double v, const char* name) { return Parameter(Tensor(v, {.dtype = float64}), name); }
  Tensor x1{0.1, {.dtype = float64, .name = "x1"}}, t{0.25, {.dtype = float64, .name = "T"}};
  Parameter w1 = weight(0.15, "w1"), b1 = weight(0.4, "b1"), w2 = weight(0.45, "w2"), b2 = weight(0.65, "b2");
  Tensor error() const {
    const Tensor z1 = (x1 * w1 + b1).named("z1"), a1 = sigmoid(z1).named("a1");
    const Tensor z2 = (a1 * w2 + b2).named("z2"), a2 = sigmoid(z2).named("a2");
    return (square(t - a2) / 2).named("E");
  }
};

const TraceStep& step(const Trace& trace, const char* from, const char* to) {
  for (const TraceStep& s : trace.steps)
    if (s.from == from && s.to == to) return s;
  throw ValueError("no such step");
}

}  // namespace

TEST_CASE("the trace of the two-neuron network is the hand calculation of the notes") {
  const TwoNeurons network;
  const Trace trace = backprop_trace(network.error());
  INFO(trace);
  CHECK(trace.result == "E");
  CHECK(trace.values.size() == 11);
  CHECK(trace.steps.size() == 10);
  const TraceStep& e = step(trace, "E", "a2");
  CHECK(e.local == "-(T - a2)");
  CHECK(e.product.item() == Approx(0.4652516802527555).epsilon(1e-14));
  const TraceStep& a2 = step(trace, "a2", "z2");
  CHECK(a2.local == "a2 · (1 - a2)");
  CHECK(a2.reached.item() == Approx(0.4652516802527555).epsilon(1e-14));
  CHECK(a2.product.item() == Approx(0.09475628096908470).epsilon(1e-14));
  CHECK(step(trace, "z2", "a1").local == "w2");
  CHECK(step(trace, "z2", "w2").product.item() == Approx(0.05707039820105494).epsilon(1e-14));
  CHECK(step(trace, "z2", "b2").local == "1");
  CHECK(step(trace, "z1", "w1").local == "x1");
  CHECK(step(trace, "z1", "w1").product.item() == Approx(0.001021395881476340).epsilon(1e-13));
  CHECK(step(trace, "z1", "b1").product.item() == Approx(0.01021395881476340).epsilon(1e-13));
  for (const TraceValue& v : trace.values) {
    if (v.name == "z1") CHECK(v.formula == "x1 · w1 + b1");
    if (v.name == "E") CHECK(v.value.item() == Approx(0.1082295629890061).epsilon(1e-14));
    if (v.name == "w2") CHECK(v.gradient.item() == Approx(0.05707039820105494).epsilon(1e-14));
  }
}

TEST_CASE("a trace is written as text, Markdown, LaTeX and CSV") {
  const TwoNeurons network;
  const Trace trace = backprop_trace(network.error());
  CHECK_THAT(trace.text(), Contains("z1 -> w1") && Contains("0.0010214") && Contains("reached so far"));
  CHECK_THAT(trace.markdown(), Contains("| a2 -> z2") && Contains("|---"));
  CHECK_THAT(trace.latex(), Contains("\\begin{tabular}{lllll}") && Contains("$-(T - a_2)$") &&
                              Contains("z_1 \\to  w_1"));
  const std::string csv = trace.csv();
  CHECK(csv.substr(0, 46) == "kind,from,to,expression,value,reached,product\n");
  CHECK_THAT(csv, Contains("step,\"z1\",\"w1\",\"x1\",\"0.10000000000000001\""));
}

TEST_CASE("tensors are traced by norm, unnamed graphs operation by operation") {
  const Tensor x = tensor({{1, 2}, {3, 4}}, {.dtype = float64}).named("x");
  const Tensor w = tensor({{0.5}, {-1}}, {.dtype = float64}).named("w");
  const Trace named = backprop_trace(sum(square(matmul(x, w).named("h"))));
  CHECK(step(named, "y", "h").local == "2 · h");
  CHECK_THAT(step(named, "h", "w").local, Contains("g"));
  const Trace plain = backprop_trace(sum(square(matmul(x, w))));
  CHECK(plain.values.size() == 5);
  CHECK(plain.steps.size() == 4);
  CHECK_THAT(plain.text(), Contains("norm"));
  CHECK_THROWS_AS(backprop_trace(x), ShapeError);
  CHECK_THROWS_AS(backprop_trace(Tensor(1)), DTypeError);
  CHECK_THROWS_AS(backprop_trace(Tensor()), ValueError);
}

TEST_CASE("a value that is used twice gets the sum of what reaches it") {
  const Tensor x(0.7, {.dtype = float64, .name = "x"});
  const Tensor a = (x * x).named("a"), b = sin(x).named("b");
  const Trace trace = backprop_trace(a * b);
  const double total = step(trace, "a", "x").product.item() + step(trace, "b", "x").product.item();
  CHECK(trace.values.front().gradient.item() == Approx(total));
}
