#pragma once
/// Layers that change the colours of images in training, blur, sharpen, erase and mix them.

#include <xgrad/nn/image_layers.hpp>

namespace xgrad {

// Images are (batch, height, width, channels); hue, saturation and grey want the channels red, green, blue. Numbers of
// a factor are Keras's: those between 0 and 1 stand for 0 to f.

struct AutoContrastOptions {
  std::pair<double, double> value_range = {0, 255};
  std::string name = {};
};

/// Each channel of each image stretched over the whole value_range, in training or not. A channel of one value stays.
struct AutoContrast {
  AutoContrast(AutoContrastOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static AutoContrast from_config(const Config& config);
  void check() const;

  std::pair<double, double> value_range;
  std::string name;
};

struct EqualizationOptions {
  std::pair<double, double> value_range = {0, 255};
  std::int64_t bins = 256;
  std::string name = {};
};

/// In training: each channel's values replaced by their ranks, by a histogram over the batch.
struct Equalization {
  Equalization(EqualizationOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Equalization from_config(const Config& config);
  void check() const;

  std::pair<double, double> value_range;
  std::int64_t bins;
  std::string name;
};

/// Images plus a part of addition_factor; what reaches a part of threshold_factor is turned round (255 - x).
class Solarization : public RandomImage {
 public:
  explicit Solarization(Share addition_factor = {}, Share threshold_factor = {}, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Solarization from_config(const Config& config);

 private:
  Share addition_, threshold_;
};

/// Only the upper bits of each number: so many of 8, from 1 to the factor, drawn for each image.
class RandomPosterization : public RandomImage {
 public:
  /// Bits from `low` up to, but not including, `high`, as Keras draws them; both alike: always so many.
  RandomPosterization(int low, int high, RandomImageOptions options = {});
  explicit RandomPosterization(int factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomPosterization from_config(const Config& config);

 private:
  int low_, high_;
};

/// Grey, .2989 red + .5870 green + .1140 blue, with this probability.
class RandomGrayscale : public RandomImage {
 public:
  explicit RandomGrayscale(double factor = .5, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomGrayscale from_config(const Config& config);

 private:
  double factor_;
};

/// The upper end of value_range minus the image, with a probability between the factors.
class RandomInvert : public RandomImage {
 public:
  explicit RandomInvert(Share factor = 1.0, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomInvert from_config(const Config& config);

 private:
  Share factor_;
};

/// Towards grey by a part of the way.
class RandomColorDegeneration : public RandomImage {
 public:
  explicit RandomColorDegeneration(Factor factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomColorDegeneration from_config(const Config& config);

 private:
  Factor factor_;
};

/// The hue turned by up to half of the factor, either way.
class RandomHue : public RandomImage {
 public:
  explicit RandomHue(Share factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomHue from_config(const Config& config);

 private:
  Share factor_;
};

/// The saturation times f / (1 - f): .5 changes nothing, 0 makes grey.
class RandomSaturation : public RandomImage {
 public:
  explicit RandomSaturation(Factor factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomSaturation from_config(const Config& config);

 private:
  Factor factor_;
};

struct ColorJitterOptions {
  std::pair<double, double> value_range = {0, 255};
  std::optional<Factor> brightness_factor = {};
  std::optional<Share> contrast_factor = {};
  std::optional<Factor> saturation_factor = {};
  std::optional<Share> hue_factor = {};
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// RandomBrightness, RandomContrast, RandomSaturation and RandomHue one after another, those that have a factor.
class RandomColorJitter {
 public:
  explicit RandomColorJitter(ColorJitterOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  const std::string& name() const { return options_.name; }
  Config get_config() const;
  static RandomColorJitter from_config(const Config& config);

 private:
  ColorJitterOptions options_;
  std::vector<Layer> layers_;
};

/// Mixed with itself smoothed over 3 x 3 pixels: 0 smoothes, .5 changes nothing, 1 sharpens.
class RandomSharpness : public RandomImage {
 public:
  explicit RandomSharpness(Share factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomSharpness from_config(const Config& config);

 private:
  Share factor_;
};

struct GaussianBlurOptions {
  std::pair<std::int64_t, std::int64_t> kernel_size = {3, 3};  ///< rows and columns, odd
  Share sigma = 1.0;  ///< of the bell, in pixels; drawn for rows and columns
  std::pair<double, double> value_range = {0, 255};
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// Blurred by a bell curve with a probability between the factors; beyond the edge is 0.
class RandomGaussianBlur : public RandomImage {
 public:
  explicit RandomGaussianBlur(Share factor = 1.0, GaussianBlurOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomGaussianBlur from_config(const Config& config);

 private:
  Share factor_, sigma_;
  std::int64_t rows_, columns_;
};

struct ErasingOptions {
  std::pair<double, double> scale = {.02, .33};  ///< of the rectangle's sides: roots of numbers between these
  std::optional<double> fill_value = {};         ///< none: normal numbers times the end of value_range
  std::pair<double, double> value_range = {0, 255};
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// A rectangle of each image filled, with a probability between the factors.
class RandomErasing : public RandomImage {
 public:
  explicit RandomErasing(Share factor = 1.0, ErasingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomErasing from_config(const Config& config);

 private:
  Share factor_, scale_;
  std::optional<double> fill_;
};

}  // namespace xgrad
