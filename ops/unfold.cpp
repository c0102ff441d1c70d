#include <xgrad/graph/op.hpp>
#include <xgrad/ops/convolution.hpp>
#include <xgrad/ops/convolution_parts.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

/// Zeros of both sides alike, for two axes.
ConvPadding both_sides(const std::vector<std::int64_t>& padding) {
  return ConvPadding(std::vector<Padding>{{padding[0], padding[0]}, {padding[1], padding[1]}});
}

struct Patches {
  std::vector<std::int64_t> kernel, dilation, padding, stride;
};
Patches patches_of(const char* name, const EachAxis& kernel, const UnfoldOptions& o, const Location& where) {
  return {.kernel = kernel.of(2, name, "kernel_size", 1, where),
          .dilation = o.dilation.of(2, name, "dilation", 1, where),
          .padding = o.padding.of(2, name, "padding", 0, where),
          .stride = o.stride.of(2, name, "stride", 1, where)};
}

/// (rows, columns, channels, taps): tap t of a window alone is its t-th result.
Tensor one_tap_each(const Patches& p, std::int64_t channels, DType dtype) {
  const std::int64_t taps = p.kernel[0] * p.kernel[1];
  const Tensor single = reshape(eye(taps, taps, 0, {.dtype = dtype}), {p.kernel[0], p.kernel[1], 1, taps});
  return broadcast_to(single, {p.kernel[0], p.kernel[1], channels, taps});
}

void check_images(const char* name, const Tensor& x, int rank, const Location& where) {
  if (x.rank() != rank || x.size() == 0)
    throw ShapeError(std::string("[") + name + "] expected x with " + std::to_string(rank) +
                     " axes that is not empty, got " + to_string(x.shape()) + place(where));
}

/// How often the block fits, or an error.
std::int64_t blocks_in(const char* name, std::int64_t length, std::int64_t block, const Tensor& x,
                       const Location& where) {
  if (block < 1 || length % block != 0)
    throw ShapeError(std::string("[") + name + "] expected lengths that the block size divides, got blocks of " +
                     std::to_string(block) + " for a length of " + std::to_string(length) + " in " +
                     to_string(x.shape()) + place(where));
  return length / block;
}

}  // namespace

Tensor unfold(const Arg& given, const EachAxis& kernel_size, const UnfoldOptions& options) {
  const Within here("unfold", given);
  const Tensor x = real(given);
  check_images("unfold", x, 4, given.where());
  const Patches p = patches_of("unfold", kernel_size, options, given.where());
  const Tensor all = depthwise_conv(x, one_tap_each(p, x.dim(1), x.dtype()),
                                    {.strides = EachAxis(p.stride),
                                     .padding = both_sides(p.padding),
                                     .data_format = "channels_first",
                                     .dilation_rate = EachAxis(p.dilation)});
  return reshape(all, {-1, all.dim(1), all.dim(2) * all.dim(3)});
}

Tensor fold(const Arg& given, const EachAxis& output_size, const EachAxis& kernel_size, const UnfoldOptions& options) {
  const Within here("fold", given);
  const Tensor x = real(given);
  check_images("fold", x, 3, given.where());
  const Patches p = patches_of("fold", kernel_size, options, given.where());
  const std::vector<std::int64_t> size = output_size.of(2, "fold", "output_size", 1, given.where());
  const std::int64_t taps = p.kernel[0] * p.kernel[1];
  std::int64_t places[2], more[2];
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t reach = (p.kernel[i] - 1) * p.dilation[i] + 1, room = size[i] + 2 * p.padding[i] - reach;
    places[i] = room < 0 ? 0 : room / p.stride[i] + 1;
    more[i] = room < 0 ? 0 : room % p.stride[i];
  }
  if (x.dim(1) % taps != 0 || x.dim(2) != places[0] * places[1])
    throw ShapeError("[fold] expected x (batch, channels * " + std::to_string(taps) + ", " +
                     std::to_string(places[0]) + " * " + std::to_string(places[1]) + "), got " + to_string(x.shape()) +
                     place(given.where()));
  const std::int64_t channels = x.dim(1) / taps;
  const Tensor kernel = merge_axes(one_tap_each(p, channels, x.dtype()), -1, 2);
  return conv_transpose(reshape(x, {-1, x.dim(1), places[0], places[1]}), expand_dims(kernel, -2),
                        {.strides = EachAxis(p.stride),
                         .padding = both_sides(p.padding),
                         .output_padding = EachAxis({more[0], more[1]}),
                         .data_format = "channels_first",
                         .dilation_rate = EachAxis(p.dilation),
                         .groups = channels});
}

Tensor space_to_depth(const Arg& given, std::int64_t block_size, std::string_view data_format) {
  const Within here("space_to_depth", given);
  const Tensor x = given.tensor();
  const bool first = channels_first("space_to_depth", data_format, given.where());
  check_images("space_to_depth", x, 4, given.where());
  const int rows = first ? 2 : 1;
  const std::int64_t high = blocks_in("space_to_depth", x.dim(rows), block_size, x, given.where());
  const std::int64_t wide = blocks_in("space_to_depth", x.dim(rows + 1), block_size, x, given.where());
  if (first) {
    const Tensor apart = reshape(x, {-1, x.dim(1), high, block_size, wide, block_size});
    return reshape(transpose(apart, {0, 1, 3, 5, 2, 4}), {-1, x.dim(1) * block_size * block_size, high, wide});
  }
  const Tensor apart = reshape(x, {-1, high, block_size, wide, block_size, x.dim(3)});
  return reshape(transpose(apart, {0, 1, 3, 2, 4, 5}), {-1, high, wide, x.dim(3) * block_size * block_size});
}

Tensor depth_to_space(const Arg& given, std::int64_t block_size, std::string_view data_format) {
  const Within here("depth_to_space", given);
  const Tensor x = given.tensor();
  const bool first = channels_first("depth_to_space", data_format, given.where());
  check_images("depth_to_space", x, 4, given.where());
  const std::int64_t block = block_size < 1 || block_size > 65535 ? 0 : block_size * block_size;
  const std::int64_t channels = blocks_in("depth_to_space", x.dim(first ? 1 : 3), block, x, given.where());
  if (first) {
    const Tensor apart = reshape(x, {-1, channels, block_size, block_size, x.dim(2), x.dim(3)});
    return reshape(transpose(apart, {0, 1, 4, 2, 5, 3}), {-1, channels, x.dim(2) * block_size, x.dim(3) * block_size});
  }
  const Tensor apart = reshape(x, {-1, x.dim(1), x.dim(2), block_size, block_size, channels});
  return reshape(transpose(apart, {0, 1, 3, 2, 4, 5}), {-1, x.dim(1) * block_size, x.dim(2) * block_size, channels});
}

Rows unfold_rows() {
  using In = std::span<const Tensor>;
  static const char* const images_alone = "x has a fixed number of axes and may not be empty";
  static const std::vector<Row> rows = {
      {.name = "unfold",
       .call = [](In in) { return unfold(in[0], {2, 3}, {.dilation = {1, 2}, .padding = {0, 1}, .stride = {1, 2}}); },
       .samples = {{{{.shape = {2, 2, 3, 5}}}},
                   {{{.shape = {2, 1, 3, 4}, .broadcast = true}}},
                   {{{.shape = {5, 4, 2, 3}, .strided = true}}}},
       .special = {{[] { return unfold(reshape(doubles({1, 2, 3, 4}), {1, 1, 2, 2}), {1, 2}); }, {1, 3, 2, 4}}},
       .errors = {{[] { return unfold(zeros({2, 3, 3}), 2); }, "[unfold] expected x with 4 axes"},
                  {[] { return unfold(zeros({1, 1, 2, 2}), 3); }, "as long as the kernel's reach of 3"},
                  {[] { return unfold(zeros({1, 1, 2, 2}), 1, {.stride = 0}); }, "expected stride from 1"}},
       .fewer_samples = images_alone},
      {.name = "fold",
       .call = [](In in) { return fold(in[0], {3, 6}, 2, {.padding = {0, 1}, .stride = {1, 2}}); },
       .samples = {{{{.shape = {2, 8, 8}}}}, {{{.shape = {2, 4, 8}, .broadcast = true}}},
                   {{{.shape = {2, 4, 8}, .strided = true}}}},
       .special = {{[] { return fold(ones({1, 4, 1}), 2, 2); }, {1, 1, 1, 1}}},
       .errors = {{[] { return fold(zeros({1, 4, 2}), 2, 2); }, "[fold] expected x (batch, channels * 4, 1 * 1)"},
                  {[] { return fold(zeros({4, 2}), 2, 2); }, "expected x with 3 axes"}},
       .fewer_samples = images_alone},
      {.name = "space_to_depth",
       .call = [](In in) { return space_to_depth(in[0], 2); },
       .samples = {{{{.shape = {2, 4, 2, 3}}}}, {{{.shape = {2, 4, 2, 1}, .broadcast = true}}},
                   {{{.shape = {3, 2, 4, 2}, .strided = true}}}},
       .special = {{[] { return space_to_depth(reshape(ints({1, 2, 3, 4}), {1, 2, 2, 1}), 2); }, {1, 2, 3, 4}}},
       .errors = {{[] { return space_to_depth(zeros({1, 3, 4, 1}), 2); }, "lengths that the block size divides"},
                  {[] { return space_to_depth(zeros({1, 4, 4, 1}), 0); }, "lengths that the block size divides"}},
       .fewer_samples = images_alone},
      {.name = "depth_to_space",
       .call = [](In in) { return depth_to_space(in[0], 2); },
       .samples = {{{{.shape = {2, 2, 1, 8}}}}, {{{.shape = {2, 2, 1, 4}, .broadcast = true}}},
                   {{{.shape = {2, 2, 1, 4}, .strided = true}}}},
       .special = {{[] { return depth_to_space(reshape(ints({1, 2, 3, 4}), {1, 1, 1, 4}), 2); }, {1, 2, 3, 4}}},
       .errors = {{[] { return depth_to_space(zeros({1, 3, 4, 2}), 2); }, "lengths that the block size divides"},
                  {[] { return depth_to_space(zeros({1, 4, 4, 1}), 0); }, "lengths that the block size divides"}},
       .fewer_samples = images_alone},
  };
  return rows;
}

}  // namespace xgrad
