#include <xgrad/report/image_grid.hpp>

#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad::report {

namespace {

Tensor normalized(const Tensor& images, const ImageGridOptions& o) {
  const Tensor x = is_floating(images.dtype()) ? images : cast(images, float32);
  const auto [least, most] = o.value_range;
  if (least != 0 || most != 0) return clip((x - least) / (most - least), 0, 1);
  const Axes axes = o.scale_each ? Axes{1, 2, 3} : Axes{};
  const Tensor low = min(x, axes, true), range = max(x, axes, true) - low;
  return (x - low) / where(equal(range, 0), 1, range);
}

void check(const Tensor& images, const ImageGridOptions& o) {
  if ((images.rank() != 3 && images.rank() != 4) || images.size() == 0)
    throw ShapeError("[image_grid] expected pictures (n, height, width) or (n, height, width, channels), got " +
                     to_string(images.shape()));
  const auto refuse = [](const char* what, const std::string& got) {
    throw ValueError(std::string("[image_grid] expected ") + what + ", got " + got);
  };
  if (o.columns < 1) refuse("at least 1 column", std::to_string(o.columns));
  if (o.padding < 0) refuse("padding of at least 0 pixels", std::to_string(o.padding));
  if (o.scale < 1) refuse("a scale of at least 1", std::to_string(o.scale));
  const auto [least, most] = o.value_range;
  if (!(least < most) && (least != 0 || most != 0))
    refuse("a value_range from low to high", number_text(least) + " to " + number_text(most));
}

}  // namespace

Tensor image_grid(const Tensor& images, const ImageGridOptions& options) {
  check(images, options);
  const bool flat = images.rank() == 3;
  Tensor x = flat ? expand_dims(images, 3) : images;
  if (options.normalize) x = normalized(x, options);
  const std::int64_t n = x.dim(0), columns = std::min(options.columns, n), rows = (n + columns - 1) / columns;
  const std::int64_t p = options.padding;
  if (options.scale > 1) x = repeat(repeat(x, options.scale, 1), options.scale, 2);
  // Each picture brings the padding behind it; that before the first ones comes at the end.
  x = pad(x, {{0, rows * columns - n}, {0, p}, {0, p}, {0, 0}}, "constant", options.pad_value);
  const std::int64_t height = x.dim(1), width = x.dim(2), channels = x.dim(3);
  x = transpose(reshape(x, {rows, columns, height, width, channels}), {0, 2, 1, 3, 4});
  x = reshape(x, {rows * height, columns * width, channels});
  x = pad(x, {{p, 0}, {p, 0}, {0, 0}}, "constant", options.pad_value);
  return flat ? squeeze(x, 2) : x;
}

}  // namespace xgrad::report
