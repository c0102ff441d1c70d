#pragma once
/// Pictures: recorded graphs and small dense networks as SVG, without any other program.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

struct PictureOptions {
  bool values = false;     ///< the value that flows along each edge (computes them)
  bool gradients = false;  ///< and the derivative of the first tensor that flows back along it
  bool details = false;    ///< also broadcasts, reshapes and casts
  int digits = 4;
};

/// The graph that these tensors were recorded from as an SVG picture, inputs on the left. What the first tensor follows
/// from is drawn in blue; the rest, such as the graph of a gradient given behind it, in orange: to_svg({loss, dw}).
/// Gradients need a first tensor with one element (ShapeError).
std::string to_svg(std::span<const Tensor> ys, const PictureOptions& options = {});
std::string to_svg(std::initializer_list<Tensor> ys, const PictureOptions& options = {});
std::string to_svg(const Tensor& y, const PictureOptions& options = {});

/// The same in Graphviz's DOT language.
std::string to_dot(std::span<const Tensor> ys, const PictureOptions& options);
std::string to_dot(const Tensor& y, const PictureOptions& options);

/// A fully connected layer, to be drawn.
struct DrawnLayer {
  Tensor kernel;  ///< (inputs, units)
  Tensor bias = {};
  std::string activation = {};  ///< written into the neurons
};

struct NetworkPictureOptions {
  std::vector<std::string> inputs = {};  ///< names; x1, x2, ... otherwise
  std::int64_t most_units = 10;   ///< of wider layers the first and last ones are drawn
  std::int64_t most_labels = 16;  ///< weights are written on the edges between two layers with at most so many
  int digits = 2;
};

/// Neurons and weights: a circle for each unit, an edge for each weight, blue for positive and red for negative ones,
/// as thick as they are large. Throws ShapeError unless the layers fit each other.
std::string network_svg(std::span<const DrawnLayer> layers, const NetworkPictureOptions& options = {});
std::string network_svg(std::initializer_list<DrawnLayer> layers, const NetworkPictureOptions& options = {});

}  // namespace xgrad
