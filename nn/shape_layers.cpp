#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/fields.hpp>
#include <xgrad/nn/shape_layers.hpp>

namespace xgrad {

namespace {

Shape with_batch(const Shape& shape, std::int64_t batch) {
  Shape out;
  out.append(batch);
  for (const std::int64_t n : shape) out.append(n);
  return out;
}

}  // namespace

// A batch of 2 stands for any: one of 1 would broadcast, and be squeezed away.
Input::Input(Shape shape, InputOptions options)
    : shape(shape),
      dtype(options.dtype),
      name(std::move(options.name)),
      batch_size(options.batch_size),
      symbol(symbolic_input(with_batch(shape, batch_size > 0 ? batch_size : 2), dtype.value_or(float32), name)) {
  if (batch_size < 0) throw ValueError("[Input] expected a batch_size of 0 or more, got " + std::to_string(batch_size));
}

Tensor Input::operator()(const Tensor& x) const {
  Call call;
  return (*this)(x, call);
}

Tensor Input::operator()(const Tensor& x, Call&) const {
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

Tensor Flatten::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  if (x.rank() == 0) throw ShapeError("[Flatten] expected x with a batch axis, got a scalar");
  std::int64_t features = 1;
  for (int i = 1; i < x.rank(); ++i) features *= x.dim(i);
  // The batch is left open where it can be, so that another batch size can be recorded.
  return reshape(x, {features == 0 ? x.dim(0) : -1, features});
}

Rescaling::Rescaling(double scale, RescalingOptions options)
    : scale(scale), offset(options.offset), shape(options.input_shape), name(std::move(options.name)) {}

Tensor Rescaling::operator()(const Tensor& x, Call&) const {
  const Tensor y = (is_floating(x.dtype()) ? x : cast(x, float32)) * scale;
  return offset == 0 ? y : y + offset;
}

Config Input::get_config() const {
  Shape length = shape;
  InputOptions o{batch_size, dtype, name};
  return written([&](Fields& f) {
    f("shape", length);
    f("batch_size", o.batch_size);
    f("dtype", o.dtype);
    f("name", o.name);
  });
}

Input Input::from_config(const Config& config) {
  Shape length;
  InputOptions o;
  read_config("Input", config, [&](Fields& f) {
    f("shape", length);
    f("batch_size", o.batch_size);
    f("dtype", o.dtype);
    f("name", o.name);
  });
  return Input(length, std::move(o));
}

Config Flatten::get_config() const {
  FlattenOptions o{shape, name};
  return written([&](Fields& f) {
    f("input_shape", o.input_shape);
    f("name", o.name);
  });
}

Flatten Flatten::from_config(const Config& config) {
  FlattenOptions o;
  read_config("Flatten", config, [&](Fields& f) {
    f("input_shape", o.input_shape);
    f("name", o.name);
  });
  return Flatten(std::move(o));
}

Config Rescaling::get_config() const {
  double factor = scale;
  RescalingOptions o{offset, shape, name};
  return written([&](Fields& f) {
    f("scale", factor);
    f("offset", o.offset);
    f("input_shape", o.input_shape);
    f("name", o.name);
  });
}

Rescaling Rescaling::from_config(const Config& config) {
  double factor = 1;
  RescalingOptions o;
  read_config("Rescaling", config, [&](Fields& f) {
    f("scale", factor);
    f("offset", o.offset);
    f("input_shape", o.input_shape);
    f("name", o.name);
  });
  return Rescaling(factor, std::move(o));
}

}  // namespace xgrad
