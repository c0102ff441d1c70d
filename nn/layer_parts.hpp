#pragma once
/// What layers share: labels of messages, layouts, configs. Internal to nn/.

#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/fields.hpp>
#include <xgrad/nn/layer.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad {

/// "[Reshape 'flat'] "
inline std::string label(std::string_view kind, const std::string& name) {
  return "[" + std::string(kind) + (name.empty() ? "" : " '" + name + "'") + "] ";
}

/// x as floating numbers: float32 if it is not.
inline Tensor floating(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, float32); }

/// Whether channels stand before rows and columns. Throws ValueError for another word than Keras's two.
inline bool channels_first(std::string_view where, std::string_view data_format) {
  constexpr Named<bool> formats[] = {{"channels_last", false}, {"channels_first", true}};
  return find_named(formats, where, data_format);
}

/// The first axis of images that is a length in space.
inline int first_spatial(std::string_view where, std::string_view data_format) {
  return channels_first(where, data_format) ? 2 : 1;
}

inline void check_rank(const std::string& where, const Tensor& x, int rank) {
  if (x.rank() != rank)
    throw ShapeError(where + "expected x with " + std::to_string(rank) + " axes, got " + to_string(x.shape()));
}

/// A tensor with the shape of a mask over x: -1 in `noise_shape` is the length of x, 1 is one for the whole axis. Only
/// its shape is used, so nothing of it is computed. Throws ShapeError if it does not broadcast over x.
Tensor mask_shape(std::string_view kind, const Tensor& x, const std::vector<std::int64_t>& noise_shape);

/// The Config of a layer whose members `describe(fields, layer)` names.
template <class L, class Describe>
Config config_of(const L& layer, Describe describe) {
  L copy = layer;
  return written([&](Fields& fields) { describe(fields, copy); });
}

/// A layer that `describe` reads over these first values; `check()` of the layer then looks at them.
template <class L, class Describe>
L read_layer(std::string_view kind, const Config& config, L layer, Describe describe) {
  read_config(kind, config, [&](Fields& fields) { describe(fields, layer); });
  if constexpr (requires { layer.check(); }) layer.check();
  return layer;
}

}  // namespace xgrad
