#include <xgrad/nn/image_parts.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <numbers>

namespace xgrad {

namespace {

void describe(Fields& f, Resizing& o) {
  f("height", o.height);
  f("width", o.width);
  f("interpolation", o.interpolation);
  f("crop_to_aspect_ratio", o.crop_to_aspect_ratio);
  f("pad_to_aspect_ratio", o.pad_to_aspect_ratio);
  f("fill_value", o.fill_value);
  f("antialias", o.antialias);
  f("name", o.name);
}
void describe(Fields& f, CenterCrop& o) {
  f("height", o.height);
  f("width", o.width);
  f("name", o.name);
}

constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

Tensor resized(const Tensor& x, std::int64_t height, std::int64_t width, const std::string& how, bool antialias) {
  return resize_axis(resize_axis(x, 1, height, how, antialias), 2, width, how, antialias);
}

/// The largest middle part with this ratio of sides.
Tensor with_ratio(const Tensor& x, std::int64_t height, std::int64_t width) {
  const double h = static_cast<double>(x.dim(1)), w = static_cast<double>(x.dim(2));
  const double ratio = static_cast<double>(height) / static_cast<double>(width);
  const auto rows = std::min(x.dim(1), static_cast<std::int64_t>(w * ratio));
  const auto columns = std::min(x.dim(2), static_cast<std::int64_t>(h / ratio));
  const std::int64_t top = (x.dim(1) - rows) / 2, left = (x.dim(2) - columns) / 2;
  return slice_axis(slice_axis(x, 1, {top, top + rows}), 2, {left, left + columns});
}

/// In the middle of a frame with this ratio of sides.
Tensor framed(const Tensor& x, std::int64_t height, std::int64_t width, double value) {
  const std::int64_t rows = std::max(x.dim(1), x.dim(2) * height / width);
  const std::int64_t columns = std::max(x.dim(2), x.dim(1) * width / height);
  const std::int64_t down = rows - x.dim(1), across = columns - x.dim(2);
  return pad(x, {{}, {down / 2, down / 2}, {across / 2, across / 2}, {}}, "constant", value);
}

Tensor middle(const Tensor& x, std::int64_t height, std::int64_t width) {
  const std::int64_t top = x.dim(1) - height, left = x.dim(2) - width;
  if (top < 0 || left < 0) return resized(with_ratio(x, height, width), height, width, "bilinear", false);
  return slice_axis(slice_axis(floating(x), 1, {top / 2, top / 2 + height}), 2, {left / 2, left / 2 + width});
}

/// Places beyond the edge brought back: places are whole numbers as floats.
Tensor inside(const Tensor& place, double length, const std::string& mode) {
  if (mode == "wrap") return remainder(place, length);
  if (mode == "reflect") {
    // The edge is repeated: d c b a | a b c d | d c b a.
    const Tensor turned = remainder(place, 2 * length);
    return minimum(turned, 2 * length - 1 - turned);
  }
  return clip(place, 0, length - 1);
}

}  // namespace

void check_size(const std::string& where, std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1)
    throw ValueError(where + "expected a height and width above 0, got " + std::to_string(height) + " and " +
                     std::to_string(width));
}

void check_images(const std::string& where, const Tensor& x) {
  if (x.rank() != 4 || x.size() == 0)
    throw ShapeError(where + "expected images (batch, height, width, channels), got " + to_string(x.shape()));
}

Resizing::Resizing(std::int64_t height, std::int64_t width, ResizingOptions options)
    : height(height),
      width(width),
      interpolation(std::move(options.interpolation)),
      crop_to_aspect_ratio(options.crop_to_aspect_ratio),
      pad_to_aspect_ratio(options.pad_to_aspect_ratio),
      fill_value(options.fill_value),
      antialias(options.antialias),
      name(std::move(options.name)) {
  check();
}
void Resizing::check() const {
  check_size(label("Resizing", name), height, width);
  constexpr Named<int> methods[] = {{"nearest", 0}, {"bilinear", 1}, {"bicubic", 2}, {"lanczos3", 3}, {"lanczos5", 4}};
  find_named(methods, "interpolation", interpolation);
  if (crop_to_aspect_ratio && pad_to_aspect_ratio)
    throw ValueError(label("Resizing", name) +
                     "expected one of crop_to_aspect_ratio and pad_to_aspect_ratio, got both");
}
Tensor Resizing::operator()(const Tensor& x, Call&) const {
  check_images(label("Resizing", name), x);
  Tensor y = floating(x);
  if (crop_to_aspect_ratio) y = with_ratio(y, height, width);
  if (pad_to_aspect_ratio) y = framed(y, height, width, fill_value);
  return resized(y, height, width, interpolation, antialias);
}
Config Resizing::get_config() const { return config_of(*this, describing); }
Resizing Resizing::from_config(const Config& config) {
  return read_layer("Resizing", config, Resizing(1, 1), describing);
}

CenterCrop::CenterCrop(std::int64_t height, std::int64_t width, CenterCropOptions options)
    : height(height), width(width), name(std::move(options.name)) {
  check();
}
void CenterCrop::check() const { check_size(label("CenterCrop", name), height, width); }
Tensor CenterCrop::operator()(const Tensor& x, Call&) const {
  check_images(label("CenterCrop", name), x);
  return middle(x, height, width);
}
Config CenterCrop::get_config() const { return config_of(*this, describing); }
CenterCrop CenterCrop::from_config(const Config& config) {
  return read_layer("CenterCrop", config, CenterCrop(1, 1), describing);
}

struct RandomImage::State : Counted {
  Counted* copy() const override { return new State(*this); }
  std::string kind;
  RandomImageOptions options;
  Generator generator;
  bool built = false;
};

RandomImage::RandomImage(std::string_view kind, RandomImageOptions options) : state_(new State) {
  State& s = *state_;
  s.kind = kind;
  s.options = std::move(options);
  constexpr Named<int> modes[] = {{"reflect", 0}, {"wrap", 1}, {"nearest", 2}, {"constant", 3}};
  constexpr Named<int> methods[] = {{"bilinear", 0}, {"nearest", 1}};
  find_named(modes, "fill_mode", s.options.fill_mode);
  find_named(methods, "interpolation", s.options.interpolation);
  if (!(s.options.value_range.first < s.options.value_range.second))
    throw ValueError(label(kind, s.options.name) + "expected a value_range that rises");
  if (!s.options.seed) return;
  s.generator = Generator(*s.options.seed);
  s.built = true;
}
const std::string& RandomImage::name() const { return state_->options.name; }
const RandomImageOptions& RandomImage::options() const { return state_->options; }

Generator& RandomImage::random(Call& call) const {
  State& s = *state_;
  if (!s.built) {
    s.generator = call.random().split();
    s.built = true;
  }
  return s.generator;
}

void RandomImage::each(Visit visit) {
  visit.own(state_);
  if (state_->built) visit("generator", state_->generator);
}

Tensor RandomImage::draw(const Tensor& x, const Factor& factor, Call& call) const {
  if (factor.low > factor.high)
    throw ValueError(label(state_->kind, name()) + "expected a factor that rises, got " + number_text(factor.low) +
                     " to " + number_text(factor.high));
  const Tensor like = slice(x, {{}, {0, 1}, {0, 1}, {0, 1}});
  return uniform_like(like, &random(call)) * (factor.high - factor.low) + factor.low;
}

Tensor RandomImage::moved(const Tensor& x, const Affine& m) const {
  const RandomImageOptions& o = options();
  const std::int64_t height = x.dim(1), width = x.dim(2);
  const TensorOptions same{.dtype = x.dtype()};
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  const Tensor rows = reshape(cast(arange(height), x.dtype()), {1, height, 1, 1}) - (h - 1) / 2;
  const Tensor columns = reshape(cast(arange(width), x.dtype()), {1, 1, width, 1}) - (w - 1) / 2;
  const Tensor nothing = zeros_like(slice(x, {{}, {0, 1}, {0, 1}, {0, 1}}));
  const auto or_else = [&](const Tensor& t, double value) { return t.defined() ? t : nothing + value; };
  Tensor r = or_else(m.rr, 1) * rows + or_else(m.rc, 0) * columns + or_else(m.dr, 0) + (h - 1) / 2;
  Tensor c = or_else(m.cr, 0) * rows + or_else(m.cc, 1) * columns + or_else(m.dc, 0) + (w - 1) / 2;
  static_cast<void>(same);
  // (batch, height * width, channels), read by whole places.
  const Tensor flat = reshape(x, {-1, height * width, x.dim(3)});
  const auto read = [&](const Tensor& row, const Tensor& column) {
    const Tensor at = inside(row, h, o.fill_mode) * w + inside(column, w, o.fill_mode);
    const Tensor places = reshape(cast(at, int64), {-1, height * width, 1});
    const Tensor values = reshape_like(take_along_axis(flat, broadcast_like(places, flat), 1), x);
    if (o.fill_mode != "constant") return values;
    const Tensor known = logical_and(logical_and(row >= 0, row <= h - 1), logical_and(column >= 0, column <= w - 1));
    return where(known, values, o.fill_value);
  };
  if (o.interpolation == "nearest") return read(rint(r), rint(c));
  const Tensor top = floor(r), left = floor(c), down = r - top, right = c - left;
  return (read(top, left) * (1 - right) + read(top, left + 1) * right) * (1 - down) +
         (read(top + 1, left) * (1 - right) + read(top + 1, left + 1) * right) * down;
}

RandomFlip::RandomFlip(std::string mode, RandomImageOptions options)
    : RandomImage("RandomFlip", std::move(options)), mode_(std::move(mode)) {
  constexpr Named<int> modes[] = {{"horizontal", 0}, {"vertical", 1}, {"horizontal_and_vertical", 2}};
  find_named(modes, "RandomFlip mode", mode_);
}
Tensor RandomFlip::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomFlip", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  Tensor y = x;
  if (mode_ != "vertical") y = where(draw(x, Factor(0, 1), call) < .5, flip(y, 2), y);
  if (mode_ != "horizontal") y = where(draw(x, Factor(0, 1), call) < .5, flip(y, 1), y);
  return y;
}

RandomTranslation::RandomTranslation(Factor height_factor, Factor width_factor, RandomImageOptions options)
    : RandomImage("RandomTranslation", std::move(options)), height_(height_factor), width_(width_factor) {}
Tensor RandomTranslation::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomTranslation", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  return moved(x, {.rr = {},
                   .rc = {},
                   .cr = {},
                   .cc = {},
                   .dr = draw(x, height_, call) * -static_cast<double>(x.dim(1)),
                   .dc = draw(x, width_, call) * -static_cast<double>(x.dim(2))});
}

RandomRotation::RandomRotation(Factor factor, RandomImageOptions options)
    : RandomImage("RandomRotation", std::move(options)), factor_(factor) {}
Tensor RandomRotation::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomRotation", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Tensor angle = draw(x, factor_, call) * (2 * std::numbers::pi);
  const Tensor cosine = cos(angle), sine = sin(angle);
  return moved(x, {.rr = cosine, .rc = sine, .cr = -sine, .cc = cosine, .dr = {}, .dc = {}});
}

RandomZoom::RandomZoom(Factor height_factor, std::optional<Factor> width_factor, RandomImageOptions options)
    : RandomImage("RandomZoom", std::move(options)), height_(height_factor), width_(width_factor) {}
Tensor RandomZoom::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomZoom", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Tensor height = 1 + draw(x, height_, call);
  const Tensor width = width_ ? 1 + draw(x, *width_, call) : height;
  return moved(x, {.rr = height, .rc = {}, .cr = {}, .cc = width, .dr = {}, .dc = {}});
}

RandomShear::RandomShear(Share x_factor, Share y_factor, RandomImageOptions options)
    : RandomImage("RandomShear", std::move(options)), x_(x_factor), y_(y_factor) {
  check_share(label("RandomShear", name()), "an x_factor", x_);
  check_share(label("RandomShear", name()), "a y_factor", y_);
}
Tensor RandomShear::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomShear", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Tensor side = where(draw(x, Factor(0, 1), call) > .5, -1., 1.);
  const Tensor down = draw(x, y_, call) * side, across = draw(x, x_, call) * side;
  // About the upper left corner instead of the middle.
  const double h = static_cast<double>(x.dim(1) - 1) / 2, w = static_cast<double>(x.dim(2) - 1) / 2;
  return moved(x, {.rr = {}, .rc = down, .cr = across, .cc = {}, .dr = down * w, .dc = across * h});
}

RandomContrast::RandomContrast(Share factor, RandomImageOptions options)
    : RandomImage("RandomContrast", std::move(options)), factor_(factor) {
  check_share(label("RandomContrast", name()), "a factor", factor_);
}
Tensor RandomContrast::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomContrast", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const Tensor centre = mean(x, {1, 2}, true);
  return clip((x - centre) * draw(x, Factor(1 - factor_.low, 1 + factor_.high), call) + centre,
              options().value_range.first, options().value_range.second);
}

RandomBrightness::RandomBrightness(Factor factor, RandomImageOptions options)
    : RandomImage("RandomBrightness", std::move(options)), factor_(factor) {}
Tensor RandomBrightness::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomBrightness", name()), given);
  random(call);
  const Tensor x = floating(given);
  if (!call.training) return x;
  const auto [low, high] = options().value_range;
  return clip(x + draw(x, factor_, call) * (high - low), low, high);
}

RandomCrop::RandomCrop(std::int64_t height, std::int64_t width, RandomImageOptions options)
    : RandomImage("RandomCrop", std::move(options)), height_(height), width_(width) {
  check_size(label("RandomCrop", name()), height, width);
}
Tensor RandomCrop::operator()(const Tensor& given, Call& call) const {
  check_images(label("RandomCrop", name()), given);
  Generator& generator = random(call);
  const Tensor x = floating(given);
  if (!call.training || x.dim(1) < height_ || x.dim(2) < width_) return middle(x, height_, width_);
  const auto part = [&](const Tensor& t, int axis, std::int64_t length) {
    const auto places = static_cast<double>(t.dim(axis) - length + 1);
    const Tensor start = cast(floor(uniform({}, 0, places, {.generator = &generator})), int64);
    return take(t, minimum(start, t.dim(axis) - length) + arange(length), axis);
  };
  return part(part(x, 1, height_), 2, width_);
}

}  // namespace xgrad
