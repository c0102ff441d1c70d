#pragma once
/// Layers without weights: Input, Flatten, Rescaling.

#include <xgrad/nn/call.hpp>

#include <optional>

namespace xgrad {

struct InputOptions {
  std::optional<DType> dtype = {};  ///< what x is converted to; as it is by default
  std::string name = {};
};

/// Says what a model takes: the shape of one input, without the batch. Being first in a Sequential, it builds the
/// layers after it at once (in float32 unless a floating dtype is given).
struct Input {
  explicit Input(Shape shape, InputOptions options = {});
  /// x, or x in the dtype asked for. Throws ShapeError unless x is (batch, ...shape).
  Tensor operator()(const Tensor& x) const;
  const Shape& input_shape() const { return shape; }

  Shape shape;
  std::optional<DType> dtype;
  std::string name;
};

struct FlattenOptions {
  Shape input_shape = {};
  std::string name = {};
};

/// (batch, a, b, ...) -> (batch, a * b * ...); (batch,) -> (batch, 1).
struct Flatten {
  explicit Flatten(FlattenOptions options = {});
  Tensor operator()(const Tensor& x) const;
  const Shape& input_shape() const { return shape; }

  Shape shape;
  std::string name;
};

struct RescalingOptions {
  double offset = 0;
  Shape input_shape = {};
  std::string name = {};
};

/// x * scale + offset; integers become float32: Rescaling(1.0 / 255) turns bytes into numbers from 0 to 1.
struct Rescaling {
  explicit Rescaling(double scale, RescalingOptions options = {});
  Tensor operator()(const Tensor& x) const;
  const Shape& input_shape() const { return shape; }

  double scale, offset;
  Shape shape;
  std::string name;
};

}  // namespace xgrad
