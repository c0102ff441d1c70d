#pragma once
/// Layers that move elements: Reshape, Permute, RepeatVector, Cropping, ZeroPadding, UpSampling.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct ShapeLayerOptions {
  std::string name = {};
};

/// (batch, ...) -> (batch, ...target_shape); one length may be -1: what is left.
struct Reshape {
  /// Throws ValueError for lengths below -1 or more than one -1.
  explicit Reshape(std::vector<std::int64_t> target_shape, ShapeLayerOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError if the sizes do not fit.
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Reshape from_config(const Config& config);
  void check() const;

  std::vector<std::int64_t> target_shape;
  std::string name;
};

/// Axis i of the result (from 1, the batch stays) is axis dims[i - 1] of x.
struct Permute {
  /// Throws ValueError unless dims is a permutation of 1 ... n.
  explicit Permute(std::vector<int> dims, ShapeLayerOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Permute from_config(const Config& config);
  void check() const;

  std::vector<int> dims;
  std::string name;
};

/// (batch, features) -> (batch, n, features)
struct RepeatVector {
  explicit RepeatVector(std::int64_t n, ShapeLayerOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static RepeatVector from_config(const Config& config);
  void check() const;

  std::int64_t n;
  std::string name;
};

/// What is cut off or added at both ends of an axis: one number for both, or {before, behind}.
struct Ends {
  Ends(std::int64_t both = 0) : before(both), behind(both) {}
  Ends(std::int64_t before, std::int64_t behind) : before(before), behind(behind) {}
  std::int64_t before, behind;
};

/// Sides of each axis in space: one number for all, or one Ends an axis: 2, {1, 2} or {{1, 2}, {3, 4}}. For one axis
/// {before, behind}.
class Sides {
 public:
  Sides(std::int64_t all) : list_{Ends(all)} {}
  Sides(std::initializer_list<Ends> sides) : list_(sides) {}
  explicit Sides(std::vector<Ends> sides) : list_(std::move(sides)) {}
  /// One for each of n axes. Throws ValueError for another number of them, or a negative one.
  std::vector<Ends> of(std::string_view where, int n) const;

 private:
  std::vector<Ends> list_;
};

struct SpatialOptions {
  std::string data_format = "channels_last";  ///< or "channels_first"
  std::string name = {};
};

/// Base of layers over 1, 2 or 3 axes in space.
struct Spatial {
  std::vector<Ends> sides;
  std::string data_format, name;
};

/// Elements cut off at the ends of the axes in space. Throws ShapeError if nothing would be left.
template <int N>
struct Cropping : Spatial {
  explicit Cropping(Sides cropping = N == 1 ? Sides(1) : Sides(0), SpatialOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  static std::string_view kind_name();
  Config get_config() const;
  static Cropping from_config(const Config& config);
};
using Cropping1D = Cropping<1>;
using Cropping2D = Cropping<2>;
using Cropping3D = Cropping<3>;

/// Zeros added at the ends of the axes in space.
template <int N>
struct ZeroPadding : Spatial {
  explicit ZeroPadding(Sides padding = 1, SpatialOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  static std::string_view kind_name();
  Config get_config() const;
  static ZeroPadding from_config(const Config& config);
};
using ZeroPadding1D = ZeroPadding<1>;
using ZeroPadding2D = ZeroPadding<2>;
using ZeroPadding3D = ZeroPadding<3>;

struct UpSamplingOptions {
  std::string data_format = "channels_last";
  std::string interpolation = "nearest";  ///< in two dimensions also "bilinear", "bicubic", "lanczos3", "lanczos5"
  std::string name = {};
};

/// Each axis in space size[i] times as long: elements repeated, or (in two dimensions) interpolated.
template <int N>
struct UpSampling {
  explicit UpSampling(std::vector<std::int64_t> size = std::vector<std::int64_t>(N, 2), UpSamplingOptions options = {});
  explicit UpSampling(std::int64_t size, UpSamplingOptions options = {})
      : UpSampling(std::vector<std::int64_t>(N, size), std::move(options)) {}
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  static std::string_view kind_name();
  Config get_config() const;
  static UpSampling from_config(const Config& config);
  void check() const;

  std::vector<std::int64_t> size;
  std::string data_format, interpolation, name;
};
using UpSampling1D = UpSampling<1>;
using UpSampling2D = UpSampling<2>;
using UpSampling3D = UpSampling<3>;

/// x resized along one axis: "nearest", "bilinear", "bicubic" (Keys 1981, a = -1/2), "lanczos3" or "lanczos5", with
/// pixels' centres at halves and weights that sum to 1; with antialias, shrinking takes in all it passes over. Throws
/// ValueError for another word.
Tensor resize_axis(const Tensor& x, int axis, std::int64_t length, std::string_view interpolation,
                   bool antialias = false);

}  // namespace xgrad
