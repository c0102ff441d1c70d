#include <xgrad/nn/image_parts.hpp>

namespace xgrad {

void check_share(const std::string& where, const char* what, const Factor& share) {
  if (!(share.low >= 0 && share.low <= share.high && share.high <= 1))
    throw ValueError(where + "expected " + what + " between 0 and 1 that rises, got " + number_text(share.low) +
                     " to " + number_text(share.high));
}

RandomImageOptions shared_options(std::pair<double, double> value_range, std::optional<std::uint64_t> seed,
                                  std::string name) {
  RandomImageOptions out;
  out.value_range = value_range;
  out.seed = seed;
  out.name = std::move(name);
  return out;
}

void describe(Fields& f, const char* name, Factor& factor) {
  std::pair<double, double> both{factor.low, factor.high};
  f(name, both);
  if (f.reading()) factor = Factor(both.first, both.second);
}

void describe(Fields& f, RandomImageOptions& o) {
  f("value_range", o.value_range);
  f("fill_mode", o.fill_mode);
  f("interpolation", o.interpolation);
  f("fill_value", o.fill_value);
  f("seed", o.seed);
  f("name", o.name);
}

Config RandomFlip::get_config() const {
  std::string mode = mode_;
  return random_config(options(), [&](Fields& f) { f("mode", mode); });
}
RandomFlip RandomFlip::from_config(const Config& config) {
  std::string mode = "horizontal_and_vertical";
  RandomImageOptions options = random_options("RandomFlip", config, [&](Fields& f) { f("mode", mode); });
  return RandomFlip(std::move(mode), std::move(options));
}

Config RandomTranslation::get_config() const {
  Factor height = height_, width = width_;
  return random_config(options(), [&](Fields& f) {
    describe(f, "height_factor", height);
    describe(f, "width_factor", width);
  });
}
RandomTranslation RandomTranslation::from_config(const Config& config) {
  Factor height, width;
  RandomImageOptions options = random_options("RandomTranslation", config, [&](Fields& f) {
    describe(f, "height_factor", height);
    describe(f, "width_factor", width);
  });
  return RandomTranslation(height, width, std::move(options));
}

Config RandomZoom::get_config() const {
  Factor height = height_;
  std::optional<std::pair<double, double>> width;
  if (width_) width.emplace(width_->low, width_->high);
  return random_config(options(), [&](Fields& f) {
    describe(f, "height_factor", height);
    f("width_factor", width);
  });
}
RandomZoom RandomZoom::from_config(const Config& config) {
  Factor height;
  std::optional<std::pair<double, double>> width;
  RandomImageOptions options = random_options("RandomZoom", config, [&](Fields& f) {
    describe(f, "height_factor", height);
    f("width_factor", width);
  });
  return RandomZoom(height, width ? std::optional(Factor(width->first, width->second)) : std::nullopt,
                    std::move(options));
}

Config RandomShear::get_config() const {
  Share x = x_, y = y_;
  return random_config(options(), [&](Fields& f) {
    describe(f, "x_factor", x);
    describe(f, "y_factor", y);
  });
}
RandomShear RandomShear::from_config(const Config& config) {
  Share x, y;
  RandomImageOptions options = random_options("RandomShear", config, [&](Fields& f) {
    describe(f, "x_factor", x);
    describe(f, "y_factor", y);
  });
  return RandomShear(x, y, std::move(options));
}

Config RandomCrop::get_config() const {
  std::int64_t height = height_, width = width_;
  return random_config(options(), [&](Fields& f) {
    f("height", height);
    f("width", width);
  });
}
RandomCrop RandomCrop::from_config(const Config& config) {
  std::int64_t height = 0, width = 0;
  RandomImageOptions options = random_options("RandomCrop", config, [&](Fields& f) {
    f("height", height);
    f("width", width);
  });
  return RandomCrop(height, width, std::move(options));
}

Config RandomRotation::get_config() const { return factor_config(options(), factor_); }
RandomRotation RandomRotation::from_config(const Config& config) {
  return from_factor<RandomRotation, Factor>("RandomRotation", config);
}
Config RandomContrast::get_config() const { return factor_config(options(), factor_); }
RandomContrast RandomContrast::from_config(const Config& config) {
  return from_factor<RandomContrast, Share>("RandomContrast", config);
}
Config RandomBrightness::get_config() const { return factor_config(options(), factor_); }
RandomBrightness RandomBrightness::from_config(const Config& config) {
  return from_factor<RandomBrightness, Factor>("RandomBrightness", config);
}

}  // namespace xgrad
