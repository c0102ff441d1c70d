#include <xgrad/nn/color_layers.hpp>
#include <xgrad/nn/image_parts.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad {

namespace {

/// Sums of neighbours along an axis, weighted, with 0 beyond the edge.
Tensor smoothed(const Tensor& x, int axis, const std::vector<Tensor>& weights) {
  const auto n = static_cast<std::int64_t>(weights.size());
  std::vector<Padding> paddings(4);
  paddings[static_cast<std::size_t>(axis)] = {(n - 1) / 2, n / 2};
  const Tensor padded = pad(x, std::span<const Padding>(paddings));
  Tensor sum;
  for (std::int64_t k = 0; k < n; ++k) {
    const Tensor part = slice_axis(padded, axis, {k, k + x.dim(axis)}) * weights[static_cast<std::size_t>(k)];
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

/// A bell over n places, of which the weights add up to 1.
std::vector<Tensor> bell(std::int64_t n, const Tensor& sigma) {
  std::vector<Tensor> out;
  Tensor sum;
  for (std::int64_t k = 0; k < n; ++k) {
    const double at = static_cast<double>(k) - static_cast<double>(n - 1) / 2;
    out.push_back(exp(-.5 * square(at / sigma)));
    sum = sum.defined() ? sum + out.back() : out.back();
  }
  for (Tensor& weight : out) weight = weight / sum;
  return out;
}

}  // namespace

RandomSharpness::RandomSharpness(Share factor, RandomImageOptions options)
    : RandomImage("RandomSharpness", std::move(options)), factor_(factor) {
  check_share(label("RandomSharpness", name()), "a factor", factor_);
}
Tensor RandomSharpness::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomSharpness", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const auto& range = options().value_range;
  // The middle pixel counts five times.
  const std::vector<Tensor> ones(3, Tensor(1.0, {.dtype = x.dtype()}));
  const Tensor smooth = (smoothed(smoothed(x, 1, ones), 2, ones) + 4 * x) / 13;
  const Tensor factor = draw(x, factor_, call) * 2;
  return clip(x + (1 - factor) * (smooth - x), range.first, range.second);
}
Config RandomSharpness::get_config() const { return factor_config(options(), factor_); }
RandomSharpness RandomSharpness::from_config(const Config& config) {
  return from_factor<RandomSharpness, Share>("RandomSharpness", config);
}

RandomGaussianBlur::RandomGaussianBlur(Share factor, GaussianBlurOptions o)
    : RandomImage("RandomGaussianBlur", shared_options(o.value_range, o.seed, std::move(o.name))),
      factor_(factor),
      sigma_(o.sigma),
      rows_(o.kernel_size.second),
      columns_(o.kernel_size.first) {
  const std::string where = label("RandomGaussianBlur", name());
  check_share(where, "a factor", factor_);
  check_share(where, "a sigma", sigma_);
  if (rows_ < 1 || columns_ < 1 || rows_ % 2 == 0 || columns_ % 2 == 0)
    throw ValueError(where + "expected odd lengths in kernel_size, got " + std::to_string(columns_) + " and " +
                     std::to_string(rows_));
}
Tensor RandomGaussianBlur::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomGaussianBlur", name()), given);
  Generator& generator = random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Tensor probability = draw(x, factor_, call);
  const Tensor chosen = draw(x, Factor(0, 1), call) < probability;
  // One pair for the whole batch.
  const auto sigma = [&] {
    return uniform({}, sigma_.low, sigma_.high, {.dtype = x.dtype(), .generator = &generator}) + 1e-6;
  };
  const Tensor across = sigma(), down = sigma();
  const Tensor blurred = smoothed(smoothed(x, 2, bell(columns_, across)), 1, bell(rows_, down));
  return clip(where(chosen, blurred, x), options().value_range.first, options().value_range.second);
}
Config RandomGaussianBlur::get_config() const {
  Share factor = factor_, sigma = sigma_;
  std::pair<std::int64_t, std::int64_t> size{columns_, rows_};
  return random_config(options(), [&](Fields& f) {
    describe(f, "factor", factor);
    f("kernel_size", size);
    describe(f, "sigma", sigma);
  });
}
RandomGaussianBlur RandomGaussianBlur::from_config(const Config& config) {
  Share factor = 1.0;
  GaussianBlurOptions o;
  RandomImageOptions all = random_options("RandomGaussianBlur", config, [&](Fields& f) {
    describe(f, "factor", factor);
    f("kernel_size", o.kernel_size);
    describe(f, "sigma", o.sigma);
  });
  o.value_range = all.value_range;
  o.seed = all.seed;
  o.name = std::move(all.name);
  return RandomGaussianBlur(factor, std::move(o));
}

RandomErasing::RandomErasing(Share factor, ErasingOptions o)
    : RandomImage("RandomErasing", shared_options(o.value_range, o.seed, std::move(o.name))),
      factor_(factor),
      scale_(o.scale.first, o.scale.second),
      fill_(o.fill_value) {
  check_share(label("RandomErasing", name()), "a factor", factor_);
  check_share(label("RandomErasing", name()), "a scale", scale_);
}
Tensor RandomErasing::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomErasing", name()), given);
  Generator& generator = random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  /// Where along an axis the rectangle lies.
  const auto covered = [&](int axis) {
    const std::int64_t n = x.dim(axis);
    Shape shape{1, 1, 1, 1};
    shape.set(axis, n);
    const Tensor length = sqrt(draw(x, scale_, call)) * static_cast<double>(n);
    const Tensor start = draw(x, Factor(0, 1), call) * (static_cast<double>(n) - length);
    const Tensor place = reshape(cast(arange(n), x.dtype()), shape);
    return logical_and(place >= start, place < start + length);
  };
  const Tensor columns = covered(2), rows = covered(1);
  const Tensor probability = draw(x, factor_, call);
  const Tensor chosen = draw(x, Factor(0, 1), call) < probability;
  const auto [low, high] = options().value_range;
  const Tensor fill =
      fill_ ? zeros_like(x) + std::clamp(*fill_, low, high)
            : clip(normal(x.shape(), 0, 1, {.dtype = x.dtype(), .generator = &generator}) * high, low, high);
  return where(logical_and(chosen, logical_and(rows, columns)), fill, x);
}
Config RandomErasing::get_config() const {
  Share factor = factor_, scale = scale_;
  std::optional<double> fill = fill_;
  RandomImageOptions o = options();
  return written([&](Fields& f) {
    describe(f, "factor", factor);
    describe(f, "scale", scale);
    f("fill_value", fill);
    f("value_range", o.value_range);
    f("seed", o.seed);
    f("name", o.name);
  });
}
RandomErasing RandomErasing::from_config(const Config& config) {
  Share factor = 1.0;
  ErasingOptions o;
  read_config("RandomErasing", config, [&](Fields& f) {
    describe(f, "factor", factor);
    f("scale", o.scale);
    f("fill_value", o.fill_value);
    f("value_range", o.value_range);
    f("seed", o.seed);
    f("name", o.name);
  });
  return RandomErasing(factor, std::move(o));
}

}  // namespace xgrad
