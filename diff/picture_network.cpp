#include <xgrad/diff/picture.hpp>

#include <xgrad/diff/picture_layout.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace xgrad {
namespace {

using picture::at;
using picture::escaped;

constexpr double across = 190, down = 78, radius = 22, margin = 46;

/// Which units of a wide layer are drawn; -1 stands for those left out.
std::vector<std::int64_t> drawn_units(std::int64_t n, std::int64_t most) {
  std::vector<std::int64_t> units;
  for (std::int64_t i = 0; i < n; ++i) {
    if (n > most && i == most / 2) {
      units.push_back(-1);
      i = n - (most - most / 2);
    }
    units.push_back(i);
  }
  return units;
}

std::string number(double x, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, x);
  return text;
}

std::string label(double x, double y, const std::string& text, const std::string& more) {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" " + more + ">" + escaped(text) + "</text>\n";
}

std::string sign_of(const std::string& activation) {
  if (activation == "sigmoid") return "σ";
  return activation == "linear" ? "" : activation;
}

}  // namespace

std::string network_svg(std::span<const DrawnLayer> layers, const NetworkPictureOptions& options) {
  if (layers.empty()) throw ValueError("[network_svg] expected at least one layer");
  if (options.most_units < 2) throw ValueError("[network_svg] expected most_units of 2 or more");
  std::vector<std::int64_t> sizes;
  for (const DrawnLayer& layer : layers) {
    if (!layer.kernel.defined() || layer.kernel.rank() != 2)
      throw ShapeError("[network_svg] expected kernels with two axes, (inputs, units)");
    if (sizes.empty()) sizes.push_back(layer.kernel.dim(0));
    if (layer.kernel.dim(0) != sizes.back())
      throw ShapeError("[network_svg] expected a kernel for " + std::to_string(sizes.back()) + " inputs, got " +
                       to_string(layer.kernel.shape()));
    if (layer.bias.defined() && layer.bias.size() != layer.kernel.dim(1))
      throw ShapeError("[network_svg] expected one bias for each of " + std::to_string(layer.kernel.dim(1)) +
                       " units, got " + to_string(layer.bias.shape()));
    sizes.push_back(layer.kernel.dim(1));
  }
  std::vector<std::vector<std::int64_t>> units;
  std::size_t most = 0;
  for (const std::int64_t size : sizes) {
    units.push_back(drawn_units(size, options.most_units));
    most = std::max(most, units.back().size());
  }
  const double width = across * static_cast<double>(layers.size()) + 2 * margin + 30;
  const double height = down * static_cast<double>(most) + 2 * margin - 20;
  const auto x_of = [&](std::size_t layer) { return margin + across * static_cast<double>(layer) + 10; };
  const auto y_of = [&](std::size_t layer, std::size_t k) {
    return height / 2 + down * (static_cast<double>(k) - (static_cast<double>(units[layer].size()) - 1) / 2) - 6;
  };

  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + at(width) + "\" height=\"" + at(height) +
                    "\" viewBox=\"0 0 " + at(width) + " " + at(height) +
                    "\" font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n"
                    "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  std::string words;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::vector<double> w = layers[l].kernel.to_vector<double>();
    double largest = 1e-300;
    for (const double v : w)
      if (std::isfinite(v)) largest = std::max(largest, std::fabs(v));
    const bool labels = layers[l].kernel.size() <= options.most_labels;
    for (std::size_t a = 0; a < units[l].size(); ++a)
      for (std::size_t b = 0; b < units[l + 1].size(); ++b) {
        if (units[l][a] < 0 || units[l + 1][b] < 0) continue;
        const double v = w[static_cast<std::size_t>(units[l][a] * sizes[l + 1] + units[l + 1][b])];
        const double x0 = x_of(l) + radius, y0 = y_of(l, a), x1 = x_of(l + 1) - radius, y1 = y_of(l + 1, b);
        const double share = std::isfinite(v) ? std::fabs(v) / largest : 1;
        svg += "<line x1=\"" + at(x0) + "\" y1=\"" + at(y0) + "\" x2=\"" + at(x1) + "\" y2=\"" + at(y1) +
               "\" stroke=\"" + (v < 0 ? "#b91c1c" : "#2563a8") + "\" stroke-width=\"" + at(0.6 + 2.4 * share) +
               "\" stroke-opacity=\"" + at(0.35 + 0.55 * share) + "\"/>\n";
        if (!labels) continue;
        // Labels of lines that cross stand at different places along them.
        const double t = units[l + 1].size() > 1 || units[l].size() > 1
                             ? 0.26 + 0.16 * static_cast<double>(b % 3) + (a % 2 ? 0.04 : 0)
                             : 0.5;
        words += label(x0 + t * (x1 - x0), y0 + t * (y1 - y0) - 4, number(v, options.digits),
                       "font-size=\"11\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\" fill=\"" +
                           std::string(v < 0 ? "#b91c1c" : "#1e4e87") + "\"");
      }
  }
  for (std::size_t l = 0; l < units.size(); ++l) {
    std::vector<double> bias;
    if (l > 0 && layers[l - 1].bias.defined()) bias = layers[l - 1].bias.to_vector<double>();
    for (std::size_t k = 0; k < units[l].size(); ++k) {
      const double x = x_of(l), y = y_of(l, k);
      if (units[l][k] < 0) {
        svg += label(x, y + 5, "⋮", "font-size=\"22\" fill=\"#555\"");
        continue;
      }
      const auto unit = static_cast<std::size_t>(units[l][k]);
      svg += "<circle cx=\"" + at(x) + "\" cy=\"" + at(y) + "\" r=\"" + at(radius) + "\" fill=\"" +
             (l == 0 ? "#ecfdf5" : "#dbeafe") + "\" stroke=\"#333\"/>\n";
      std::string inside = "x" + std::to_string(unit + 1);
      if (l == 0 && unit < options.inputs.size()) inside = options.inputs[unit];
      if (l > 0) inside = sign_of(layers[l - 1].activation);
      if (!inside.empty()) svg += label(x, y + 4.5, inside, picture::columns(inside) > 5 ? "font-size=\"9\"" : "");
      if (!bias.empty())
        words += label(x, y + radius + 13, "b = " + number(bias[unit], options.digits),
                       "font-size=\"10\" fill=\"#555\"");
    }
    const std::string title = l == 0 ? "inputs" : l + 1 == units.size() ? "output" : "layer " + std::to_string(l);
    words += label(x_of(l), 18, title, "fill=\"#555\"");
  }
  return svg + words + "</svg>\n";
}

std::string network_svg(std::initializer_list<DrawnLayer> layers, const NetworkPictureOptions& options) {
  return network_svg(std::span(layers.begin(), layers.size()), options);
}

}  // namespace xgrad
