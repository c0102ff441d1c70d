#pragma once
/// Layers without weights: Input, Flatten, Rescaling.

#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct InputOptions {
  std::int64_t batch_size = 0;      ///< of the symbolic tensor, for operations that look at it; 0: any, shown as 2
  std::optional<DType> dtype = {};  ///< what x is converted to; as it is by default
  std::string name = {};
};

/// Says what a model takes: the shape of one input, without the batch. Being first in a Sequential, it builds the
/// layers after it at once (in float32 unless a floating dtype is given). As a Tensor it is the symbolic input of a
/// functional model, on which layers and operations are called:
///
///     Tensor x = Input({28, 28});
///     Model model(x, Dense(10)(Flatten()(x)));
struct Input {
  explicit Input(Shape shape, InputOptions options = {});
  /// x, or x in the dtype asked for. Throws ShapeError unless x is (batch, ...shape).
  Tensor operator()(const Tensor& x) const;
  Tensor operator()(const Tensor& x, Call& call) const;
  operator Tensor() const { return symbol; }
  const Shape& input_shape() const { return shape; }
  Config get_config() const;
  static Input from_config(const Config& config);

  Shape shape;
  std::optional<DType> dtype;
  std::string name;
  std::int64_t batch_size;
  Tensor symbol;
};

struct FlattenOptions {
  Shape input_shape = {};
  std::string name = {};
};

/// (batch, a, b, ...) -> (batch, a * b * ...); (batch,) -> (batch, 1).
struct Flatten {
  explicit Flatten(FlattenOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Flatten from_config(const Config& config);
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
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static Rescaling from_config(const Config& config);
  const Shape& input_shape() const { return shape; }

  double scale, offset;
  Shape shape;
  std::string name;
};

}  // namespace xgrad
