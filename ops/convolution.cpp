#include <xgrad/ops/convolution.hpp>

#include <xgrad/graph/leading.hpp>
#include <xgrad/ops/convolution_parts.hpp>
#include <xgrad/ops/shape_parts.hpp>

#include <climits>

namespace xgrad {
namespace {

using kernels::ConvolutionOf;

// Three operations, each linear in two of x, kernel and y: what one gives the others take, so the derivatives of each
// are the other two. Attribute a is the number of groups, attribute b how zeros are found, the list holds the windows.
// A third input lends its lengths in space, which do not follow from the other two.

Zeros zeros_of(std::int64_t attribute) { return static_cast<Zeros>(attribute); }

/// The shapes of x, kernel and y, of which one is a result.
kernels::Convolution sizes_of(const Shape& x, const Shape& w, const Shape& y, std::int64_t groups, Zeros zeros,
                              std::span<const std::int64_t> list, DType dtype) {
  const int n = x.rank() - 2;
  kernels::Convolution c{.type = dtype, .batch = x[0], .groups = groups, .in_channels = x[-1], .out_channels = y[-1]};
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(3 - n + i);
    c.in[at] = x[1 + i];
    c.taps[at] = w[i];
    c.out[at] = y[1 + i];
    const Window window = padded(window_at(list, i), zeros, c.in[at], c.taps[at]);
    c.stride[at] = window.stride;
    c.dilation[at] = window.dilation;
    c.before[at] = window.before;
  }
  return c;
}

/// The shapes of the three from what a step sees: `result` is the one that `out` is.
kernels::Convolution sizes_of(ConvolutionOf result, const Shape& a, const Shape& b, const Shape& out,
                              std::int64_t groups, std::int64_t zeros, std::span<const std::int64_t> list,
                              DType dtype) {
  switch (result) {
    case ConvolutionOf::y: return sizes_of(a, b, out, groups, zeros_of(zeros), list, dtype);
    case ConvolutionOf::x: return sizes_of(out, b, a, groups, zeros_of(zeros), list, dtype);
    default: return sizes_of(a, out, b, groups, zeros_of(zeros), list, dtype);
  }
}

template <ConvolutionOf result>
void run_convolution(const Launch& launch) {
  const View &a = launch.in[0], &b = launch.in[1], &out = launch.out;
  kernels::convolve(result,
                    sizes_of(result, a.shape, b.shape, out.shape, launch.attributes[0], launch.attributes[1],
                             launch.list, out.dtype),
                    a.data, b.data, out.data, launch.scratch);
}

template <ConvolutionOf result>
std::size_t scratch_of(const Applied& c) {
  const Tensor out = c.out();
  return kernels::convolve_scratch(result, sizes_of(result, c.in(0).shape(), c.in(1).shape(), out.shape(),
                                                    c.attribute(0), c.attribute(1), c.list(), out.dtype()));
}

void check_ranks(Recording& call) {
  const int n = call.shape(0).rank() - 2;
  if (n < 1 || n > 3 || call.shape(1).rank() != n + 2)
    call.shape_error("expected x and a kernel with 3, 4 or 5 axes each");
}

void check_lengths(Recording& call, const Shape& w) {
  // What a matrix of columns may have in each direction.
  std::int64_t columns = w[-1];
  for (const std::int64_t length : w)
    if (__builtin_mul_overflow(columns, std::max<std::int64_t>(1, length), &columns) || columns / w.rank() > INT_MAX)
      call.shape_error("expected a kernel of fewer elements");
}

void infer_y(Recording& call) {
  check_ranks(call);
  const Shape &x = call.shape(0), &w = call.shape(1);
  const std::int64_t groups = call.attribute(0);
  check_lengths(call, w);
  if (w[-2] * groups != x[-1] || w[-1] % groups != 0)
    call.shape_error("expected a kernel (..., in_channels / groups, out_channels) for " + std::to_string(x[-1]) +
                     " channels in " + std::to_string(groups) + (groups == 1 ? " group" : " groups"));
  Shape y{x[0]};
  for (int i = 0; i + 2 < x.rank(); ++i) {
    const Window window = padded(window_at(call.list(), i), zeros_of(call.attribute(1)), x[1 + i], w[i]);
    const std::int64_t places = places_of(window, x[1 + i], w[i]);
    if (places <= 0)
      call.shape_error("expected axis " + std::to_string(1 + i) + " of x to be as long as the kernel's reach of " +
                       std::to_string((w[i] - 1) * window.dilation + 1) + " with its zeros");
    y.append(places);
  }
  y.append(w[-1]);
  call.result(y, call.dtype(0));
}

/// x's lengths come from a third input, or are as long as the windows reach.
void infer_x(Recording& call) {
  check_ranks(call);
  const Shape &y = call.shape(0), &w = call.shape(1);
  const int n = y.rank() - 2;
  check_lengths(call, w);
  if (w[-1] != y[-1] || w[-1] % call.attribute(0) != 0)
    call.shape_error("expected a kernel (..., out_channels / groups, in_channels) for " + std::to_string(y[-1]) +
                     " channels in " + std::to_string(call.attribute(0)) +
                     (call.attribute(0) == 1 ? " group" : " groups"));
  Shape x{y[0]};
  for (int i = 0; i < n; ++i) {
    if (call.arity() > 2) {
      x.append(call.shape(2)[i - n - 1]);
      continue;
    }
    const Window window = window_at(call.list(), i);
    std::int64_t length = 0, reach = 0;
    if (__builtin_mul_overflow(y[1 + i] - 1, window.stride, &length) ||
        __builtin_mul_overflow(w[i] - 1, window.dilation, &reach) || __builtin_add_overflow(length, reach, &length) ||
        __builtin_sub_overflow(length + 1, window.before, &length) ||
        __builtin_sub_overflow(length, window.behind, &length))
      call.shape_error("expected a result whose elements can be counted");
    if (y[1 + i] == 0 || length <= 0)
      call.shape_error("expected something to be left of axis " + std::to_string(1 + i));
    x.append(length);
  }
  x.append(w[-2] * call.attribute(0));
  call.result(x, call.dtype(0));
}

void infer_w(Recording& call) {
  const Shape &x = call.shape(0), &y = call.shape(1), &like = call.shape(2);
  const int n = x.rank() - 2;
  Shape w;
  for (int i = 0; i < n; ++i) w.append(like[i - n - 2]);
  w.append(x[-1] / call.attribute(0));
  w.append(y[-1]);
  call.result(w, call.dtype(0));
}

Tensor lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count);

Tensor y_from(const Applied& c, const Tensor& x, const Tensor& w);
Tensor x_from(const Applied& c, const Tensor& y, const Tensor& w, const Tensor& like);
Tensor w_from(const Applied& c, const Tensor& x, const Tensor& y, const Tensor& like);

constexpr Op y_op{.name = "conv",
                  .promotion = Promotion::floating,
                  .infer = infer_y,
                  .rules = {[](const Applied& c, const Tensor& g) { return x_from(c, g, c.in(1), c.in(0)); },
                            [](const Applied& c, const Tensor& g) { return w_from(c, c.in(0), g, c.in(1)); }},
                  .linear = true,
                  .run = run_convolution<ConvolutionOf::y>,
                  .lead = lead,
                  .scratch = scratch_of<ConvolutionOf::y>};

constexpr Op x_op{.name = "conv_transpose",
                  .promotion = Promotion::floating,
                  .infer = infer_x,
                  .rules = {[](const Applied& c, const Tensor& g) { return y_from(c, g, c.in(1)); },
                            [](const Applied& c, const Tensor& g) { return w_from(c, g, c.in(0), c.in(1)); }},
                  .linear = true,
                  .shape_only = 4,
                  .run = run_convolution<ConvolutionOf::x>,
                  .lead = lead,
                  .scratch = scratch_of<ConvolutionOf::x>};

constexpr Op w_op{.name = "conv_kernel",
                  .promotion = Promotion::floating,
                  .infer = infer_w,
                  .rules = {[](const Applied& c, const Tensor& g) { return x_from(c, c.in(1), g, c.in(0)); },
                            [](const Applied& c, const Tensor& g) { return y_from(c, c.in(0), g); }},
                  .linear = true,
                  .shape_only = 4,
                  .run = run_convolution<ConvolutionOf::w>,
                  .lead = lead,
                  .scratch = scratch_of<ConvolutionOf::w>};

Attributes same_as(const Applied& c) { return {.a = c.attribute(0), .b = c.attribute(1), .list = c.list()}; }

Tensor y_from(const Applied& c, const Tensor& x, const Tensor& w) { return record(y_op, {x, w}, same_as(c)); }
Tensor x_from(const Applied& c, const Tensor& y, const Tensor& w, const Tensor& like) {
  return record(x_op, {y, w, like}, same_as(c));
}
Tensor w_from(const Applied& c, const Tensor& x, const Tensor& y, const Tensor& like) {
  return record(w_op, {x, y, like}, same_as(c));
}

/// Without a kernel that differs from place to place, places are a longer batch; with one they are more groups.
Tensor lead(const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count) {
  const bool of_kernel = &c.op() == &w_op;
  const Tensor like = repeat_leading(c.out(), count);
  std::vector<Tensor> inputs(in.begin(), in.end());
  if (!of_kernel && !leads[1]) {
    inputs[0] = merge_axes(in[0], 1 - in[0].rank(), 2);
    return reshape_like(c.again(inputs), like);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    const Tensor all = leads[k] ? in[k] : repeat_leading(in[k], count);
    inputs[k] = merge_axes(moveaxis(all, 0, -2), -1, 2);
  }
  std::vector<Arg> arguments(inputs.begin(), inputs.end());
  Attributes attributes = same_as(c);
  attributes.a *= count;
  const Tensor result = record(c.op(), arguments, attributes);
  return moveaxis(reshape_like(result, moveaxis(like, 0, -2)), -2, 0);
}

std::int64_t groups_of(const char* name, const Tensor& x, const Tensor& w, const Location& where) {
  const std::int64_t channels = x.dim(-1), each = w.dim(-2);
  if (channels == each) return 1;
  if (each > 0 && channels % each == 0 && w.dim(-1) % (channels / each) == 0) return channels / each;
  throw ShapeError(std::string("[") + name + "] expected a kernel (..., in_channels / groups, out_channels) for " +
                   std::to_string(channels) + " channels, got " + to_string(w.shape()) + place(where));
}

void check_kernel(const char* name, const Tensor& w, int n, const Location& where) {
  if (w.rank() != n + 2)
    throw ShapeError(std::string("[") + name + "] expected a kernel with " + std::to_string(n + 2) + " axes for " +
                     std::to_string(n) + " in space, got " + to_string(w.shape()) + place(where));
  for (int i = 0; i < n; ++i)
    if (w.dim(i) < 1)
      throw ShapeError(std::string("[") + name + "] expected a kernel of 1 tap or more along each axis in space, got " +
                       to_string(w.shape()) + place(where));
}

std::vector<std::int64_t> taps_of(const Tensor& w, int n) {
  return std::vector<std::int64_t>(w.shape().begin(), w.shape().begin() + n);
}

Tensor convolved(const char* name, const Tensor& x, const Tensor& w, std::int64_t groups, const ConvOptions& options,
                 const Location& where) {
  const int n = x.rank() - 2;
  const Windows windows =
      windows_of(name, n, taps_of(w, n), options.strides, options.dilation_rate, options.padding, where);
  return record(y_op, {Arg(x, where), w},
                {.a = groups, .b = static_cast<std::int64_t>(windows.zeros), .list = windows.list});
}

/// (...taps, in, multiplier) as (...taps, 1, in * multiplier).
Tensor depthwise_kernel_of(const char* name, const Tensor& w, std::int64_t channels, const Location& where) {
  if (w.dim(-2) != channels)
    throw ShapeError(std::string("[") + name + "] expected a depthwise kernel (..., in_channels, multiplier) for " +
                     std::to_string(channels) + " channels, got " + to_string(w.shape()) + place(where));
  return expand_dims(merge_axes(w, -1, 2), -2);
}

}  // namespace

Tensor conv(const Arg& x, const Arg& kernel, const ConvOptions& options) {
  const Within here("conv", x);
  const int n = axes_in_space("conv", x.tensor(), x.where());
  check_kernel("conv", kernel.tensor(), n, x.where());
  const bool first = channels_first("conv", options.data_format, x.where());
  const Tensor in = channels_to_end(x.tensor(), first), w = kernel.tensor();
  return channels_from_end(convolved("conv", in, w, groups_of("conv", in, w, x.where()), options, x.where()), first);
}

Tensor depthwise_conv(const Arg& x, const Arg& kernel, const ConvOptions& options) {
  const Within here("depthwise_conv", x);
  const int n = axes_in_space("depthwise_conv", x.tensor(), x.where());
  check_kernel("depthwise_conv", kernel.tensor(), n, x.where());
  const bool first = channels_first("depthwise_conv", options.data_format, x.where());
  const Tensor in = channels_to_end(x.tensor(), first);
  const Tensor w = depthwise_kernel_of("depthwise_conv", kernel.tensor(), in.dim(-1), x.where());
  return channels_from_end(convolved("depthwise_conv", in, w, std::max<std::int64_t>(1, in.dim(-1)), options,
                                     x.where()),
                           first);
}

Tensor separable_conv(const Arg& x, const Arg& depthwise_kernel, const Arg& pointwise_kernel,
                      const ConvOptions& options) {
  const Within here("separable_conv", x);
  const int n = axes_in_space("separable_conv", x.tensor(), x.where());
  check_kernel("separable_conv", depthwise_kernel.tensor(), n, x.where());
  check_kernel("separable_conv", pointwise_kernel.tensor(), n, x.where());
  for (const std::int64_t taps : taps_of(pointwise_kernel.tensor(), n))
    if (taps != 1)
      throw ShapeError("[separable_conv] expected a pointwise kernel of 1 tap an axis, got " +
                       to_string(pointwise_kernel.tensor().shape()) + place(x.where()));
  const bool first = channels_first("separable_conv", options.data_format, x.where());
  const Tensor in = channels_to_end(x.tensor(), first);
  const Tensor w = depthwise_kernel_of("separable_conv", depthwise_kernel.tensor(), in.dim(-1), x.where());
  const Tensor depthwise =
      convolved("separable_conv", in, w, std::max<std::int64_t>(1, in.dim(-1)), options, x.where());
  const Tensor p = pointwise_kernel.tensor();
  return channels_from_end(
      convolved("separable_conv", depthwise, p, groups_of("separable_conv", depthwise, p, x.where()), {}, x.where()),
      first);
}

Tensor conv_transpose(const Arg& x, const Arg& kernel, const ConvTransposeOptions& options) {
  const char* name = "conv_transpose";
  const Within here(name, x);
  const int n = axes_in_space(name, x.tensor(), x.where());
  const Tensor w = kernel.tensor();
  check_kernel(name, w, n, x.where());
  const bool first = channels_first(name, options.data_format, x.where());
  if (options.groups < 1)
    throw ValueError("[conv_transpose] expected 1 group or more, got " + std::to_string(options.groups) +
                     place(x.where()));
  const std::vector<std::int64_t> strides = options.strides.of(n, name, "strides", 1, x.where());
  const std::vector<std::int64_t> dilation = options.dilation_rate.of(n, name, "dilation_rate", 1, x.where());
  std::vector<std::int64_t> more;
  if (options.output_padding.given()) more = options.output_padding.of(n, name, "output_padding", 0, x.where());
  const bool same = options.padding.word() == "same", numbers = options.padding.word().empty();
  if (!same && !numbers && options.padding.word() != "valid")
    throw ValueError("[conv_transpose] expected the padding valid, same or numbers, got " + options.padding.word() +
                     place(x.where()));
  if (numbers && options.padding.each().size() != static_cast<std::size_t>(n))
    throw ValueError("[conv_transpose] expected a padding for each of " + std::to_string(n) + " axes, got " +
                     std::to_string(options.padding.each().size()) + place(x.where()));
  std::vector<std::int64_t> list;
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t stride = strides[at], k = (w.dim(i) - 1) * dilation[at] + 1;
    Window window{.stride = stride, .dilation = dilation[at]};
    if (numbers) {
      window.before = options.padding.each()[at].before;
      window.behind = options.padding.each()[at].behind - (more.empty() ? 0 : more[at]);
    } else if (same) {
      // All zeros around the spread-out x; Keras has the odd one before.
      const std::int64_t zeros = more.empty() ? stride + k - 2 : k + k % 2 - 2 + more[at];
      const std::int64_t before = std::min((zeros + 1) / 2, k - 1);
      window.before = k - 1 - before;
      window.behind = k - 1 - (zeros - before);
    } else {
      window.behind = more.empty() ? k - std::max(k, stride) : -more[at];
    }
    append_window(list, window);
  }
  return channels_from_end(record(x_op, {Arg(channels_to_end(x.tensor(), first), x.where()), w},
                                  {.a = options.groups, .b = static_cast<std::int64_t>(Zeros::given), .list = list}),
                           first);
}

}  // namespace xgrad
