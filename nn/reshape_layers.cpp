#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace xgrad {

namespace {

void describe(Fields& f, Reshape& o) {
  f("target_shape", o.target_shape);
  f("name", o.name);
}
void describe(Fields& f, Permute& o) {
  f("dims", o.dims);
  f("name", o.name);
}
void describe(Fields& f, RepeatVector& o) {
  f("n", o.n);
  f("name", o.name);
}
void describe_sides(Fields& f, Spatial& o) {
  std::vector<std::pair<std::int64_t, std::int64_t>> sides;
  for (const Ends& side : o.sides) sides.emplace_back(side.before, side.behind);
  f("sides", sides);
  f("data_format", o.data_format);
  f("name", o.name);
  if (!f.reading()) return;
  if (sides.size() != o.sides.size()) throw ValueError("expected sides for each axis");
  for (std::size_t i = 0; i < sides.size(); ++i) o.sides[i] = Ends(sides[i].first, sides[i].second);
  static_cast<void>(Sides(o.sides).of("config", static_cast<int>(o.sides.size())));
}
template <int N>
void describe(Fields& f, Cropping<N>& o) {
  describe_sides(f, o);
}
template <int N>
void describe(Fields& f, ZeroPadding<N>& o) {
  describe_sides(f, o);
}
template <int N>
void describe(Fields& f, UpSampling<N>& o) {
  f("size", o.size);
  f("data_format", o.data_format);
  f("interpolation", o.interpolation);
  f("name", o.name);
}

constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

double kernel_at(std::string_view interpolation, double x) {
  x = std::fabs(x);
  if (interpolation == "bilinear") return std::max(0.0, 1 - x);
  if (interpolation == "bicubic") {
    if (x >= 2) return 0;
    return x < 1 ? ((1.5 * x - 2.5) * x) * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
  }
  const double radius = interpolation == "lanczos3" ? 3 : 5;
  if (x > radius) return 0;
  if (x <= 1e-3) return 1;
  const double turn = std::numbers::pi * x;
  return radius * std::sin(turn) * std::sin(turn / radius) / (turn * turn);
}

}  // namespace

Tensor resize_axis(const Tensor& x, int axis, std::int64_t length, std::string_view interpolation, bool antialias) {
  constexpr Named<int> methods[] = {{"nearest", 0}, {"bilinear", 1}, {"bicubic", 2}, {"lanczos3", 3}, {"lanczos5", 4}};
  const bool nearest = find_named(methods, "interpolation", interpolation) == 0;
  const std::int64_t from = x.dim(axis);
  if (from == length) return x;
  if (from == 0) throw ShapeError("[resize] expected an axis with elements, got " + to_string(x.shape()));
  const double scale = static_cast<double>(from) / static_cast<double>(length);
  if (nearest) {
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < length; ++i)
      places.push_back(std::min(from - 1, static_cast<std::int64_t>((static_cast<double>(i) + .5) * scale)));
    return take(x, tensor(places, {length}), axis);
  }
  const double width = antialias ? std::max(scale, 1.0) : 1.0;
  std::vector<double> weights;
  for (std::int64_t i = 0; i < length; ++i) {
    const double centre = (static_cast<double>(i) + .5) * scale - .5;
    std::vector<double> row;
    double sum = 0;
    for (std::int64_t k = 0; k < from; ++k) {
      row.push_back(kernel_at(interpolation, (centre - static_cast<double>(k)) / width));
      sum += row.back();
    }
    for (const double w : row) weights.push_back(std::fabs(sum) > 1e-12 ? w / sum : 0);
  }
  const Tensor y = floating(x);
  const Tensor matrix = tensor(weights, {length, from}, {.dtype = y.dtype()});
  return moveaxis(matmul(moveaxis(y, axis, -1), transpose(matrix)), -1, axis);
}

// --- Reshape, Permute, RepeatVector

Reshape::Reshape(std::vector<std::int64_t> target_shape, ShapeLayerOptions options)
    : target_shape(std::move(target_shape)), name(std::move(options.name)) {
  check();
}

void Reshape::check() const {
  int open = 0;
  for (const std::int64_t n : target_shape) {
    if (n < -1) throw ValueError(label("Reshape", name) + "expected lengths of -1 or more, got " + std::to_string(n));
    open += n == -1;
  }
  if (open > 1)
    throw ValueError(label("Reshape", name) + "expected at most one length of -1, got " + std::to_string(open));
  if (target_shape.size() + 1 > static_cast<std::size_t>(max_rank))
    throw ValueError(label("Reshape", name) + "expected at most 7 lengths, got " + std::to_string(target_shape.size()));
}

Tensor Reshape::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  if (x.rank() == 0) throw ShapeError(label("Reshape", name) + "expected x with a batch axis, got a scalar");
  const std::int64_t size = x.dim(0) == 0 ? 0 : x.size() / x.dim(0);
  std::int64_t known = 1;
  for (const std::int64_t n : target_shape) known *= n == -1 ? 1 : n;
  const bool open = std::find(target_shape.begin(), target_shape.end(), -1) != target_shape.end();
  const bool fits = open ? known != 0 && size % known == 0 : known == size || x.dim(0) == 0;
  if (!fits) {
    std::string wanted;
    for (const std::int64_t n : target_shape) wanted += ", " + std::to_string(n);
    throw ShapeError(label("Reshape", name) + "expected x with the elements of (batch" + wanted + "), got " +
                     to_string(x.shape()));
  }
  // The batch is left open, so that another batch size can be recorded.
  Shape shape;
  std::vector<std::int64_t> lengths = {x.size() == 0 ? x.dim(0) : -1};
  for (const std::int64_t n : target_shape) lengths.push_back(n == -1 ? size / known : n);
  Shape out;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    out.append(0);
    out.set(static_cast<int>(i), lengths[i]);
  }
  return reshape(x, out);
}

Config Reshape::get_config() const { return config_of(*this, describing); }
Reshape Reshape::from_config(const Config& config) { return read_layer("Reshape", config, Reshape({-1}), describing); }

Permute::Permute(std::vector<int> dims, ShapeLayerOptions options)
    : dims(std::move(dims)), name(std::move(options.name)) {
  check();
}

void Permute::check() const {
  std::vector<int> sorted = dims;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int>(i) + 1)
      throw ValueError(label("Permute", name) + "expected dims to be a permutation of 1 to " +
                       std::to_string(dims.size()));
}

Tensor Permute::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  check_rank(label("Permute", name), x, static_cast<int>(dims.size()) + 1);
  std::vector<int> axes = {0};
  axes.insert(axes.end(), dims.begin(), dims.end());
  return transpose(x, std::span<const int>(axes));
}

Config Permute::get_config() const { return config_of(*this, describing); }
Permute Permute::from_config(const Config& config) { return read_layer("Permute", config, Permute({1}), describing); }

RepeatVector::RepeatVector(std::int64_t n, ShapeLayerOptions options) : n(n), name(std::move(options.name)) { check(); }

void RepeatVector::check() const {
  if (n < 0) throw ValueError(label("RepeatVector", name) + "expected n of 0 or more, got " + std::to_string(n));
}

Tensor RepeatVector::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  check_rank(label("RepeatVector", name), x, 2);
  return repeat(expand_dims(x, 1), n, 1);
}

Config RepeatVector::get_config() const { return config_of(*this, describing); }
RepeatVector RepeatVector::from_config(const Config& config) {
  return read_layer("RepeatVector", config, RepeatVector(1), describing);
}

// --- Cropping, ZeroPadding, UpSampling

std::vector<Ends> Sides::of(std::string_view where, int n) const {
  std::vector<Ends> out = list_;
  if (out.size() == 1) out.assign(static_cast<std::size_t>(n), list_[0]);
  if (n == 1 && list_.size() == 2) out = {Ends(list_[0].before, list_[1].before)};
  if (out.size() != static_cast<std::size_t>(n))
    throw ValueError("[" + std::string(where) + "] expected one number, or numbers for each of " + std::to_string(n) +
                     " axes, got " + std::to_string(list_.size()));
  for (const Ends& side : out)
    if (side.before < 0 || side.behind < 0)
      throw ValueError("[" + std::string(where) + "] expected numbers of 0 or more, got {" +
                       std::to_string(side.before) + ", " + std::to_string(side.behind) + "}");
  return out;
}

template <int N>
std::string_view Cropping<N>::kind_name() {
  return N == 1 ? "Cropping1D" : N == 2 ? "Cropping2D" : "Cropping3D";
}

template <int N>
Cropping<N>::Cropping(Sides cropping, SpatialOptions options)
    : Spatial{cropping.of(kind_name(), N), std::move(options.data_format), std::move(options.name)} {
  static_cast<void>(channels_first(kind_name(), data_format));
}

template <int N>
Tensor Cropping<N>::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  const std::string where = label(kind_name(), name);
  check_rank(where, x, N + 2);
  Tensor y = x;
  const int first = N == 1 ? 1 : first_spatial(kind_name(), data_format);
  for (int i = 0; i < N; ++i) {
    const Ends& side = sides[static_cast<std::size_t>(i)];
    const std::int64_t length = x.dim(first + i);
    if (side.before + side.behind >= length)
      throw ShapeError(where + "expected axis " + std::to_string(first + i) + " to be longer than the " +
                       std::to_string(side.before + side.behind) + " elements to crop, got x " + to_string(x.shape()));
    y = slice_axis(y, first + i, {side.before, length - side.behind});
  }
  return y;
}

template <int N>
Config Cropping<N>::get_config() const {
  return config_of(*this, describing);
}
template <int N>
Cropping<N> Cropping<N>::from_config(const Config& config) {
  return read_layer(kind_name(), config, Cropping<N>(), describing);
}

template <int N>
std::string_view ZeroPadding<N>::kind_name() {
  return N == 1 ? "ZeroPadding1D" : N == 2 ? "ZeroPadding2D" : "ZeroPadding3D";
}

template <int N>
ZeroPadding<N>::ZeroPadding(Sides padding, SpatialOptions options)
    : Spatial{padding.of(kind_name(), N), std::move(options.data_format), std::move(options.name)} {
  static_cast<void>(channels_first(kind_name(), data_format));
}

template <int N>
Tensor ZeroPadding<N>::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  check_rank(label(kind_name(), name), x, N + 2);
  std::vector<Padding> paddings(N + 2);
  const int first = N == 1 ? 1 : first_spatial(kind_name(), data_format);
  for (int i = 0; i < N; ++i)
    paddings[static_cast<std::size_t>(first + i)] = {sides[static_cast<std::size_t>(i)].before,
                                                     sides[static_cast<std::size_t>(i)].behind};
  return pad(x, paddings);
}

template <int N>
Config ZeroPadding<N>::get_config() const {
  return config_of(*this, describing);
}
template <int N>
ZeroPadding<N> ZeroPadding<N>::from_config(const Config& config) {
  return read_layer(kind_name(), config, ZeroPadding<N>(), describing);
}

template <int N>
std::string_view UpSampling<N>::kind_name() {
  return N == 1 ? "UpSampling1D" : N == 2 ? "UpSampling2D" : "UpSampling3D";
}

template <int N>
UpSampling<N>::UpSampling(std::vector<std::int64_t> size, UpSamplingOptions options)
    : size(std::move(size)),
      data_format(std::move(options.data_format)),
      interpolation(std::move(options.interpolation)),
      name(std::move(options.name)) {
  check();
}

template <int N>
void UpSampling<N>::check() const {
  const std::string where = label(kind_name(), name);
  if (size.size() != N)
    throw ValueError(where + "expected a size for each of " + std::to_string(N) + " axes, got " +
                     std::to_string(size.size()));
  for (const std::int64_t n : size)
    if (n < 1) throw ValueError(where + "expected sizes of 1 or more, got " + std::to_string(n));
  static_cast<void>(channels_first(kind_name(), data_format));
  constexpr Named<int> methods[] = {{"nearest", 0}, {"bilinear", 1}, {"bicubic", 2}, {"lanczos3", 3}, {"lanczos5", 4}};
  if (find_named(methods, "interpolation", interpolation) != 0 && N != 2)
    throw ValueError(where + "expected the interpolation 'nearest', got '" + interpolation + "'");
}

template <int N>
Tensor UpSampling<N>::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  check_rank(label(kind_name(), name), x, N + 2);
  Tensor y = x;
  const int first = N == 1 ? 1 : first_spatial(kind_name(), data_format);
  for (int i = 0; i < N; ++i) {
    const std::int64_t n = size[static_cast<std::size_t>(i)];
    if (interpolation == "nearest")
      y = n == 1 ? y : repeat(y, n, first + i);
    else
      y = resize_axis(y, first + i, n * x.dim(first + i), interpolation);
  }
  return y;
}

template <int N>
Config UpSampling<N>::get_config() const {
  return config_of(*this, describing);
}
template <int N>
UpSampling<N> UpSampling<N>::from_config(const Config& config) {
  return read_layer(kind_name(), config, UpSampling<N>(), describing);
}

template struct Cropping<1>;
template struct Cropping<2>;
template struct Cropping<3>;
template struct ZeroPadding<1>;
template struct ZeroPadding<2>;
template struct ZeroPadding<3>;
template struct UpSampling<1>;
template struct UpSampling<2>;
template struct UpSampling<3>;

}  // namespace xgrad
