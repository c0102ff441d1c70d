#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/shape_layers.hpp>

namespace xgrad {

Input::Input(Shape shape, InputOptions options)
    : shape(shape), dtype(options.dtype), name(std::move(options.name)) {}

Tensor Input::operator()(const Tensor& x) const {
  bool fits = x.rank() == shape.rank() + 1;
  for (int i = 0; fits && i < shape.rank(); ++i) fits = shape[i] == x.dim(i + 1);
  if (!fits) {
    std::string expected = "(batch";
    for (const std::int64_t n : shape) expected += ", " + std::to_string(n);
    throw ShapeError("[Input" + (name.empty() ? std::string() : " '" + name + "'") + "] expected x of shape " +
                     expected + "), got " + to_string(x.shape()));
  }
  return dtype ? cast(x, *dtype) : x;
}

Flatten::Flatten(FlattenOptions options) : shape(options.input_shape), name(std::move(options.name)) {}

Tensor Flatten::operator()(const Tensor& x) const {
  if (x.rank() == 0) throw ShapeError("[Flatten] expected x with a batch axis, got a scalar");
  std::int64_t features = 1;
  for (int i = 1; i < x.rank(); ++i) features *= x.dim(i);
  // The batch is left open where it can be, so that another batch size can be recorded.
  return reshape(x, {features == 0 ? x.dim(0) : -1, features});
}

Rescaling::Rescaling(double scale, RescalingOptions options)
    : scale(scale), offset(options.offset), shape(options.input_shape), name(std::move(options.name)) {}

Tensor Rescaling::operator()(const Tensor& x) const {
  const Tensor y = (is_floating(x.dtype()) ? x : cast(x, float32)) * scale;
  return offset == 0 ? y : y + offset;
}

}  // namespace xgrad
