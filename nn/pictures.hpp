#pragma once
/// Pictures into files, and of models.

#include <xgrad/diff/picture.hpp>
#include <xgrad/nn/model.hpp>

namespace xgrad {

/// Neurons and weights of a built model's Dense layers, one after another. Throws ValueError if the model has none, or
/// is not built; ShapeError if they do not follow each other.
std::string network_svg(const Model& model, const NetworkPictureOptions& options = {});

/// Writes the picture of a recorded graph, replacing an old one in one step: SVG, or DOT if the path ends in ".dot" or
/// ".gv". Throws IoError, with the old file as it was.
void draw(const Tensor& y, const std::string& path, const PictureOptions& options = {});
/// Writes `network_svg` of a model.
void draw(const Model& model, const std::string& path, const NetworkPictureOptions& options = {});

}  // namespace xgrad
