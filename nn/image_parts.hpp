#pragma once
/// What the sources of image layers share. Internal to nn/.

#include <xgrad/nn/image_layers.hpp>
#include <xgrad/nn/layer_parts.hpp>

namespace xgrad {

/// Throws ShapeError unless x is (batch, height, width, channels) and not empty.
void check_images(const std::string& where, const Tensor& x);
/// Throws ValueError unless both are above 0.
void check_size(const std::string& where, std::int64_t height, std::int64_t width);

/// Throws ValueError unless both numbers are between 0 and 1 and rise.
void check_share(const std::string& where, const char* what, const Factor& share);
/// Options of layers that have no others.
RandomImageOptions shared_options(std::pair<double, double> value_range, std::optional<std::uint64_t> seed,
                                  std::string name);

/// A factor as two numbers.
void describe(Fields& f, const char* name, Factor& factor);
void describe(Fields& f, RandomImageOptions& o);

/// The config of a layer whose own options `own(fields)` names, with those that all share.
template <class Own>
Config random_config(RandomImageOptions options, Own own) {
  return written([&](Fields& f) {
    own(f);
    describe(f, options);
  });
}
/// Reads it back: the shared options, and through `own` the others.
template <class Own>
RandomImageOptions random_options(std::string_view kind, const Config& config, Own own) {
  RandomImageOptions options;
  read_config(kind, config, [&](Fields& f) {
    own(f);
    describe(f, options);
  });
  return options;
}

/// Layers with one factor.
template <class F>
Config factor_config(const RandomImageOptions& options, F factor) {
  return random_config(options, [&](Fields& f) { describe(f, "factor", factor); });
}
template <class L, class F>
L from_factor(std::string_view kind, const Config& config) {
  F factor;
  RandomImageOptions options = random_options(kind, config, [&](Fields& f) { describe(f, "factor", factor); });
  return L(factor, std::move(options));
}

}  // namespace xgrad
