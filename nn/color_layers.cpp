#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/color_layers.hpp>
#include <xgrad/nn/image_parts.hpp>
#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad {

namespace {

using Interval = std::pair<double, double>;

void describe(Fields& f, AutoContrast& o) {
  f("value_range", o.value_range);
  f("name", o.name);
}
void describe(Fields& f, Equalization& o) {
  f("value_range", o.value_range);
  f("bins", o.bins);
  f("name", o.name);
}
constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

void check_range(const std::string& where, const Interval& range) {
  if (!(range.first < range.second)) throw ValueError(where + "expected a value_range that rises");
}
/// From one range of values to another.
Tensor between(const Tensor& x, const Interval& from, const Interval& to) {
  if (from == to) return x;
  return (x - from.first) / (from.second - from.first) * (to.second - to.first) + to.first;
}
constexpr Interval bytes{0, 255}, unit{0, 1};

Tensor channel(const Tensor& x, std::int64_t k) { return slice_axis(x, -1, {k, k + 1}); }

void check_rgb(const std::string& where, const Tensor& x) {
  if (x.dim(3) != 3)
    throw ShapeError(where + "expected images with 3 channels (red, green, blue), got " + to_string(x.shape()));
}

Tensor gray(const std::string& where, const Tensor& x) {
  if (x.dim(3) == 1) return x;
  check_rgb(where, x);
  return channel(x, 0) * .2989 + channel(x, 1) * .5870 + channel(x, 2) * .1140;
}

struct Hsv {
  Tensor hue, saturation, value;
};

Hsv to_hsv(const Tensor& x) {
  const Tensor r = channel(x, 0), g = channel(x, 1), b = channel(x, 2);
  const Tensor value = maximum(maximum(r, g), b), range = value - minimum(minimum(r, g), b);
  const Tensor norm = 1 / (6 * where(range > 0, range, 1));
  Tensor hue = where(equal(value, g), norm * (b - r) + 2. / 6, norm * (r - g) + 4. / 6);
  hue = where(equal(value, r), norm * (g - b), hue);
  hue = where(range > 0, where(hue < 0, hue + 1, hue), 0);
  return {hue, where(value > 0, range / where(value > 0, value, 1), 0), value};
}

Tensor to_rgb(const Hsv& c) {
  const Tensor turn = c.hue * 6, rest = 1 - c.saturation;
  const auto mixed = [&](const Tensor& part) { return c.value * (rest + c.saturation * clip(part, 0, 1)); };
  return concatenate({mixed(abs(turn - 3) - 1), mixed(2 - abs(turn - 2)), mixed(2 - abs(turn - 4))}, -1);
}

}  // namespace

AutoContrast::AutoContrast(AutoContrastOptions options)
    : value_range(options.value_range), name(std::move(options.name)) {
  check();
}
void AutoContrast::check() const { check_range(label("AutoContrast", name), value_range); }
Tensor AutoContrast::operator()(const Tensor& given, Call&) const {
  check_images(label("AutoContrast", name), given);
  const Tensor x = floating(given), y = between(x, value_range, bytes);
  const Tensor low = min(y, {1, 2}, true), high = max(y, {1, 2}, true);
  const Tensor scale = 255 / where(high > low, high - low, 1);
  return where(high > low, between(clip(y * scale - low * scale, 0, 255), bytes, value_range), x);
}
Config AutoContrast::get_config() const { return config_of(*this, describing); }
AutoContrast AutoContrast::from_config(const Config& config) {
  return read_layer("AutoContrast", config, AutoContrast(), describing);
}

Equalization::Equalization(EqualizationOptions options)
    : value_range(options.value_range), bins(options.bins), name(std::move(options.name)) {
  check();
}
void Equalization::check() const {
  check_range(label("Equalization", name), value_range);
  if (bins < 1) throw ValueError(label("Equalization", name) + "expected bins above 0, got " + std::to_string(bins));
}
Tensor Equalization::operator()(const Tensor& given, Call& call) const {
  check_images(label("Equalization", name), given);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const NoGrad no_grad;
  const auto top = static_cast<double>(bins - 1);
  std::vector<Tensor> channels;
  for (std::int64_t k = 0; k < x.dim(3); ++k) {
    const Tensor y = between(channel(x, k), value_range, bytes);
    const Tensor place = cast(clip(y / 255 * top, 0, top), int64);
    const Tensor counts = segment_sum(ones_like(ravel(y)), ravel(place), bins);
    const Tensor below = cumsum(counts, 0);
    const Tensor first = min(where(below > 0, below, max(below)));
    const Tensor all = max(below) - first;
    const Tensor table = clip(rint((below - first) * 255 / where(equal(all, 0), 1, all)), 0, 255);
    const Tensor ranks = where(sum(cast(counts > 0, int64)) <= 1, y, take(table, place));
    channels.push_back(between(ranks, bytes, value_range));
  }
  return concatenate(channels, -1);
}
Config Equalization::get_config() const { return config_of(*this, describing); }
Equalization Equalization::from_config(const Config& config) {
  return read_layer("Equalization", config, Equalization(), describing);
}

Solarization::Solarization(Share addition_factor, Share threshold_factor, RandomImageOptions options)
    : RandomImage("Solarization", std::move(options)), addition_(addition_factor), threshold_(threshold_factor) {
  check_share(label("Solarization", name()), "an addition_factor", addition_);
  check_share(label("Solarization", name()), "a threshold_factor", threshold_);
}
Tensor Solarization::operator()(const Tensor& given, Call& call) const {
  check_images(label("Solarization", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Interval& range = options().value_range;
  const Tensor addition = draw(x, Factor(addition_.low, addition_.high * 255), call);
  const Tensor threshold = draw(x, Factor(threshold_.low, threshold_.high * 255), call);
  const Tensor y = clip(between(x, range, bytes) + addition, 0, 255);
  return between(where(y < threshold, y, 255 - y), bytes, range);
}
Config Solarization::get_config() const {
  Share addition = addition_, threshold = threshold_;
  return random_config(options(), [&](Fields& f) {
    describe(f, "addition_factor", addition);
    describe(f, "threshold_factor", threshold);
  });
}
Solarization Solarization::from_config(const Config& config) {
  Share addition, threshold;
  RandomImageOptions options = random_options("Solarization", config, [&](Fields& f) {
    describe(f, "addition_factor", addition);
    describe(f, "threshold_factor", threshold);
  });
  return Solarization(addition, threshold, std::move(options));
}

RandomPosterization::RandomPosterization(int low, int high, RandomImageOptions options)
    : RandomImage("RandomPosterization", std::move(options)), low_(low), high_(high) {
  if (low < 1 || high < low || high > 8)
    throw ValueError(label("RandomPosterization", name()) + "expected factors from 1 to 8 that rise, got " +
                     std::to_string(low) + " and " + std::to_string(high));
}
RandomPosterization::RandomPosterization(int factor, RandomImageOptions options)
    : RandomPosterization(1, factor, std::move(options)) {}
Tensor RandomPosterization::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomPosterization", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const NoGrad no_grad;
  const Tensor bits = low_ == high_ ? draw(x, Factor(low_, low_), call) : floor(draw(x, Factor(low_, high_), call));
  const Tensor step = exp2(8 - minimum(bits, std::max(low_, high_ - 1)));
  const Interval& range = options().value_range;
  // Bytes, as a cast cuts them, without their lower bits.
  return between(floor(floor(between(x, range, bytes)) / step) * step, bytes, range);
}
Config RandomPosterization::get_config() const {
  Factor factor(low_, high_);
  return factor_config(options(), factor);
}
RandomPosterization RandomPosterization::from_config(const Config& config) {
  Factor factor;
  RandomImageOptions options =
      random_options("RandomPosterization", config, [&](Fields& f) { describe(f, "factor", factor); });
  return RandomPosterization(static_cast<int>(factor.low), static_cast<int>(factor.high), std::move(options));
}

RandomGrayscale::RandomGrayscale(double factor, RandomImageOptions options)
    : RandomImage("RandomGrayscale", std::move(options)), factor_(factor) {
  check_share(label("RandomGrayscale", name()), "a factor", Factor(0, factor));
}
Tensor RandomGrayscale::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomGrayscale", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  return where(draw(x, Factor(0, 1), call) < factor_, gray(label("RandomGrayscale", name()), x), x);
}
Config RandomGrayscale::get_config() const {
  double factor = factor_;
  return random_config(options(), [&](Fields& f) { f("factor", factor); });
}
RandomGrayscale RandomGrayscale::from_config(const Config& config) {
  double factor = .5;
  RandomImageOptions options = random_options("RandomGrayscale", config, [&](Fields& f) { f("factor", factor); });
  return RandomGrayscale(factor, std::move(options));
}

RandomInvert::RandomInvert(Share factor, RandomImageOptions options)
    : RandomImage("RandomInvert", std::move(options)), factor_(factor) {
  check_share(label("RandomInvert", name()), "a factor", factor_);
}
Tensor RandomInvert::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomInvert", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Tensor probability = draw(x, factor_, call);
  return where(draw(x, Factor(0, 1), call) < probability, options().value_range.second - x, x);
}
Config RandomInvert::get_config() const { return factor_config(options(), factor_); }
RandomInvert RandomInvert::from_config(const Config& config) {
  return from_factor<RandomInvert, Share>("RandomInvert", config);
}

RandomColorDegeneration::RandomColorDegeneration(Factor factor, RandomImageOptions options)
    : RandomImage("RandomColorDegeneration", std::move(options)), factor_(factor) {}
Tensor RandomColorDegeneration::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomColorDegeneration", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Interval& range = options().value_range;
  const Tensor grey = gray(label("RandomColorDegeneration", name()), x);
  return clip(x + draw(x, factor_, call) * (grey - x), range.first, range.second);
}
Config RandomColorDegeneration::get_config() const { return factor_config(options(), factor_); }
RandomColorDegeneration RandomColorDegeneration::from_config(const Config& config) {
  return from_factor<RandomColorDegeneration, Factor>("RandomColorDegeneration", config);
}

RandomHue::RandomHue(Share factor, RandomImageOptions options)
    : RandomImage("RandomHue", std::move(options)), factor_(factor) {}
Tensor RandomHue::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomHue", name()), given);
  check_rgb(label("RandomHue", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Interval& range = options().value_range;
  const Tensor side = where(draw(x, Factor(0, 1), call) > .5, -.5, .5);
  Hsv color = to_hsv(between(x, range, unit));
  const Tensor hue = color.hue + side * draw(x, factor_, call);
  color.hue = where(hue > 1, hue - 1, where(hue < 0, hue + 1, hue));
  return between(clip(to_rgb(color), 0, 1), unit, range);
}
Config RandomHue::get_config() const { return factor_config(options(), factor_); }
RandomHue RandomHue::from_config(const Config& config) { return from_factor<RandomHue, Share>("RandomHue", config); }

RandomSaturation::RandomSaturation(Factor factor, RandomImageOptions options)
    : RandomImage("RandomSaturation", std::move(options)), factor_(factor) {}
Tensor RandomSaturation::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomSaturation", name()), given);
  check_rgb(label("RandomSaturation", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Interval& range = options().value_range;
  const Tensor factor = draw(x, factor_, call);
  Hsv color = to_hsv(x);
  color.saturation = clip(color.saturation * (factor / (1 - factor + 1e-7)), range.first, range.second);
  return to_rgb(color);
}
Config RandomSaturation::get_config() const { return factor_config(options(), factor_); }
RandomSaturation RandomSaturation::from_config(const Config& config) {
  return from_factor<RandomSaturation, Factor>("RandomSaturation", config);
}

namespace {

template <class F>
void describe(Fields& f, const char* name, std::optional<F>& factor) {
  std::optional<Interval> both;
  if (factor) both.emplace(factor->low, factor->high);
  f(name, both);
  if (f.reading()) factor = both ? std::optional(F(both->first, both->second)) : std::nullopt;
}
void describe(Fields& f, ColorJitterOptions& o) {
  f("value_range", o.value_range);
  describe(f, "brightness_factor", o.brightness_factor);
  describe(f, "contrast_factor", o.contrast_factor);
  describe(f, "saturation_factor", o.saturation_factor);
  describe(f, "hue_factor", o.hue_factor);
  f("seed", o.seed);
  f("name", o.name);
}

}  // namespace

RandomColorJitter::RandomColorJitter(ColorJitterOptions options) : options_(std::move(options)) {
  const RandomImageOptions each = shared_options(options_.value_range, options_.seed, {});
  if (options_.brightness_factor) layers_.emplace_back(RandomBrightness(*options_.brightness_factor, each));
  if (options_.contrast_factor) layers_.emplace_back(RandomContrast(*options_.contrast_factor, each));
  if (options_.saturation_factor) layers_.emplace_back(RandomSaturation(*options_.saturation_factor, each));
  if (options_.hue_factor) layers_.emplace_back(RandomHue(*options_.hue_factor, each));
}
Tensor RandomColorJitter::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomColorJitter", name()), given);
  Tensor x = floating(given);
  for (const Layer& layer : layers_) x = layer(x, call);
  return x;
}
void RandomColorJitter::each(Visit visit) { visit("layers", layers_); }
Config RandomColorJitter::get_config() const {
  ColorJitterOptions o = options_;
  return written([&](Fields& f) { describe(f, o); });
}
RandomColorJitter RandomColorJitter::from_config(const Config& config) {
  ColorJitterOptions o;
  read_config("RandomColorJitter", config, [&](Fields& f) { describe(f, o); });
  return RandomColorJitter(std::move(o));
}

}  // namespace xgrad
