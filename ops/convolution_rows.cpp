#include <xgrad/ops/convolution.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

Tensor images(const Shape& shape) { return zeros(shape, {.dtype = float64}); }

Sample pair(const Shape& x, const Shape& kernel, bool strided = false, bool broadcast = false) {
  return {{{.shape = x, .strided = strided, .broadcast = broadcast}, {.shape = kernel, .low = -1, .high = 1.5}}};
}

const char* const no_scalars = "x has a batch, axes in space and channels";

}  // namespace

Rows convolution_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan("");
  static const std::vector<Row> rows = {
      {.name = "conv",
       .call =
           [](In in) {
             const Tensor& x = in[0];
             if (x.rank() == 3 && x.size() > 0)
               return conv(x, in[1], {.padding = "causal"}) + conv(x, in[1], {.padding = {{1, 1}}});
             if (x.rank() == 5) return conv(x, in[1], {.strides = {2, 1, 1}, .padding = "same"});
             if (in[1].dim(-2) < x.dim(-1)) return conv(x, in[1], {.strides = 2, .padding = {{1, 0}, {0, 2}}});
             if (x.size() == 0) return conv(x, in[1]);
             return conv(x, in[1], {.padding = "same", .dilation_rate = {1, 2}}) +
                    conv(x, in[1], {.padding = {{1, 1}, {2, 2}}, .dilation_rate = {1, 2}});
           },
       .samples = {pair({2, 4, 3, 2}, {3, 3, 2, 2}), pair({2, 4, 3, 4}, {2, 2, 2, 6}), pair({2, 5, 2}, {3, 2, 3}),
                   pair({1, 3, 2, 3, 1}, {2, 2, 2, 1, 2}), pair({0, 4, 3}, {2, 3, 2}), pair({1, 4, 3, 0}, {2, 2, 0, 2}),
                   pair({3, 2, 3, 2}, {3, 3, 2, 1}, true), pair({2, 4, 3, 2}, {3, 3, 2, 2}, false, true)},
       .special = {{[] { return conv(reshape(doubles({1, 2, 3}), {1, 3, 1}), reshape(doubles({1, 10}), {2, 1, 1})); },
                    {21, 32}},
                   {[] {
                      return conv(reshape(ints({1, 2, 3}), {1, 1, 3}), reshape(ints({1, 10}), {2, 1, 1}),
                                  {.data_format = "channels_first"});
                    },
                    {21, 32}}},
       .errors = {{[] { return conv(images({2, 3}), images({1, 1})); },
                   "[conv] expected x with 1, 2 or 3 axes in space"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 1, 1})); }, "expected a kernel with 4 axes"},
                  {[] { return conv(images({2, 3, 3, 3}), images({3, 3, 2, 1})); }, "for 3 channels, got (3, 3, 2, 1)"},
                  {[] { return conv(images({2, 3, 3, 4}), images({3, 3, 2, 3})); }, "for 4 channels, got (3, 3, 2, 3)"},
                  {[] { return conv(images({2, 3, 3, 1}), images({4, 3, 1, 1})); },
                   "as long as the kernel's reach of 4"},
                  {[] { return conv(images({2, 3, 3, 1}), images({0, 3, 1, 1})); }, "1 tap or more"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 3, 1, 1}), {.strides = 0}); },
                   "[conv] expected strides from 1"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 3, 1, 1}), {.dilation_rate = {1, 1, 1}}); },
                   "one for each of 2 axes in space, got 3"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 3, 1, 1}), {.padding = "full"}); },
                   "expected the padding valid, same, causal or numbers, got full"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 3, 1, 1}), {.padding = "causal"}); },
                   "causal with one axis"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 3, 1, 1}), {.padding = {{-1, 0}, {0, 0}}}); },
                   "expected paddings from 0"},
                  {[] { return conv(images({2, 3, 3, 1}), images({3, 3, 1, 1}), {.data_format = "NHWC"}); },
                   "channels_last or channels_first, got NHWC"}},
       .fewer_samples = no_scalars},
      {.name = "conv_transpose",
       .call =
           [](In in) {
             const Tensor& x = in[0];
             if (x.rank() == 3)
               return conv_transpose(x, in[1], {.strides = 2, .output_padding = 1});
             if (x.rank() == 5) return conv_transpose(x, in[1], {.strides = {1, 2, 1}, .padding = "same"});
             if (x.dim(-1) == 4)
               return conv_transpose(x, in[1], {.strides = 2, .padding = {{1, 0}, {0, 1}}, .groups = 2});
             return conv_transpose(x, in[1], {.padding = "same", .dilation_rate = {1, 2}}) * 2;
           },
       .samples = {pair({2, 3, 2, 2}, {3, 3, 2, 2}), pair({2, 2, 3, 4}, {2, 2, 1, 4}), pair({2, 3, 2}, {3, 3, 2}),
                   pair({1, 2, 2, 2, 1}, {2, 2, 2, 2, 1}), pair({0, 4, 3}, {2, 2, 3}),
                   pair({3, 2, 3, 2}, {3, 3, 2, 2}, true), pair({2, 3, 2, 2}, {3, 3, 2, 2}, false, true)},
       .special = {{[] {
                      return conv_transpose(reshape(doubles({1, 2}), {1, 2, 1}), reshape(doubles({1, 10}), {2, 1, 1}),
                                            {.strides = 2});
                    },
                    {1, 10, 2, 20}}},
       .errors = {{[] { return conv_transpose(images({2, 3}), images({1, 1})); }, "axes in space"},
                  {[] { return conv_transpose(images({1, 3, 1}), images({2, 1, 2})); },
                   "[conv_transpose] expected a kernel (..., out_channels / groups, in_channels) for 1 channels"},
                  {[] { return conv_transpose(images({1, 3, 1}), images({2, 1, 1}), {.padding = "causal"}); },
                   "valid, same or numbers, got causal"},
                  {[] { return conv_transpose(images({1, 3, 1}), images({2, 1, 1}), {.padding = {{2, 2}}}); },
                   "expected something to be left of axis 1"},
                  {[] { return conv_transpose(images({1, 3, 1}), images({2, 1, 1}), {.output_padding = -1}); },
                   "expected output_padding from 0"},
                  {[] { return conv_transpose(images({1, 3, 1}), images({2, 1, 1}), {.groups = 0}); },
                   "expected 1 group or more"}},
       .fewer_samples = no_scalars},
      {.name = "depthwise_conv",
       .call =
           [](In in) {
             return depthwise_conv(in[0], in[1], {.strides = in[0].rank() == 3 ? 2 : 1, .padding = "same"});
           },
       .samples = {pair({2, 3, 3, 2}, {2, 3, 2, 1}), pair({1, 3, 2, 2}, {2, 2, 2, 2}), pair({2, 4, 1}, {3, 1, 2}),
                   pair({0, 3, 2}, {2, 2, 1}), pair({3, 2, 3, 2}, {2, 2, 2, 1}, true),
                   pair({2, 3, 3, 2}, {2, 3, 2, 1}, false, true)},
       .special = {{[] {
                      return depthwise_conv(reshape(doubles({1, 2, 3, 4}), {1, 2, 2}),
                                            reshape(doubles({1, 10, 100, 1000}), {1, 2, 2}));
                    },
                    {1, 10, 200, 2000, 3, 30, 400, 4000}}},
       .errors = {{[] { return depthwise_conv(images({1, 3, 2}), images({2, 3, 1})); },
                   "expected a depthwise kernel (..., in_channels, multiplier) for 2 channels, got (2, 3, 1)"},
                  {[] { return depthwise_conv(images({1, 3, 2}), images({2, 2})); }, "a kernel with 3 axes"}},
       .fewer_samples = no_scalars},
      {.name = "separable_conv",
       .call = [](In in) { return separable_conv(in[0], in[1], in[2], {.padding = "same"}); },
       .samples = {{{{.shape = {1, 3, 2, 2}}, {.shape = {2, 2, 2, 1}}, {.shape = {1, 1, 2, 2}}}},
                   {{{.shape = {2, 3, 2}}, {.shape = {2, 2, 2}}, {.shape = {1, 4, 1}}}},
                   {{{.shape = {0, 3, 2}}, {.shape = {2, 2, 2}}, {.shape = {1, 4, 1}}}},
                   {{{.shape = {3, 2, 2}, .strided = true}, {.shape = {2, 2, 1}}, {.shape = {1, 2, 1}}}},
                   {{{.shape = {2, 3, 2}, .broadcast = true}, {.shape = {2, 2, 1}}, {.shape = {1, 2, 1}}}}},
       .errors = {{[] { return separable_conv(images({1, 3, 2}), images({2, 2, 1}), images({2, 2, 1})); },
                   "a pointwise kernel of 1 tap an axis"}},
       .fewer_samples = no_scalars},
      {.name = "max_pool",
       .call =
           [](In in) {
             if (in[0].rank() == 4) return max_pool(in[0], 2, {.strides = 1, .padding = "same"});
             return max_pool(in[0], 2);
           },
       .samples = {{{{.shape = {2, 3, 4, 2}}}},
                   {{{.shape = {2, 5, 2}}}},
                   {{{.shape = {1, 2, 2, 4, 1}}}},
                   {{{.shape = {0, 4, 2}}}},
                   {{{.shape = {2, 4, 2}, .broadcast = true}}},
                   {{{.shape = {4, 3, 4, 2}, .strided = true}}}},
       .special = {{[] { return max_pool(reshape(doubles({1, nan, 2, 3, -1, -2, 5}), {1, 7, 1}), 2); }, {nan, 3, -1}},
                   {[] {
                      return max_pool(reshape(doubles({-1, -2, -3}), {1, 3, 1}), 2, {.strides = 1, .padding = "same"});
                    },
                    {-1, -2, -3}}},
       .errors = {{[] { return max_pool(images({1, 3, 1}), 4); }, "[max_pool] expected axis 1 to be as long as"},
                  {[] { return max_pool(images({1, 3, 1}), {2, 2}); }, "one for each of 1 axes in space, got 2"},
                  {[] { return max_pool(images({1, 3, 1}), 2, {.strides = 0}); }, "expected strides from 1"},
                  {[] { return max_pool(images({3, 1}), 1); }, "axes in space"}},
       .fewer_samples = no_scalars},
      {.name = "average_pool",
       .call =
           [](In in) {
             if (in[0].rank() == 4) return average_pool(in[0], {3, 2}, {.strides = 1, .padding = "same"});
             return average_pool(in[0], 2);
           },
       .samples = {{{{.shape = {2, 3, 4, 2}}}},
                   {{{.shape = {2, 5, 1}}}},
                   {{{.shape = {1, 2, 2, 4, 2}}}},
                   {{{.shape = {0, 4, 2}}}},
                   {{{.shape = {2, 4, 2}, .broadcast = true}}},
                   {{{.shape = {4, 3, 4, 2}, .strided = true}}}},
       .special = {{[] {
                      return average_pool(reshape(doubles({1, 2, 3}), {1, 3, 1}), 2, {.strides = 1, .padding = "same"});
                    },
                    {1.5, 2.5, 3}}},
       .errors = {{[] { return average_pool(images({1, 3, 1}), 4); }, "as long as the kernel's reach of 4"},
                  {[] { return average_pool(images({1, 3, 1}), 0); }, "expected pool_size from 1"}},
       .fewer_samples = no_scalars},
      {.name = "adaptive_max_pool",
       .call = [](In in) { return adaptive_max_pool(in[0], 2); },
       .samples = {{{{.shape = {2, 5, 2}}}},
                   {{{.shape = {1, 3, 4, 1}}}},
                   {{{.shape = {0, 4, 2}}}},
                   {{{.shape = {2, 4, 2}, .broadcast = true}}},
                   {{{.shape = {4, 5, 2}, .strided = true}}}},
       .special = {{[] { return adaptive_max_pool(reshape(doubles({1, 5, 2, 3, 4}), {1, 1, 5}), 2, "channels_first"); },
                    {5, 4}}},
       .errors = {{[] { return adaptive_max_pool(images({1, 0, 1}), 1); }, "expected no empty axis"},
                  {[] { return adaptive_max_pool(images({1, 3, 1}), 0); }, "expected output_size from 1"}},
       .fewer_samples = no_scalars},
      {.name = "adaptive_average_pool",
       .call = [](In in) { return adaptive_average_pool(in[0], 2); },
       .samples = {{{{.shape = {2, 5, 2}}}},
                   {{{.shape = {1, 3, 4, 1}}}},
                   {{{.shape = {0, 4, 2}}}},
                   {{{.shape = {2, 4, 2}, .broadcast = true}}},
                   {{{.shape = {4, 5, 2}, .strided = true}}}},
       .special = {{[] { return adaptive_average_pool(reshape(doubles({1, 5, 3, 3, 4}), {1, 5, 1}), 3); },
                    {3, 11. / 3, 3.5}}},
       .errors = {{[] { return adaptive_average_pool(images({3, 1}), 1); }, "axes in space"}},
       .fewer_samples = no_scalars},
  };
  return rows;
}

}  // namespace xgrad
