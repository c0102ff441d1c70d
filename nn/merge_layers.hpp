#pragma once
/// Layers of several inputs: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct MergeOptions {
  std::string name = {};
};

/// What Add and its kin share: inputs of one shape, or that broadcast behind the batch; those with fewer axes get axes
/// of length 1 behind the batch. Steps count where the masks of all inputs say so.
struct Merge {
  enum class Kind : std::uint8_t { add, subtract, multiply, average, maximum, minimum };
  /// Throws ValueError for fewer than two inputs (Subtract: for another number), ShapeError where shapes do not fit.
  Tensor operator()(std::span<const Tensor> xs, Call& call) const;
  Tensor operator()(std::span<const Tensor> xs) const;
  Tensor operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  std::string_view kind_name() const;
  Config get_config() const;

  Kind kind;
  std::string name;
};

struct Add : Merge {
  explicit Add(MergeOptions options = {}) : Merge{Kind::add, std::move(options.name)} {}
  static Add from_config(const Config& config);
};
struct Subtract : Merge {
  explicit Subtract(MergeOptions options = {}) : Merge{Kind::subtract, std::move(options.name)} {}
  static Subtract from_config(const Config& config);
};
struct Multiply : Merge {
  explicit Multiply(MergeOptions options = {}) : Merge{Kind::multiply, std::move(options.name)} {}
  static Multiply from_config(const Config& config);
};
struct Average : Merge {
  explicit Average(MergeOptions options = {}) : Merge{Kind::average, std::move(options.name)} {}
  static Average from_config(const Config& config);
};
struct Maximum : Merge {
  explicit Maximum(MergeOptions options = {}) : Merge{Kind::maximum, std::move(options.name)} {}
  static Maximum from_config(const Config& config);
};
struct Minimum : Merge {
  explicit Minimum(MergeOptions options = {}) : Merge{Kind::minimum, std::move(options.name)} {}
  static Minimum from_config(const Config& config);
};

struct ConcatenateOptions {
  int axis = -1;
  std::string name = {};
};

/// The inputs joined along an axis; the others must agree (ShapeError).
struct Concatenate {
  explicit Concatenate(ConcatenateOptions options = {});
  Tensor operator()(std::span<const Tensor> xs, Call& call) const;
  Tensor operator()(std::span<const Tensor> xs) const { return call_alone(*this, xs); }
  Tensor operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  Config get_config() const;
  static Concatenate from_config(const Config& config);

  int axis;
  std::string name;
};

struct DotOptions {
  bool normalize = false;  ///< divide both by their norms along the axes first: the cosine
  std::string name = {};
};

/// The sum of products of two inputs along one axis of each: with axes {2, 1} of (batch, a, n) and (batch, n, b) the
/// products of matrices. The result has at least two axes.
struct Dot {
  explicit Dot(int axis, DotOptions options = {}) : Dot(std::pair(axis, axis), std::move(options)) {}
  explicit Dot(std::pair<int, int> axes, DotOptions options = {});
  Tensor operator()(std::span<const Tensor> xs, Call& call) const;
  Tensor operator()(std::span<const Tensor> xs) const { return call_alone(*this, xs); }
  Tensor operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  Config get_config() const;
  static Dot from_config(const Config& config);

  std::pair<int, int> axes;
  bool normalize;
  std::string name;
};

}  // namespace xgrad
