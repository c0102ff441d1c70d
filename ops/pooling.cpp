#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/pooling.hpp>
#include <xgrad/ops/convolution_parts.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape_parts.hpp>

namespace xgrad {
namespace {

using kernels::MaxPool;

// As shifted slices a window of 3 x 3 would be read nine times, and equal elements would share the gradient. The list
// holds the windows of the axes in space, then the pool's size along them; these axes count from the end.

int axes_of(std::span<const std::int64_t> list) { return static_cast<int>(list.size() / (Window::fields + 1)); }

kernels::Convolution sizes_of(const Shape& x, const Shape& y, Zeros zeros, std::span<const std::int64_t> list,
                              DType dtype) {
  const int n = axes_of(list);
  kernels::Convolution c{.type = dtype, .batch = 1, .in_channels = x[-1]};
  for (int i = 0; i + n + 1 < x.rank(); ++i) c.batch *= x[i];
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(3 - n + i);
    c.in[at] = x[i - n - 1];
    c.out[at] = y[i - n - 1];
    c.taps[at] = list[Window::fields * static_cast<std::size_t>(n) + static_cast<std::size_t>(i)];
    const Window window = padded(window_at(list, i), zeros, c.in[at], c.taps[at]);
    c.stride[at] = window.stride;
    c.dilation[at] = window.dilation;
    c.before[at] = window.before;
  }
  return c;
}

void infer_windows(Recording& call) {
  const Shape& x = call.shape(call.arity() - 1);
  const int n = axes_of(call.list());
  Shape y = x;
  for (int i = 0; i < n; ++i) {
    const std::int64_t length = x[i - n - 1];
    const std::int64_t taps = call.list()[Window::fields * static_cast<std::size_t>(n) + static_cast<std::size_t>(i)];
    const Window window = padded(window_at(call.list(), i), static_cast<Zeros>(call.attribute(1)), length, taps);
    const std::int64_t places = places_of(window, length, taps);
    if (places <= 0)
      call.shape_error("expected axis " + std::to_string(x.rank() - n - 1 + i) + " to be as long as the pool's " +
                       std::to_string(taps));
    y.set(i - n - 1, places);
  }
  call.result(y, call.dtype(0));
}

template <MaxPool what>
void run_pool(const Launch& launch) {
  const View &first = launch.in[0], &x = launch.in[launch.in.size() - 1], &out = launch.out;
  const Shape& y = what == MaxPool::put ? first.shape : out.shape;
  if (out.shape.size() == 0) return;
  kernels::max_pool(what, sizes_of(x.shape, y, static_cast<Zeros>(launch.attributes[1]), launch.list, out.dtype),
                    x.data, first.data, out.data);
}

Tensor put(const Applied& c, const Tensor& g, const Tensor& x);
Tensor pick(const Applied& c, const Tensor& from, const Tensor& x);

constexpr Op max_op{.name = "max_pool",
                    .promotion = Promotion::floating,
                    .infer = infer_windows,
                    .rules = {[](const Applied& c, const Tensor& g) { return put(c, g, c.in(0)); }},
                    .run = run_pool<MaxPool::values>,
                    .leading = Leading::batch};
constexpr Op put_op{.name = "max_pool_put",
                    .infer = [](Recording& call) { call.result(call.shape(1), call.dtype(0)); },
                    .rules = {[](const Applied& c, const Tensor& g) { return pick(c, g, c.in(1)); }},
                    .linear = true,
                    .run = run_pool<MaxPool::put>,
                    .leading = Leading::batch};
constexpr Op pick_op{.name = "max_pool_pick",
                     .infer = infer_windows,
                     .rules = {[](const Applied& c, const Tensor& g) { return put(c, g, c.in(1)); }},
                     .linear = true,
                     .run = run_pool<MaxPool::pick>,
                     .leading = Leading::batch};

Attributes same_as(const Applied& c) { return {.a = c.attribute(0), .b = c.attribute(1), .list = c.list()}; }
Tensor put(const Applied& c, const Tensor& g, const Tensor& x) { return record(put_op, {g, x}, same_as(c)); }
Tensor pick(const Applied& c, const Tensor& from, const Tensor& x) { return record(pick_op, {from, x}, same_as(c)); }

/// One window of the elements from floor(i n / size) to ceil((i + 1) n / size) along an axis, for each i.
template <class Reduce>
Tensor adapted(const Tensor& x, int axis, std::int64_t size, const char* name, const Location& where, Reduce reduce) {
  const std::int64_t length = x.dim(axis);
  if (length == 0)
    throw ShapeError(std::string("[") + name + "] expected no empty axis, got " + to_string(x.shape()) + place(where));
  if (size == length) return x;
  if (length % size == 0) {
    Shape cut;
    for (int i = 0; i < x.rank(); ++i) {
      cut.append(i == axis ? size : x.dim(i));
      if (i == axis) cut.append(length / size);
    }
    // The first length is left open, so that another batch size can be recorded.
    if (x.size() > 0) cut.set(0, -1);
    return reduce(reshape(x, cut), axis + 1);
  }
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < size; ++i)
    parts.push_back(reduce(slice_axis(x, axis, {i * length / size, ((i + 1) * length + size - 1) / size}), axis));
  return stack(parts, axis, where);
}

template <class Reduce>
Tensor adaptive(const char* name, const Arg& given, const EachAxis& output_size, std::string_view data_format,
                Reduce reduce) {
  const int n = axes_in_space(name, given.tensor(), given.where());
  const int first = channels_first(name, data_format, given.where()) ? 2 : 1;
  const std::vector<std::int64_t> sizes = output_size.of(n, name, "output_size", 1, given.where());
  Tensor x = real(given);
  for (int i = 0; i < n; ++i)
    x = adapted(x, first + i, sizes[static_cast<std::size_t>(i)], name, given.where(), reduce);
  return x;
}

}  // namespace

Tensor max_pool(const Arg& x, const EachAxis& pool_size, const PoolOptions& options) {
  const Within here("max_pool", x);
  const int n = axes_in_space("max_pool", x.tensor(), x.where());
  const bool first = channels_first("max_pool", options.data_format, x.where());
  const std::vector<std::int64_t> sizes = pool_size.of(n, "max_pool", "pool_size", 1, x.where());
  const EachAxis& strides = options.strides.given() ? options.strides : pool_size;
  Windows windows = windows_of("max_pool", n, sizes, strides, 1, options.padding, x.where());
  windows.list.insert(windows.list.end(), sizes.begin(), sizes.end());
  return channels_from_end(record(max_op, {Arg(channels_to_end(x.tensor(), first), x.where())},
                                  {.b = static_cast<std::int64_t>(windows.zeros), .list = windows.list}),
                           first);
}

Tensor average_pool(const Arg& x, const EachAxis& pool_size, const PoolOptions& options) {
  const Within here("average_pool", x);
  const int n = axes_in_space("average_pool", x.tensor(), x.where());
  const bool first = channels_first("average_pool", options.data_format, x.where());
  const std::vector<std::int64_t> sizes = pool_size.of(n, "average_pool", "pool_size", 1, x.where());
  const Tensor in = channels_to_end(real(x), first);
  const ConvOptions windows{.strides = options.strides.given() ? options.strides : pool_size,
                            .padding = options.padding};
  // One tap a place: the sum of a window is a convolution of each channel with ones.
  double elements = 1;
  Shape ones_shape;
  for (const std::int64_t size : sizes) {
    elements *= static_cast<double>(size);
    ones_shape.append(size);
  }
  ones_shape.append(1);
  ones_shape.append(1);
  const Tensor each = full(ones_shape, 1, {.dtype = in.dtype()});
  Shape wide = ones_shape;
  wide.set(-2, in.dim(-1));
  const Tensor sums = depthwise_conv(in, broadcast_to(each, wide), windows);
  if (options.padding.word() == "valid") return channels_from_end(sums / elements, first);
  const Tensor one_image = slice_axis(slice_axis(ones_like(in), -1, {0, 1}), 0, {0, 1});
  return channels_from_end(sums / conv(one_image, each, windows), first);
}

Tensor adaptive_max_pool(const Arg& x, const EachAxis& output_size, std::string_view data_format) {
  const Within here("adaptive_max_pool", x);
  return adaptive("adaptive_max_pool", x, output_size, data_format,
                  [](const Tensor& t, int axis) { return max(t, axis); });
}
Tensor adaptive_average_pool(const Arg& x, const EachAxis& output_size, std::string_view data_format) {
  const Within here("adaptive_average_pool", x);
  return adaptive("adaptive_average_pool", x, output_size, data_format,
                  [](const Tensor& t, int axis) { return mean(t, axis); });
}

}  // namespace xgrad
