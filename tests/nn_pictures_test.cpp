// Pictures of graphs and networks.

#include <xgrad/nn/pictures.hpp>
#include <xgrad/nn/sequential.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

/// Every opened tag is closed, and no number of a coordinate is not finite.
void check_well_formed(const std::string& svg) {
  CHECK(svg.rfind("<svg xmlns=", 0) == 0);
  CHECK(svg.substr(svg.size() - 7) == "</svg>\n");
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z]+)([^<>]*?)(/?)>");
  for (std::sregex_iterator at(svg.begin(), svg.end(), tag), end; at != end; ++at) {
    if ((*at)[1].length()) {
      REQUIRE_FALSE(open.empty());
      CHECK(open.back() == (*at)[2].str());
      open.pop_back();
    } else if (!(*at)[4].length()) {
      open.push_back((*at)[2].str());
    }
  }
  CHECK(open.empty());
  CHECK_THAT(svg, !Contains("nan") && !Contains("inf\""));
}

/// The boxes of a picture: x, y, width and height of each.
std::vector<std::array<double, 4>> boxes(const std::string& svg) {
  std::vector<std::array<double, 4>> found;
  const std::regex box("<rect x=\"([-0-9.]+)\" y=\"([-0-9.]+)\" width=\"([0-9.]+)\" height=\"([0-9.]+)\"");
  for (std::sregex_iterator at(svg.begin(), svg.end(), box), end; at != end; ++at)
    found.push_back({std::stod((*at)[1]), std::stod((*at)[2]), std::stod((*at)[3]), std::stod((*at)[4])});
  return found;
}

struct Neuron {
  Tensor x{0.5, {.dtype = float64, .name = "x<1>"}};
  Parameter w{Tensor(0.55, {.dtype = float64}), "w"}, b{Tensor(0.15, {.dtype = float64}), "b"};
  Tensor output() const { return sigmoid((x * w + b).named("z")).named("a"); }
};

}  // namespace

TEST_CASE("a graph is drawn with every node once, boxes apart") {
  const Neuron neuron;
  const std::string svg = to_svg(neuron.output());
  check_well_formed(svg);
  CHECK(count(svg, "<rect x=") == 6);
  CHECK(count(svg, "marker-end") == 5);
  CHECK_THAT(svg, Contains("x&lt;1&gt;") && Contains(">σ<") && Contains(">z<"));
  const Tensor a = neuron.output();
  const std::string both = to_svg({a, grad(a, neuron.w)});
  check_well_formed(both);
  CHECK_THAT(both, Contains("#b45309") && Contains("#2563a8"));
  for (const std::string& text : {svg, both}) {
    const auto found = boxes(text);
    for (std::size_t i = 0; i < found.size(); ++i)
      for (std::size_t k = 0; k < i; ++k) {
        const auto &p = found[i], &q = found[k];
        const bool apart = p[0] + p[2] <= q[0] || q[0] + q[2] <= p[0] || p[1] + p[3] <= q[1] || q[1] + q[3] <= p[1];
        CHECK(apart);
      }
  }
}

TEST_CASE("values and gradients stand on the edges when asked") {
  const Neuron neuron;
  const std::string svg = to_svg(neuron.output(), {.values = true, .gradients = true});
  check_well_formed(svg);
  CHECK_THAT(svg, Contains(">0.425<"));    // z
  CHECK_THAT(svg, Contains(">0.239<"));    // da/dz
  CHECK_THAT(svg, Contains(">0.1195<"));   // da/dw
  CHECK_THAT(svg, Contains("= 0.6047"));
  CHECK_THAT(to_dot(neuron.output(), {.values = true}), Contains("digraph") && Contains("label = \"0.425\""));
  CHECK_THROWS_AS(to_svg(zeros({2}), {.gradients = true}), ShapeError);
  CHECK_THROWS_AS(to_svg(Tensor()), ValueError);
}

TEST_CASE("a small network is drawn with its weights, a wide one in part") {
  Sequential model{Dense(2, {.activation = "sigmoid", .input_shape = {2}}), Dense(1, {.activation = "sigmoid"})};
  model.set_weights({tensor({{.1, -.3}, {.2, .4}}), tensor({.5, -.6}), tensor({{.7}, {-.8}}), tensor({.9})});
  const std::string svg = network_svg(model);
  check_well_formed(svg);
  CHECK(count(svg, "<circle") == 5);
  CHECK(count(svg, "<line") == 6);
  CHECK(count(svg, ">σ<") == 3);
  for (const char* label : {">0.1<", ">-0.3<", ">0.7<", ">-0.8<", ">b = -0.6<", ">x2<"})
    CHECK_THAT(svg, Contains(label));
  const std::string wide = network_svg({{zeros({784, 16}), zeros({16}), "relu"}, {zeros({16, 3})}}, {.most_units = 6});
  check_well_formed(wide);
  CHECK(count(wide, "<circle") == 6 + 6 + 3);
  CHECK(count(wide, "⋮") == 2);
  CHECK_THAT(wide, Contains(">x784<"));
  CHECK_THROWS_AS(network_svg({{zeros({2, 3})}, {zeros({2, 1})}}), ShapeError);
  CHECK_THROWS_AS(network_svg(Sequential{Flatten()}), ValueError);
  CHECK_THROWS_AS(network_svg(Sequential{Dense(3)}), ValueError);
}

TEST_CASE("pictures are written to files") {
  const Neuron neuron;
  for (const char* path : {"pictures_test.svg", "pictures_test.dot"}) {
    draw(neuron.output(), path);
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    CHECK_THAT(text, Contains(std::string(path).ends_with("dot") ? "digraph" : "<svg"));
    std::remove(path);
  }
  CHECK_THROWS_AS(draw(neuron.output(), "no/such/folder/a.svg"), IoError);
}
