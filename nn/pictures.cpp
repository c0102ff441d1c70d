#include <xgrad/nn/pictures.hpp>

#include <xgrad/io/atomic_file.hpp>
#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/dense.hpp>

namespace xgrad {
namespace {

std::string activation_of(const Config& config) {
  for (const auto& [key, value] : config.entries())
    if (key == "activation" && value.kind() == Config::Kind::text) return value.text();
  return {};
}

}  // namespace

std::string network_svg(const Model& model, const NetworkPictureOptions& options) {
  std::vector<DrawnLayer> layers;
  for (std::size_t i = 0; i < model.names().size(); ++i) {
    const Layer& layer = model.get_layer(i);
    if (const Dense* dense = layer.get_if<Dense>()) {
      if (!dense->built())
        throw ValueError("[network_svg] expected a built model, got a Dense layer without weights: call it first");
      layers.push_back({.kernel = dense->kernel().value(), .activation = activation_of(dense->get_config())});
      if (dense->bias().defined()) layers.back().bias = dense->bias().value();
    } else if (const Activation* activation = layer.get_if<Activation>()) {
      if (!layers.empty()) layers.back().activation = activation->function.name();
    }
  }
  if (layers.empty()) throw ValueError("[network_svg] expected a model with Dense layers");
  return network_svg(layers, options);
}

void draw(const Tensor& y, const std::string& path, const PictureOptions& options) {
  const bool dot = path.ends_with(".dot") || path.ends_with(".gv");
  const std::string text = dot ? to_dot(y, options) : to_svg(y, options);
  io::write_file(path, text.data(), text.size());
}

void draw(const Model& model, const std::string& path, const NetworkPictureOptions& options) {
  const std::string text = network_svg(model, options);
  io::write_file(path, text.data(), text.size());
}

}  // namespace xgrad
