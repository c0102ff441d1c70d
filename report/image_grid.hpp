#pragma once
/// Many small pictures as a large one.

#include <xgrad/graph/tensor.hpp>

#include <utility>

namespace xgrad::report {

/// As torchvision's make_grid; `scale` comes on top.
struct ImageGridOptions {
  std::int64_t columns = 8;  ///< pictures in a row
  std::int64_t padding = 2;  ///< pixels between pictures and around them
  bool normalize = false;    ///< map the range of values to 0 ... 1 (the result is floating)
  std::pair<double, double> value_range = {0, 0};  ///< for `normalize`: what is outside is cut off; (0, 0): min and max
  bool scale_each = false;   ///< for `normalize`: each picture by its own min and max
  double pad_value = 0;      ///< colour of the padding, in the pictures' numbers (after `normalize`)
  std::int64_t scale = 1;    ///< every pixel becomes a square of this side
};

/// The pictures (n, height, width) or (n, height, width, channels) row by row in a grid: (height, width) or (height,
/// width, channels), with the pictures' dtype. A value that does not change becomes 0 under `normalize`. Throws
/// ShapeError for other ranks and for no pictures, ValueError for options that are no numbers of pixels.
Tensor image_grid(const Tensor& images, const ImageGridOptions& options = {});

}  // namespace xgrad::report
