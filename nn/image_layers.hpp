#pragma once
/// Layers for images (batch, height, width, channels): Resizing, CenterCrop, and random changes in training.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct ResizingOptions {
  std::string interpolation = "bilinear";  ///< or "nearest", "bicubic", "lanczos3", "lanczos5"
  bool crop_to_aspect_ratio = false;       ///< cut off what does not fit instead of changing the ratio of sides
  bool pad_to_aspect_ratio = false;        ///< add a frame of fill_value instead
  double fill_value = 0;
  bool antialias = false;
  std::string name = {};
};

/// Images of another size. Throws ValueError for both ways to keep the ratio of sides at once.
struct Resizing {
  Resizing(std::int64_t height, std::int64_t width, ResizingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Resizing from_config(const Config& config);
  void check() const;

  std::int64_t height, width;
  std::string interpolation;
  bool crop_to_aspect_ratio, pad_to_aspect_ratio;
  double fill_value;
  bool antialias;
  std::string name;
};

struct CenterCropOptions {
  std::string name = {};
};

/// The middle of images; smaller ones are cut to the ratio of sides and resized.
struct CenterCrop {
  CenterCrop(std::int64_t height, std::int64_t width, CenterCropOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static CenterCrop from_config(const Config& config);
  void check() const;

  std::int64_t height, width;
  std::string name;
};

/// A range of a random number: one number f stands for -f to f.
struct Factor {
  Factor(double both = 0) : low(-both), high(both) {}
  Factor(double low, double high) : low(low), high(high) {}
  double low, high;
};

/// A factor between 0 and 1: one number f stands for 0 to f.
struct Share : Factor {
  Share(double up_to = 0) : Factor(0, up_to) {}
  Share(double low, double high) : Factor(low, high) {}
};

struct RandomImageOptions {
  std::pair<double, double> value_range = {0, 255};  ///< of the pixels, for contrast and brightness
  std::string fill_mode = "reflect";                 ///< beyond the edge: "reflect", "wrap", "nearest", or "constant"
  std::string interpolation = "bilinear";            ///< or "nearest"
  double fill_value = 0;                             ///< with "constant"
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// What random image layers share: options, all of which are in their configs, and a generator that is split off the
/// model's when the layer is first called. Outside training all but RandomCrop leave images as they are.
class RandomImage {
 public:
  void each(Visit visit);
  const std::string& name() const;

 protected:
  RandomImage(std::string_view kind, RandomImageOptions options);
  const RandomImageOptions& options() const;
  /// Uniform numbers between the factors, one for each image: (batch, 1, 1, 1).
  Tensor draw(const Tensor& x, const Factor& factor, Call& call) const;
  Generator& random(Call& call) const;
  /// Images read at (y, x) + the matrix of each image: out(r, c) = x(a r + b c + t, d r + e c + u) about the centre.
  struct Affine {
    Tensor rr, rc, cr, cc;  ///< undefined: 1, 0, 0, 1
    Tensor dr, dc;          ///< undefined: 0
  };
  Tensor moved(const Tensor& x, const Affine& matrix) const;

 private:
  struct State;
  Shared<State> state_;
};

/// Each image is mirrored or not: "horizontal", "vertical" or "horizontal_and_vertical", each with probability 1/2.
class RandomFlip : public RandomImage {
 public:
  explicit RandomFlip(std::string mode = "horizontal_and_vertical", RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomFlip from_config(const Config& config);

 private:
  std::string mode_;
};

/// Images moved by shares of their height and width (down and right for positive numbers).
class RandomTranslation : public RandomImage {
 public:
  RandomTranslation(Factor height_factor, Factor width_factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomTranslation from_config(const Config& config);

 private:
  Factor height_, width_;
};

/// Images turned counterclockwise by a share of a full turn.
class RandomRotation : public RandomImage {
 public:
  explicit RandomRotation(Factor factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomRotation from_config(const Config& config);

 private:
  Factor factor_;
};

/// Images zoomed about their middle: a factor of .2 shows a fifth more (smaller), of -.2 a fifth less (larger). Without
/// a width factor both sides change alike.
class RandomZoom : public RandomImage {
 public:
  explicit RandomZoom(Factor height_factor, std::optional<Factor> width_factor = {}, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomZoom from_config(const Config& config);

 private:
  Factor height_;
  std::optional<Factor> width_;
};

/// Images sheared: columns move by x_factor times the row, rows by y_factor times the column (from the upper left).
class RandomShear : public RandomImage {
 public:
  /// Throws ValueError for factors outside 0 to 1.
  explicit RandomShear(Share x_factor = {}, Share y_factor = {}, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomShear from_config(const Config& config);

 private:
  Share x_, y_;
};

/// (x - mean) * f + mean with the mean of each channel and f from 1 - low to 1 + high, limited to value_range. One
/// number f stands for 1 to 1 + f, as in Keras 3.15.
class RandomContrast : public RandomImage {
 public:
  explicit RandomContrast(Share factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomContrast from_config(const Config& config);

 private:
  Share factor_;
};

/// x plus a share of value_range's width, limited to value_range.
class RandomBrightness : public RandomImage {
 public:
  explicit RandomBrightness(Factor factor, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomBrightness from_config(const Config& config);

 private:
  Factor factor_;
};

/// A part of this size, at one random place for a batch; outside training the middle.
class RandomCrop : public RandomImage {
 public:
  RandomCrop(std::int64_t height, std::int64_t width, RandomImageOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RandomCrop from_config(const Config& config);

 private:
  std::int64_t height_, width_;
};

}  // namespace xgrad
